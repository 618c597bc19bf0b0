import fs from 'node:fs'
import {createRequire} from 'node:module'
import path from 'node:path'
import type tsModule from 'typescript'
import {describe, expect, it} from 'vitest'
import * as words from '../../src/lib/core/shell-words.js'

// As a module node would look through all of it for names, for seconds.
const ts = createRequire(import.meta.url)('typescript') as typeof tsModule
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
    [(on) => words.makingWritable('a b', on), "chmod u+w 'a b'", 'attrib -r "a b"'],
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
    // Words of a person before it end with a colon, or it is one that is copied as a whole.
    for (const text of [linux, win32])
      expect(words.isTyped(text) || /: |Settings/.test(text), text).toBe(true)
  })

  it('is in one table, or has a reason in the list', () => {
    const src = path.resolve(import.meta.dirname, '../../src')
    const found = fs
      .readdirSync(src, {recursive: true, encoding: 'utf8'})
      .map((name) => name.replaceAll(path.sep, '/'))
      .filter((name) => name.endsWith('.ts'))
      .flatMap((name) => {
        const said = textsIn(fs.readFileSync(path.join(src, name), 'utf8')).filter((text) => SHELL.test(text))
        return said.length > 0 ? [[name, said] as const] : []
      })
    const unexpected = found.filter(([name]) => !(name in MAY_SAY))
    expect(unexpected).toEqual([])
    expect(found.map(([name]) => name).sort()).toEqual(Object.keys(MAY_SAY).sort())
  })

  it.each([
    ...['unset X', 'rm X', 'zt login < X', 'zt login < FILE', 'Install x: apt-get install x', 'sudo x'],
    ...[
      'To bypass it: NO_PROXY=X',
      'ZT_DEBUG=1 zt x',
      'zt a && zt b',
      'x | zt login',
      'Run: kill X',
      'zt x > FILE',
    ],
    // In quotes that cmd does not know.
    ...["zt x 'a b'", "<%= config.bin %> ray 'a b'", "To remove it: zt x y ''", "Look at all: --jq '.'"],
    ...['zt exec ci -- sh -c X', 'echo $(zt x)', 'Take it away: chmod go= X', 'zt x 2>/dev/null'],
  ])('is searched for the like of %s', (text) => {
    expect(SHELL.test(text)).toBe(true)
  })

  it.each([
    'or set CLOUDFLARE_ACCOUNT_ID',
    'a and b',
    'zt ssh HOST -- -v',
    'x => y',
    'The kill switch, and what it kills: X',
    '--origin HOST=ADDRESS:PORT',
    "zt's own --flag, and the profile's",
    '<%= config.bin %> ray "a b"',
  ])('is not %s', (text) => {
    expect(SHELL.test(text)).toBe(false)
  })

  it.each(SYSTEMS)('names nothing of another system: %s', (on) => {
    const all = [words.installing('curl', on), words.installing('ssh', on), words.reading('zt login', on)]
    const foreign = {linux: /brew|winget|type /, darwin: /apt-get|winget|type /, win32: /apt-get|brew|</}[on]
    expect(all.filter((text) => foreign.test(text))).toEqual([])
  })
})

/** Every text in a source, with X for what is put into it. */
function textsIn(source: string): string[] {
  const texts: string[] = []
  const visit = (node: tsModule.Node): void => {
    if (ts.isImportDeclaration(node) || ts.isLiteralTypeNode(node)) return
    if (ts.isStringLiteralLike(node)) texts.push(node.text)
    else if (ts.isTemplateExpression(node))
      texts.push([node.head.text, ...node.templateSpans.map(({literal}) => literal.text)].join('X'))
    ts.forEachChild(node, visit)
  }
  visit(ts.createSourceFile('x.ts', source, ts.ScriptTarget.Latest, true))
  return texts
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
  'lib/secrets/helper/helper-store.ts': 'a table by system of its own',
  'lib/doctor/checks/local/installation.ts': 'of bash, zsh and fish',
  'lib/report/script.ts': 'for a browser',
  'lib/completion/scripts.ts': 'of one shell each',
  'commands/completion.ts': 'of one shell each',
}
/** A command of sh or its programs, at the beginning or behind a colon; its redirections, pipes, lists, assignments and single quotes; package managers. */
const SHELL = new RegExp(
  [
    String.raw`(?:^|: )(?:unset|export|rm|ls|kill|cat|cd|sudo|chmod|chown|mkdir|touch|source|cp|mv|ln|printf|sh|bash) [^-\s]`,
    String.raw`(?:^|: )(?:sh|bash|ls|rm|mkdir) -`,
    String.raw`(?:^|: )[A-Z][A-Z0-9]*_[A-Z0-9_]*=\S+(?:$| zt )`,
    String.raw`\S (?:<|>|>>) ?(?:X|FILE)\b|2>/`,
    String.raw`\S \| (?:zt|X|[a-z]+ )|\S && \S|\$\(`,
    String.raw`-- (?:sh|bash) -c`,
    String.raw`(?:\bzt|bin %>|--[\w-]+)(?: [^'"]*)?[ =]'[^']*'`,
    String.raw`\b(?:apt|apt-get|brew|winget|scoop|choco|dnf|yum|pacman|apk) (?:install|add)\b`,
  ].join('|'),
)
