import fs from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import {afterAll, beforeAll, describe, expect, it} from 'vitest'
import {askProgram} from '../../src/lib/system/ask-program.js'
import {AMPLE_MS, withGrowingLimit} from '../support/patience.js'

let directory: string
beforeAll(async () => {
  directory = await fs.mkdtemp(path.join(os.tmpdir(), 'zt-ask-'))
})
afterAll(() => fs.rm(directory, {recursive: true}))

async function ask(script: string, deadlineMs = AMPLE_MS) {
  const file = path.join(directory, 'program')
  await fs.writeFile(file, `#!/bin/sh\n${script}\n`, {mode: 0o755})
  return askProgram(file, [], {env: {PATH: process.env['PATH']}, deadlineMs, maxBytes: 1000})
}

describe.skipIf(process.platform === 'win32')('a program that is asked', () => {
  it('says what it says, on both streams', async () => {
    expect(await ask('echo one; echo two >&2')).toEqual({end: 'answered', stdout: 'one\n', stderr: 'two\n'})
    expect(await ask('echo one; exit 3')).toMatchObject({end: 'failed', stdout: 'one\n'})
  })

  it('fails if it says too much or is not there, which is not the same as being late', async () => {
    expect((await ask('while :; do echo 0123456789; done')).end).toBe('failed')
    const limits = {env: {}, deadlineMs: AMPLE_MS, maxBytes: 1}
    expect((await askProgram(path.join(directory, 'none'), [], limits)).end).toBe('failed')
  })

  it.each([
    ['ignores every signal that it can', "trap '' TERM INT HUP QUIT; echo ready; while :; do read x; sleep 1; done"],
    ['leaves its output to another', 'echo ready; sleep 20 & wait'],
  ])('is late if it %s', async (_, script) => {
    const said = await withGrowingLimit(300, (ms) => ask(script, ms), ({stdout}) => stdout !== '')
    expect(said).toMatchObject({end: 'late', stdout: 'ready\n'})
  })
}) // prettier-ignore
