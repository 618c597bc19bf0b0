import {once} from 'node:events'
import fs from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import {afterAll, beforeAll, describe, expect, it} from 'vitest'
import {runHelper} from '../../src/lib/secrets/helper/run-helper.js'
import {runChild as askKeychain} from '../../src/lib/secrets/keychain/run-child.js'
import {askProgram} from '../../src/lib/system/ask-program.js'
import {openInBrowser} from '../../src/lib/system/browser.js'
import {startProgram} from '../../src/lib/system/start-program.js'
import {runChild} from '../../src/lib/tunnel/exec/child.js'

let directory = ''
/** A program below a file, which node does not report by the event: as on Windows one that is damaged or forbidden. */
let refused = ''

beforeAll(async () => {
  directory = await fs.mkdtemp(path.join(os.tmpdir(), 'zt-start-'))
  const at = (name: string): string => path.join(directory, name)
  await fs.writeFile(at('file'), '', {mode: 0o644})
  await fs.symlink('loop', at('loop'))
  refused = at('file/program')
})

afterAll(async () => {
  await fs.rm(directory, {recursive: true, force: true})
})

describe('a program that the system does not start', () => {
  it.each([
    ['ENOTDIR', 'file/program', []],
    ['ELOOP', 'loop', []],
    ['E2BIG', 'file', ['x'.repeat(4 * 1024 * 1024)]],
    ['ENOENT', 'none', []],
    ['EACCES', 'file', []],
  ])('is reported by the event, with the streams that were asked for: %s', async (code, name, args) => {
    // Otherwise the length of the arguments is not what is refused.
    const program = code === 'E2BIG' ? process.execPath : path.join(directory, name)
    const child = startProgram(program, args, {stdio: ['pipe', 'pipe', 'ignore']})
    const [error] = (await once(child, 'error')) as [NodeJS.ErrnoException]
    expect(error).toMatchObject({code, syscall: expect.stringMatching(/^spawn/) as string})
    expect(child.pid).toBeUndefined()
    expect([child.stdin, child.stdout, child.stderr].map((stream) => stream !== null)).toEqual([
      true,
      true,
      false,
    ])
  })

  it('is for whoever asked a failure in words, and no bug', async () => {
    const env = {...process.env}
    await expect(askProgram(refused, [], {env, deadlineMs: 1000, maxBytes: 1})).resolves.toMatchObject({
      end: 'failed',
    })
    await expect(
      runHelper({program: refused, action: 'list', input: '', deadlineMs: 1000, env}),
    ).resolves.toMatchObject({end: 'no-start'})
    await expect(
      askKeychain({operation: 'probe', service: 's', account: 'a', addonDirectory: ''}, {command: [refused]}),
    ).rejects.toMatchObject({code: 'KEYCHAIN_FAILED'})
    await expect(runChild({program: refused, args: [], env, stdio: 'ignore'})).rejects.toMatchObject({
      code: 'PROGRAM_NOT_STARTED',
      message: expect.stringContaining(refused) as string,
      why: expect.stringContaining('ENOTDIR') as string,
    })
  })

  it('is passed over for the next one that could open an address', async () => {
    const opener = path.join(directory, 'xdg-open')
    await fs.writeFile(opener, '#!/bin/sh\n', {mode: 0o755})
    const env = {PATH: directory, TOO_LONG: 'x'.repeat(4 * 1024 * 1024)}
    await expect(openInBrowser(new URL('https://example.com/'), env, 'linux')).resolves.toBe(false)
  })
})
