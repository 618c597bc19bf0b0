import fs from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import {afterEach, beforeEach, describe, expect, it} from 'vitest'
import {resetState} from '../../src/lib/sandbox/daemon.js'
import {sandboxFiles} from '../../src/lib/sandbox/files.js'
import {AccessRecord, EVENTS_IN_FILE, type AccessEvent} from '../../src/lib/sandbox/record.js'
import {SandboxState} from '../../src/lib/sandbox/state.js'

let directory: string
let files: ReturnType<typeof sandboxFiles>
beforeEach(async () => {
  directory = await fs.mkdtemp(path.join(os.tmpdir(), 'zt-record-'))
  files = sandboxFiles(directory)
})
afterEach(() => fs.rm(directory, {recursive: true, force: true}))

const event = (number: number): AccessEvent => ({
  ...{at: number, ray: number.toString(16).padStart(16, '0'), appId: 'app', policyId: 'rule'},
  ...{tokenId: 'token', admitted: true, session: false, kind: 'attempt', ip: '127.0.0.1', country: 'XX'},
})
const open = (): Promise<AccessRecord> => AccessRecord.open(files, {empty: false})
const numbers = ({events}: AccessRecord): number[] => events.map(({at}) => at)

describe("the edge's record", () => {
  it('is the same after a restart, in a file that no one else can read', async () => {
    const record = await open()
    for (const number of [3, 1, 2]) record.add(event(number))
    await record.flush()
    expect((await open()).events).toEqual([event(3), event(1), event(2)])
    expect((await fs.stat(files.record)).mode & 0o777).toBe(0o600)
  })

  it('keeps what is added while it is written, in order', async () => {
    const record = await open()
    const waits: Promise<void>[] = []
    for (let number = 0; number < 300; number++) {
      record.add(event(number))
      if (number % 50 === 0) waits.push(record.flush())
      if (number % 70 === 0) await Promise.resolve()
    }
    await Promise.all([...waits, record.flush()])
    expect(numbers(await open())).toEqual(Array.from({length: 300}, (_, i) => i))
  })

  it('leaves out a line that was not completed, and what follows it is readable', async () => {
    const record = await open()
    record.add(event(1))
    await record.flush()
    await fs.appendFile(files.record, '{"at": 2, "ray"')
    const again = await open()
    expect(numbers(again)).toEqual([1])
    again.add(event(3))
    await again.flush()
    expect(numbers(await open())).toEqual([1, 3])
  })

  it('leaves out lines that are no events', async () => {
    await fs.writeFile(files.record, `null\n[]\n{"at": "x"}\n${JSON.stringify(event(7))}\n{"at":1}\n`)
    expect(numbers(await open())).toEqual([7])
  })

  it.each([
    ['a link', () => fs.symlink('/dev/null', files.record)],
    [
      'writable by others',
      async () => fs.writeFile(files.record, '').then(() => fs.chmod(files.record, 0o666)),
    ],
  ])('is refused if the file is %s', async (_, make) => {
    await make()
    await expect(open()).rejects.toMatchObject({
      code: expect.stringMatching(/^(FILE_NOT_READABLE|UNSAFE_PERMISSIONS)$/) as unknown,
    })
  })

  it('has at most two files of 50,000 events, and the latest of them', async () => {
    const record = await open()
    const most = EVENTS_IN_FILE * 3 + 10
    for (let number = 0; number < most; number++) record.add(event(number))
    await record.flush()
    const lines = async (file: string): Promise<number> =>
      (await fs.readFile(file, 'utf8')).split('\n').length - 1
    expect([await lines(files.recordBefore), await lines(files.record)]).toEqual([EVENTS_IN_FILE, 10])
    expect((await fs.readdir(directory)).length).toBe(2)
    const again = await open()
    expect([again.events.length, again.events[0]?.at, again.events.at(-1)?.at]).toEqual([
      EVENTS_IN_FILE + 10,
      EVENTS_IN_FILE * 2,
      most - 1,
    ])
    expect(record.events.length).toBeLessThanOrEqual(2 * EVENTS_IN_FILE)
    expect(record.events.at(-1)?.at).toBe(most - 1)
  })

  it('goes on in memory where the disk fails', async () => {
    const record = await open()
    await fs.mkdir(files.record)
    record.add(event(1))
    await expect(record.flush()).rejects.toThrow()
    expect(numbers(record)).toEqual([1])
    await fs.rmdir(files.record)
    record.add(event(2))
    await record.flush()
    expect(numbers(await open())).toEqual([2])
  })

  it('begins empty with a seed, and goes on with a saved state', async () => {
    const state = await SandboxState.open({file: files.state, seed: {}})
    state.recordEvent(event(1))
    await state.record.flush()
    expect(numbers((await SandboxState.open({file: files.state})).record)).toEqual([1])
    expect(numbers((await SandboxState.open({file: files.state, seed: {}})).record)).toEqual([])
    expect(numbers(await open())).toEqual([])
  })

  it('is emptied by a reset', async () => {
    await fs.writeFile(files.recordBefore, `${JSON.stringify(event(1))}\n`)
    await fs.writeFile(files.record, `${JSON.stringify(event(2))}\n`)
    expect(numbers(await open())).toEqual([1, 2])
    await resetState(directory)
    expect(await fs.readdir(directory)).toEqual([])
  })
})
