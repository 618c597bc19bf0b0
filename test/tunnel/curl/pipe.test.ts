import {execFileSync, spawn} from 'node:child_process'
import {constants, symlinkSync, writeFileSync} from 'node:fs'
import fs from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import {describe, expect, it} from 'vitest'
import {makePipe} from '../../../src/lib/tunnel/curl/curl.js'
import {findProgram} from '../../../src/lib/system/programs.js'

const taken = {code: 'STDIN_TAKEN', kind: 'needs-action', next: ['Put the data into a file: --data @FILE']}

describe('the pipe by which curl gets the credentials when stdin is its own', () => {
  it('is none on Windows, where everyone could read it, whatever is installed', async () => {
    await expect(makePipe({PATH: 'C:\\Program Files\\Git\\usr\\bin'}, 'win32')).rejects.toMatchObject(taken)
    await expect(makePipe(process.env, 'win32')).rejects.toMatchObject(taken)
  })

  it.each(['linux', 'darwin'] as const)('is none on %s without mkfifo', async (platform) => {
    await expect(makePipe({PATH: '/nonexistent'}, platform)).rejects.toMatchObject(taken)
  })

  it.skipIf(findProgram('mkfifo', process.env) === undefined)(
    'is for this user alone, and gone afterwards',
    async () => {
      const state = await fs.mkdtemp(path.join(os.tmpdir(), 'zt-pipe-'))
      const pipe = await makePipe({...process.env, XDG_STATE_HOME: state})
      try {
        expect((await fs.stat(pipe.file)).isFIFO()).toBe(true)
        expect((await fs.stat(pipe.file)).mode & 0o777).toBe(0o600)
        expect((await fs.stat(path.dirname(pipe.file))).mode & 0o777).toBe(0o700)
        const reader = spawn('cat', [pipe.file], {stdio: ['ignore', 'pipe', 'inherit']})
        let read = ''
        reader.stdout.on('data', (chunk: Buffer) => (read += chunk.toString()))
        const closed = new Promise((resolve) => reader.once('close', resolve))
        await pipe.feed('header = "x"\n', new AbortController().signal)
        await closed
        expect(read).toBe('header = "x"\n')
      } finally {
        await pipe.remove()
      }
      await expect(fs.stat(pipe.file)).rejects.toMatchObject({code: 'ENOENT'})
    },
  )

  it
    .skipIf(findProgram('mkfifo', process.env) === undefined)
    .each<[what: string, place: (file: string) => void]>([
      ['a pipe that others can read', (file) => execFileSync('mkfifo', ['-m', '666', file])],
      ['a link to another pipe', (file) => symlinkSync(`${file}.other`, file)],
      ['a file', (file) => writeFileSync(file, '', {mode: 0o600})],
    ])('hands nothing over where another is in its place: %s', async (_what, place) => {
    const state = await fs.mkdtemp(path.join(os.tmpdir(), 'zt-pipe-'))
    const pipe = await makePipe({...process.env, XDG_STATE_HOME: state})
    const other = `${pipe.file}.other`
    execFileSync('mkfifo', ['-m', '600', other])
    await fs.rm(pipe.file)
    place(pipe.file)
    // It opens at once, whoever comes later.
    const reader = await fs.open(pipe.file, constants.O_RDONLY | constants.O_NONBLOCK)
    try {
      await expect(pipe.feed('secret', new AbortController().signal)).rejects.toThrow()
      expect((await reader.read(Buffer.alloc(9), 0, 9)).bytesRead).toBe(0)
    } finally {
      await reader.close()
      await fs.rm(state, {recursive: true})
    }
  })
})
