import fs from 'node:fs'
import path from 'node:path'
import {describe, expect, it} from 'vitest'
import * as words from '../../src/lib/core/shell-words.js'

const SYSTEMS = ['linux', 'darwin', 'win32'] as const

describe('what a person is asked to type into a shell', () => {
  it.each<[(platform: NodeJS.Platform) => string, linux: string, win32: string]>([
    [(on) => words.unsetting(['A'], on), 'unset A', 'In PowerShell: Remove-Item Env:A; in cmd: set A='],
    [
      (on) => words.unsetting(['A', 'B'], on),
      'unset A B',
      'In PowerShell: Remove-Item Env:A, Env:B; in cmd: set A= & set B=',
    ],
    [
      (on) => words.setting('A', 'b.example.com', on),
      'export A=b.example.com',
      'In PowerShell: $env:A = "b.example.com"; in cmd: set A=b.example.com',
    ],
    [(on) => words.reading('zt login', on), 'zt login < FILE', 'type FILE | zt login'],
    [(platform) => words.listing('/a b', {platform}), "ls -l '/a b'", 'dir "/a b"'],
    [(platform) => words.listing('x', {platform, directory: true}), 'ls -ld x', 'dir x'],
    [(on) => words.removing('x', on), 'rm x', 'del x'],
    [(on) => words.making('x', on), 'mkdir -p x', 'mkdir x'],
    [(on) => words.ending(12, on), 'kill 12', 'taskkill /pid 12 /f'],
    [(on) => words.goingHome(on), 'cd', 'cd \\'],
    [
      (on) => words.installing('curl', on),
      'Install curl, for example: apt-get install curl',
      'Install curl, for example: winget install cURL.cURL',
    ],
    [
      (on) => words.installing('ssh', on),
      "Install OpenSSH's client, for example: apt-get install openssh-client",
      'Install the optional feature OpenSSH Client: in Settings, System, Optional features',
    ],
  ])('%s', (said, linux, win32) => {
    expect([said('linux'), said('win32')]).toEqual([linux, win32])
  })

  it('is in one table, or has a reason in the list', () => {
    const src = path.resolve(import.meta.dirname, '../../src')
    const found = fs
      .readdirSync(src, {recursive: true, encoding: 'utf8'})
      .map((name) => name.replaceAll(path.sep, '/'))
      .filter((name) => name.endsWith('.ts') && SHELL.test(codeOf(path.join(src, name))))
    expect(found.sort()).toEqual(Object.keys(MAY_SAY).sort())
  })

  it.each(["'unset X'", '`rm ${file}`', "'zt login < FILE'", '"Install x: apt-get install x"', '`sudo x`'])(
    'is searched for the like of %s',
    (text) => {
      expect(SHELL.test(text)).toBe(true)
    },
  )

  it.each(SYSTEMS)('names nothing of another system: %s', (on) => {
    const all = [words.installing('curl', on), words.installing('ssh', on), words.reading('zt login', on)]
    const foreign = {linux: /brew|winget|type /, darwin: /apt-get|winget|type /, win32: /apt-get|brew|</}[on]
    expect(all.filter((text) => foreign.test(text))).toEqual([])
  })
})

function codeOf(file: string): string {
  return fs.readFileSync(file, 'utf8').replaceAll(/^ *(\/\*\*|\*|\/\/).*$/gm, '')
}

/** In src/, what may write a command of a shell, and why. */
const MAY_SAY: Record<string, string> = {
  'lib/core/shell-words.ts': 'it is the table',
  'lib/system/own-files.ts': 'of modes, which Windows has not',
  'lib/config/project.ts': 'of modes, which Windows has not',
  'lib/tunnel/ssh/config/file.ts': 'of modes, which Windows has not',
  'lib/doctor/checks/remote/ssh.ts': 'of modes, which Windows has not',
  'lib/tunnel/forward/listen.ts': 'of Unix sockets, which zt does not have on Windows',
  'lib/doctor/checks/remote/clock.ts': 'a table by system of its own',
  'lib/secrets/keychain/keychain.ts': 'a table by system of its own',
  'lib/completion/scripts.ts': 'of one shell each',
  'commands/completion.ts': 'of one shell each',
}
const SHELL =
  /['"`](?:unset|export|rm|ls|kill|cat|cd|sudo|chmod|chown|mkdir|touch|source|cp|mv) [^'"`]|<\s?FILE\b|(?:apt-get|brew|winget|dnf) install/
