import {spawnSync} from 'node:child_process'
import fs from 'node:fs'
import net from 'node:net'
import os from 'node:os'
import path from 'node:path'
import {afterEach, beforeEach, describe, expect, it} from 'vitest'
import {writeFileAtomic} from '../../src/lib/system/files.js'
import {
  readForeignFile,
  readOwnFile,
  readOwnText,
  refuseOthers,
  thisUser,
} from '../../src/lib/system/own-files.js'
import {readSeed} from '../../src/lib/sandbox/seed.js'

let directory: string
let file: string
beforeEach(() => {
  directory = fs.mkdtempSync(path.join(os.tmpdir(), 'zt-own-'))
  file = path.join(directory, 'file')
})
afterEach(() => {
  fs.rmSync(directory, {recursive: true, force: true})
})

const uid = process.geteuid?.() ?? 0
/** As another user would see our files. */
const another = {uid: uid + 1000, platform: process.platform}

describe('a file of zt', () => {
  it.each([
    [0o600, {}, true],
    [0o644, {}, true],
    [0o444, {}, true],
    [0o664, {}, false],
    [0o646, {}, false],
    [0o644, {secret: true}, false],
    [0o604, {secret: true}, false],
    [0o600, {secret: true}, true],
    [0o400, {secret: true}, true],
  ])('of mode %o with %j is read: %s; the named command fixes it', (mode, rules, fine) => {
    fs.writeFileSync(file, 'text')
    fs.chmodSync(file, mode)
    if (!fine) {
      const error = thrown(() => readOwnText(file, rules))
      expect(error).toMatchObject({kind: 'needs-action', code: 'UNSAFE_PERMISSIONS', details: {path: file}})
      expect(spawnSync('/bin/sh', ['-c', error.next[0] ?? 'false']).status).toBe(0)
    }
    expect(readOwnText(file, rules)).toBe('text')
  })

  it.each([
    [0o700, true],
    [0o755, true],
    [0o1777, true],
    [0o775, false],
    [0o777, false],
  ])('in a directory of mode %o is read: %s', (mode, fine) => {
    fs.writeFileSync(file, 'text')
    fs.chmodSync(directory, mode)
    if (fine) expect(readOwnText(file)).toBe('text')
    else expect(thrown(() => readOwnText(file))).toMatchObject({details: {path: directory}})
  })

  it("is read where it is one's own or root's, and not where it is another's", () => {
    fs.writeFileSync(file, 'text')
    const stat = {mode: 0o100600}
    for (const owner of [uid, 0]) {
      expect(() => {
        refuseOthers(file, {...stat, uid: owner})
      }).not.toThrow()
    }
    for (const self of [
      {uid: 0, platform: 'linux'},
      {uid: 1001, platform: 'darwin'},
    ] as const) {
      const error = thrown(() => {
        refuseOthers(file, {...stat, uid: 1000}, self)
      })
      expect(error).toMatchObject({code: 'UNSAFE_PERMISSIONS', message: `${file} belongs to another user`})
    }
    if (uid === 0) return
    expect(thrown(() => readOwnText(file, {as: another}))).toMatchObject({code: 'UNSAFE_PERMISSIONS'})
  })

  it('is judged by no modes on Windows, which has none', () => {
    fs.writeFileSync(file, 'text')
    fs.chmodSync(file, 0o666)
    expect(readOwnText(file, {secret: true, as: {uid: undefined, platform: 'win32'}})).toBe('text')
  })

  it('is followed where a person may link to it, and nowhere else', () => {
    const target = path.join(directory, 'target')
    fs.writeFileSync(target, 'text')
    fs.symlinkSync(target, file)
    expect(readOwnText(file, {links: 'follow'})).toBe('text')
    expect(thrown(() => readOwnText(file))).toMatchObject({code: 'FILE_NOT_READABLE', kind: 'config'})
    fs.chmodSync(target, 0o666)
    expect(thrown(() => readOwnText(file, {links: 'follow'}))).toMatchObject({code: 'UNSAFE_PERMISSIONS'})
    fs.rmSync(target)
    expect(thrown(() => readOwnText(file, {links: 'follow'}))).toMatchObject({code: 'FILE_NOT_READABLE'})
  })

  it('is read up to a bound, also where it grows or does not say its size', () => {
    fs.writeFileSync(file, 'x'.repeat(100))
    expect(readOwnFile(file, {maxBytes: 100})).toHaveLength(100)
    expect(thrown(() => readOwnFile(file, {maxBytes: 99}))).toMatchObject({code: 'BROKEN_FILE'})
    // /proc says 0 of each.
    if (process.platform === 'linux')
      expect(readForeignFile('/proc/self/status')?.length).toBeGreaterThan(500)
    fs.truncateSync(file, 2 ** 40)
    expect(thrown(() => readOwnFile(file))).toMatchObject({code: 'BROKEN_FILE'})
  })

  it('is text, or damaged', () => {
    fs.writeFileSync(file, Buffer.from([0xc3, 0x28]))
    expect(thrown(() => readOwnText(file))).toMatchObject({code: 'BROKEN_FILE'})
    fs.writeFileSync(file, 'ä\0\u{1f600}')
    expect(readOwnText(file)).toBe('ä\0\u{1f600}')
  })
})

describe.skipIf(process.platform === 'win32')('what is in the place of a file', () => {
  const places: [what: string, make: () => unknown, why: RegExp][] = [
    ['a named pipe', () => spawnSync('mkfifo', [file]), /named pipe/],
    ['a directory', () => fs.mkdirSync(file), /directory/],
    ['a link to /dev/zero', () => fs.symlinkSync('/dev/zero', file), /device/],
    ['a link to itself', () => fs.symlinkSync(file, file), /link/],
    ['a link to nothing', () => fs.symlinkSync(`${file}-`, file), /does not exist/],
  ]

  it.each(places)('is reported and not waited for: %s', (_, make, why) => {
    make()
    for (const read of [() => readOwnFile(file, {links: 'follow'}), () => readForeignFile(file)]) {
      const error = thrown(read)
      expect(error).toMatchObject({kind: 'config', code: 'FILE_NOT_READABLE'})
      expect(error.why).toMatch(why)
    }
    expect(thrown(() => readOwnFile(file))).toMatchObject({code: 'FILE_NOT_READABLE'})
  })

  it.each(places)('is reported for a seed, too: %s', async (_, make, why) => {
    make()
    await expect(readSeed(file)).rejects.toMatchObject({
      code: 'BAD_SEED',
      why: expect.stringMatching(why) as string,
    })
  })

  it('is reported and not waited for: a socket', async () => {
    const server = net.createServer()
    await new Promise<void>((resolve) => server.listen(file, resolve))
    expect(thrown(() => readOwnFile(file))).toMatchObject({code: 'FILE_NOT_READABLE'})
    await new Promise((resolve) => server.close(resolve))
  })

  it('is replaced by writing, and a link there is not followed', async () => {
    const target = path.join(directory, 'target')
    fs.writeFileSync(target, 'theirs')
    fs.symlinkSync(target, file)
    await writeFileAtomic(file, 'ours')
    expect([fs.readFileSync(target, 'utf8'), fs.readFileSync(file, 'utf8')]).toEqual(['theirs', 'ours'])
  })

  it('nothing is written where others could change it', async () => {
    fs.mkdirSync(file)
    fs.chmodSync(file, 0o777)
    await expect(writeFileAtomic(path.join(file, 'x'), 'ours')).rejects.toMatchObject({
      code: 'UNSAFE_PERMISSIONS',
      next: [`chmod go-w ${file}`],
    })
    expect(fs.readdirSync(file)).toEqual([])
    if (thisUser().uid !== 0) return
    fs.chmodSync(file, 0o700)
    fs.chownSync(file, 65_534, 65_534)
    await expect(writeFileAtomic(path.join(file, 'x'), 'ours')).rejects.toMatchObject({
      code: 'UNSAFE_PERMISSIONS',
    })
  })
})

/** In src/, what may open a file by itself, and why. Everything else goes through system/own-files.ts and system/files.ts. */
const MAY_OPEN: Record<string, string> = {
  'lib/system/own-files.ts': 'it is the way',
  'lib/system/files.ts': 'it writes: a new file, then a rename',
  'lib/system/processes.ts': '/proc, and its own lock again, not by a link',
  'lib/system/lock.ts': 'a new file, then a rename',
  'lib/system/build-facts.ts': "the package's own files",
  'lib/cli/source-places.ts': "the package's own files",
  'lib/cli/result-fields.ts': "the package's own files",
  'lib/completion/name-cache.ts': 'a new file, then a rename',
  'lib/secrets/journal/spool.ts': 'in place, as its room is reserved: not by a link, and looked at first',
  'lib/secrets/keychain/addon.ts': 'compares all of what it opens with what it should be',
  'lib/secrets/vault/identity.ts': 'the pipe that a shell puts in the place of <(COMMAND)',
  'lib/sandbox/daemon.ts': "the sandbox's log, not by a link",
  'lib/sandbox/record.ts': 'it adds lines, not by a link, to what it has read by system/own-files.ts',
  'lib/tunnel/ssh/config/file.ts': "a person's own configuration, as ssh judges it",
  'lib/tunnel/ssh/ask-ssh.ts': 'a copy in a directory that was just made',
  'lib/tunnel/ssh/stderr.ts': "ssh's own stderr",
  'lib/tunnel/curl/curl.ts': 'a pipe in a directory that was just made',
  'lib/tunnel/curl/session-cookies.ts': "what curl has just written, and the person's own files",
  'lib/tunnel/connections/announce.ts': 'a new file, then a rename',
  'lib/tunnel/connections/read.ts': 'a new file, then a rename',
  'lib/network/tcp-peer.ts': '/proc',
  'lib/system/stdout-reader.ts': 'its own stdout again',
  'lib/tunnel/forward/background.ts': 'a new log in the directory of running processes',
  'lib/tunnel/forward/listen.ts': '/proc',
}
const OPENS =
  /\b(?:fs|fsp|promises)\s*\.\s*(?:readFile|readFileSync|open|openSync|openAsBlob|createReadStream|createWriteStream|writeFile|writeFileSync|appendFile|appendFileSync|copyFile|copyFileSync|truncate|truncateSync)\b|import\s*(?:type\s*)?\{[^}]*\b(?:readFile|readFileSync|open|openSync|createReadStream|writeFile|writeFileSync)\b[^}]*\}\s*from\s*'(?:node:)?fs/

describe('the sources', () => {
  it('open files by system/own-files.ts and system/files.ts, or have a reason in the list', () => {
    const src = path.resolve(import.meta.dirname, '../../src')
    const opening = fs
      .readdirSync(src, {recursive: true, encoding: 'utf8'})
      .map((name) => name.replaceAll(path.sep, '/'))
      .filter((name) => name.endsWith('.ts') && OPENS.test(fs.readFileSync(path.join(src, name), 'utf8')))
    expect(opening.sort()).toEqual(Object.keys(MAY_OPEN).sort())
  })

  it.each([
    "fs.readFile(file, 'utf8')",
    'await fs.open(x)',
    "import {readFileSync} from 'node:fs'",
    "import {rm, readFile} from 'node:fs/promises'",
  ])('are searched for the like of %s', (text) => {
    expect(OPENS.test(text)).toBe(true)
  })
})

function thrown(run: () => unknown): Error & {code: string; why: string; next: readonly string[]} {
  try {
    run()
  } catch (error) {
    return error as never
  }
  throw new Error('nothing was thrown')
}
