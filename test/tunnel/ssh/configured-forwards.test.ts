import fs from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import {afterEach, beforeEach, describe, expect, it} from 'vitest'
import {forwardsByConfiguration, forwardsIn} from '../../../src/lib/tunnel/ssh/configured-forwards.js'

let directory: string
beforeEach(async () => {
  directory = await fs.mkdtemp(path.join(os.tmpdir(), 'zt-f-'))
})
afterEach(() => fs.rm(directory, {recursive: true, force: true}))

/** Whether it forwards, and whether ssh was asked, which says what it is given. */
async function lookedThrough(text: string, answer = 'hostname h\n') {
  const [file, ssh, asked] = ['config', 'ssh', 'asked'].map((name) => path.join(directory, name)) as [
    string,
    string,
    string,
  ]
  await fs.writeFile(file, text)
  await fs.writeFile(ssh, `#!/bin/sh\necho "$@" > '${asked}'\nprintf '${answer}'\n`, {mode: 0o755})
  const forwards = await forwardsByConfiguration({ssh, args: ['h'], file, env: {PATH: process.env['PATH']}})
  const words = await fs.readFile(asked, 'utf8').catch(() => undefined)
  return {forwards, asked: words !== undefined}
}

describe('what a configuration forwards', () => {
  it.each([
    '',
    'Host *\n  User x\n',
    '# LocalForward 1 a:1\n',
    'ForwardAgent no\n',
    '  forwardx11 = "no"\r\n',
    'Host LocalForward\n',
    'Include nothing-such\nInclude /nothing/such/*.conf\n',
    'SendEnv ForwardAgent\n',
    'Include "a b"\n',
    'Include */x\n',
    'Match exec "false"\n  User x\n',
    'Match exec "false"\n  ForwardAgent no\n',
  ])('is not asked of ssh where there is no such line: %j', async (text) => {
    expect(await lookedThrough(text)).toEqual({forwards: false, asked: false})
  })

  it.each([
    'LocalForward 1 a:1',
    '\tremoteforward=1 a:1',
    '"DynamicForward" 1080',
    'Host other\n  FORWARDAGENT yes\r\n',
    'ForwardAgent $SSH_AUTH_SOCK',
    'ForwardX11 yes',
    'Tunnel ethernet',
    'ForkAfterAuthentication yes',
    'GSSAPIDelegateCredentials yes',
    'Match exec "false"\n  User x\nHost y\n  ForwardAgent yes',
  ])('is asked of ssh where there may be one: %j', async (text) => {
    expect(await lookedThrough(text)).toEqual({forwards: false, asked: true})
    expect(await lookedThrough(text, 'hostname h\nlocalforward 1 [a]:1\n')).toEqual({
      forwards: true,
      asked: true,
    })
    // Without an answer the worse is true.
    expect(await lookedThrough(text, '')).toEqual({forwards: true, asked: true})
  })

  it.each([
    'Include ~somebody/x',
    'Include ${HOME}/x',
    'Include /dev/zero',
    'Include "a b',
    'Match host h exec "false"\n  ForwardAgent yes',
    'Match exec "false"\n  Include DIRECTORY/more.conf\nHost *\n  User x',
  ])('is true without asking ssh where ssh alone could find out: %j', async (text) => {
    await fs.writeFile(path.join(directory, 'more.conf'), 'Host *\n  LocalForward 1 a:1\n')
    expect(await lookedThrough(text.replace('DIRECTORY', directory))).toEqual({forwards: true, asked: false})
  })

  it('is found in included files, also those of a pattern, and of files that include each other', async () => {
    for (const [name, text] of [
      ['a.conf', `Include ${directory}/b*.conf\n`],
      ['b1.conf', `Include ${directory}/a.conf\n`],
    ] as const)
      await fs.writeFile(path.join(directory, name), text)
    expect((await lookedThrough(`Include ${directory}/a.conf # and not this\n`)).asked).toBe(false)
    await fs.writeFile(path.join(directory, 'b2.conf'), 'Match all\n ForwardAgent yes\n')
    expect((await lookedThrough(`Include ${directory}/a.conf\n`)).asked).toBe(true)
  })

  it('is nothing for -F none', async () => {
    const asked = await forwardsByConfiguration({ssh: '/nonexistent', args: [], file: 'none', env: {}})
    expect(asked).toBe(false)
  })

  it.each([
    ['hostname h\nforwardagent no\nforwardx11 no\nforwardx11trusted yes\ntunnel false\n', false],
    ['forwardagent /run/agent\n', true],
    ['remoteforward 8080 [localhost]:80\n', true],
    ['dynamicforward [*]:1080\n', true],
    ['forwardx11 yes\n', true],
    ['forkafterauthentication yes\n', true],
    ['tunnel point-to-point\n', true],
    ['setenv X=localforward 1\n', false],
  ])('is read from the answer of ssh -G: %j', (answer, forwards) => {
    expect(forwardsIn({settings: answer})).toBe(forwards)
  })
})
