import {execFileSync} from 'node:child_process'
import fs from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import fc from 'fast-check'
import {afterEach, beforeEach, describe, expect, it} from 'vitest'
import {
  lastingDirectory,
  openSharingDirectory,
  sharingLines,
  type ConnectionKey,
} from '../../../src/lib/tunnel/ssh/sharing.js'

let directory: string
beforeEach(async () => {
  directory = await fs.mkdtemp(path.join(os.tmpdir(), 'zt-s-'))
})
afterEach(() => fs.rm(directory, {recursive: true, force: true}))

const uid = process.getuid?.() ?? 0
const key: ConnectionKey = {
  profile: 'p',
  tokenId: 't',
  connectTo: undefined,
  caFile: undefined,
}
const pathOf = (lines: string[]): string =>
  lines.find((line) => line.startsWith('ControlPath '))?.slice('ControlPath '.length) ?? ''

describe('the name of a shared connection', () => {
  const keys = fc.record({
    profile: fc.constantFrom('a', 'b', 'a","b'),
    tokenId: fc.constantFrom(undefined, 'a', 'b', 'env:a'),
    connectTo: fc.constantFrom(undefined, 'a:1', 'b:1'),
    caFile: fc.constantFrom(undefined, 'a', 'b'),
    more: fc.array(fc.constantFrom('ia', 'ib', 'C'), {maxLength: 2}),
  })

  it('is the same for the same connection, and another one where anything differs', () => {
    fc.assert(
      fc.property(keys, keys, (one, other) => {
        const same = JSON.stringify(Object.values(one)) === JSON.stringify(Object.values(other))
        expect(pathOf(sharingLines('/s', one)) === pathOf(sharingLines('/s', other))).toBe(same)
      }),
    )
  })

  it('leaves host, port and user to ssh, and fits into a socket of every system', () => {
    const file = pathOf(sharingLines('/s', key))
    expect(file).toMatch(/^\/s\/[0-9a-f]{10}-%C$/)
    for (const platform of ['linux', 'darwin', 'freebsd'] as const) {
      const longest = platform === 'linux' ? 107 : 103
      fc.assert(
        fc.property(fc.integer({min: 1, max: 120}), (length) => {
          const state = '/' + 'x'.repeat(length)
          const place = lastingDirectory({state, platform, home: '/' + 'h'.repeat(80)})
          // ssh makes it under a longer name first.
          const needs = `${state}/ssh/0123456789-${'C'.repeat(40)}.0123456789abcdef`.length
          expect(place).toBe(needs <= longest ? `${state}/ssh` : undefined)
        }),
      )
    }
  })

  it.each([
    ["/home/o'neil/a b/50%", `a b/50%`],
    ['/home/"x"', `"x"`],
  ])('is read by ssh as it is meant: %s', (state, part) => {
    const lines = sharingLines(path.join(state, 'ssh'), key)
    const options = lines.flatMap((line) => ['-o', line])
    const read = execFileSync('ssh', ['-T', '-G', '-F', 'none', ...options, 'host.example'], {
      encoding: 'utf8',
    })
    const file = /^controlpath (.*)$/m.exec(read)?.[1]?.replaceAll('%%', '%')
    expect(file).toContain(part)
    expect(file?.startsWith(path.join(state, 'ssh'))).toBe(true)
    expect(read).toMatch(/^controlmaster auto$/m)
    expect(read).toMatch(/^controlpersist 60$/m)
  })
})

describe('the directory of the sockets', () => {
  const noHome = '/' + 'h'.repeat(80)

  it('is in ~/.ssh where the state directory is too long, as for a long name below /home', async () => {
    const state = path.join(directory, 'x'.repeat(80))
    expect(await openSharingDirectory({state, home: directory})).toBe(path.join(directory, '.ssh', 'zt'))
    expect((await fs.stat(path.join(directory, '.ssh'))).mode & 0o777).toBe(0o700)
    const home = '/home/firstname.lastname'
    expect(lastingDirectory({state: `${home}/.local/state/zt`, home, platform: 'linux'})).toBe(
      `${home}/.ssh/zt`,
    )
  })

  it.each<[home: string, place: string | undefined]>([
    ['/Users/jo', '/Users/jo/.local/state/zt/ssh'],
    ['/Users/firstname', '/Users/firstname/.ssh/zt'],
    ['/Users/firstname.lastname', '/Users/firstname.lastname/.ssh/zt'],
    ['/Users/firstname.lastname23', undefined],
    ['/Users/jü', '/Users/jü/.local/state/zt/ssh'],
  ])("on macOS, whose sockets' paths are shorter, it is for %s: %s", (home, place) => {
    expect(lastingDirectory({state: `${home}/.local/state/zt`, home, platform: 'darwin'})).toBe(place)
  })

  it('is private, below the state directory', async () => {
    const state = path.join(directory, 's')
    expect(await openSharingDirectory({state})).toBe(path.join(state, 'ssh'))
    expect((await fs.stat(path.join(state, 'ssh'))).mode & 0o777).toBe(0o700)
    expect(await openSharingDirectory({state})).toBe(path.join(state, 'ssh'))
  })

  it.each<[why: string, state: (at: string) => string]>([
    ['too long', (at) => path.join(at, 'x'.repeat(80))],
    ['nothing that ssh leaves as it is', (at) => path.join(at, '${HOME}')],
    ['not to be made', (at) => path.join(at, 'file', 'state')],
  ])(
    'is a private one under the temporary directory where the state directory is %s',
    async (_why, state) => {
      await fs.writeFile(path.join(directory, 'file'), '')
      const place = await openSharingDirectory({state: state(directory), home: noHome, temporary: directory})
      expect(place).toBe(path.join(directory, `zt-ssh-${uid}`))
      expect((await fs.stat(place ?? '')).mode & 0o777).toBe(0o700)
    },
  )

  it('is none on Windows, and none where no path is short enough', async () => {
    expect(await openSharingDirectory({state: 'C:\\zt', platform: 'win32'})).toBeUndefined()
    expect(lastingDirectory({state: '/s', platform: 'win32'})).toBeUndefined()
    const long = path.join(directory, 'x'.repeat(80))
    expect(await openSharingDirectory({state: long, home: long, temporary: long})).toBeUndefined()
  })

  it.each<[why: string, code: string, make: (at: string) => Promise<unknown>, as?: number]>([
    ['others may read it', 'UNSAFE_PERMISSIONS', (at) => fs.mkdir(at).then(() => fs.chmod(at, 0o755))],
    ['others may write to it', 'UNSAFE_PERMISSIONS', (at) => fs.mkdir(at).then(() => fs.chmod(at, 0o777))],
    ['it belongs to somebody else', 'NOT_OUR_DIRECTORY', (at) => fs.mkdir(at, 0o700), uid + 1],
    ['it is a link', 'NOT_OUR_DIRECTORY', (at) => fs.symlink(os.tmpdir(), at)],
    [
      'others may write to the one above it',
      'UNSAFE_PERMISSIONS',
      (at) => fs.mkdir(at, 0o700).then(() => fs.chmod(path.dirname(at), 0o777)),
    ],
  ])('is refused when %s', async (_why, code, make, as = uid) => {
    await make(path.join(directory, `zt-ssh-${as}`))
    const state = path.join(directory, 'x'.repeat(80))
    await expect(
      openSharingDirectory({state, home: noHome, temporary: directory, uid: as}),
    ).rejects.toMatchObject({
      kind: 'needs-action',
      code,
    })
  })
})
