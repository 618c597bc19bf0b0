import {spawnSync} from 'node:child_process'
import {createHash, randomUUID} from 'node:crypto'
import fs from 'node:fs'
import net from 'node:net'
import os from 'node:os'
import path from 'node:path'
import {afterAll, beforeAll, describe, expect, it} from 'vitest'
import {ownFile} from '../../src/lib/tunnel/connections/run-files.js'
import type {End, RunOptions} from '../support/built-zt.js'
import {FilesWorld, HOST, type FilesCopy} from '../support/files-world.js'
import {tally} from './tally.js'

const NOBODY = 65_534
const root = process.getuid?.() === 0
if (!root)
  process.stderr.write('SKIPPED: files of another user, as only root can make them: run this as root\n')
/** Part of everything that is put in a file's place; must never be printed. */
const CANARY = 'cAnArY-of-a-file-0123456789'

let world: FilesWorld
let socket: net.Server
let socketFile: string

beforeAll(async () => {
  world = await FilesWorld.open()
  socketFile = path.join(world.folder, 'socket')
  socket = net.createServer()
  await new Promise<void>((resolve) => socket.listen(socketFile, resolve))
})
afterAll(async () => {
  socket.close()
  await world.end()
})

/** What happens to a file. */
interface Spoil {
  what: string
  spoil: (file: string) => void
  /**
   * `others`: someone else has written it, or could. `placed`: something other than a file of zt is in its place.
   * `link`: to a good file of our own, `others-link`: to another's. `content`: its own content is not what it should be.
   */
  kind: 'others' | 'others-link' | 'placed' | 'link' | 'content'
  rootOnly?: boolean
}

const put = (file: string, place: () => void): void => {
  fs.rmSync(file, {recursive: true, force: true})
  place()
}
const linkTo = (target: (file: string) => string) => (file: string) => {
  const to = target(file)
  put(file, () => fs.symlinkSync(to, file))
}
const aside = (file: string): string => {
  const copy = path.join(world.folder, randomUUID())
  fs.copyFileSync(file, copy)
  fs.chmodSync(copy, 0o600)
  return copy
}
const fill = (text: string | Buffer) => (file: string) => fs.writeFileSync(file, text)

const SPOILS: readonly Spoil[] = [
  {what: 'of another user', kind: 'others', rootOnly: true, spoil: (file) => fs.chownSync(file, NOBODY, NOBODY)},
  {what: 'writable for the group', kind: 'others', spoil: (file) => fs.chmodSync(file, 0o620)},
  {what: 'writable for everybody', kind: 'others', spoil: (file) => fs.chmodSync(file, 0o602)},
  {
    what: 'in a directory that everybody may write to',
    kind: 'others',
    spoil: (file) => fs.chmodSync(path.dirname(file), 0o777),
  },
  {
    what: 'in a directory of another user',
    kind: 'others',
    rootOnly: true,
    spoil: (file) => fs.chownSync(path.dirname(file), NOBODY, NOBODY),
  },
  {what: 'a link to a file of our own', kind: 'link', spoil: linkTo(aside)},
  {
    what: "a link to another's file",
    kind: 'others-link',
    rootOnly: true,
    spoil: linkTo((file) => {
      const copy = aside(file)
      fs.chownSync(copy, NOBODY, NOBODY)
      return copy
    }),
  },
  {what: 'a link to nothing', kind: 'placed', spoil: linkTo((file) => `${file}.nowhere`)},
  {what: 'a link to itself', kind: 'placed', spoil: linkTo((file) => file)},
  {
    what: 'a named pipe',
    kind: 'placed',
    spoil: (file) => put(file, () => expect(spawnSync('mkfifo', ['-m', '600', file]).status).toBe(0)),
  },
  {
    what: 'a link to a named pipe',
    kind: 'placed',
    spoil: linkTo((file) => {
      expect(spawnSync('mkfifo', ['-m', '600', `${file}.pipe`]).status).toBe(0)
      return `${file}.pipe`
    }),
  },
  {what: 'a link to /dev/zero', kind: 'placed', spoil: linkTo(() => '/dev/zero')},
  {what: 'a directory', kind: 'placed', spoil: (file) => put(file, () => fs.mkdirSync(file, {mode: 0o700}))},
  {what: 'a link to a socket', kind: 'placed', spoil: linkTo(() => socketFile)},
  {what: 'empty', kind: 'content', spoil: fill('')},
  {what: 'zeroed', kind: 'content', spoil: (file) => fs.writeFileSync(file, Buffer.alloc(fs.statSync(file).size))},
  {
    what: 'zeroed in its second half',
    kind: 'content',
    spoil: (file) => fs.writeFileSync(file, fs.readFileSync(file).fill(0, fs.statSync(file).size >> 1)),
  },
  {what: 'cut off', kind: 'content', spoil: (file) => fs.truncateSync(file, fs.statSync(file).size >> 1)},
  {what: 'of four gigabytes', kind: 'content', spoil: (file) => fs.truncateSync(file, 2 ** 32)},
  {what: 'of another form', kind: 'content', spoil: fill(`{"x": ["${CANARY}"]}`)},
  {what: 'text with NUL', kind: 'content', spoil: fill(`{"a\0${CANARY}": 1}`)},
  {what: 'no text at all', kind: 'content', spoil: fill(Buffer.concat([Buffer.from([0xff, 0xfe, 0xc0]), Buffer.from(CANARY)]))},
  {what: 'a word', kind: 'content', spoil: fill(`"${CANARY}"`)},
  {what: 'nested too deep', kind: 'content', spoil: fill('['.repeat(100_000))},
] // prettier-ignore

/** A kind of file, and a command that reads it. */
interface Row {
  what: string
  /** Its path in the home. */
  file: RegExp
  args: string[]
  options?: (copy: FilesCopy) => RunOptions
  /**
   * `ours`: refused if others could have written it. `cache`: the command works as if it were missing.
   * `named`: the user has named it, so it may belong to anyone. `project`: as git treats a repository. `lock`: ignored.
   */
  kind: 'ours' | 'cache' | 'named' | 'project' | 'lock'
  /** A user may keep it elsewhere, and link to it. */
  linked?: boolean
  /** Its exit codes if the file is accepted: a wrong passphrase file opens another identity than the vault's. */
  fine?: readonly number[]
  /** Its exit codes if the content is damaged: 0 if one bad file is skipped. */
  content: readonly number[]
}

const PROXY = ['ssh', 'proxy', '--json', '--connect-to', '127.0.0.1:9', HOST]
const LIST = ['token', 'list', '--json']

const ROWS: readonly Row[] = [
  {what: 'the configuration', file: /^CONFIG\/zt\/config\.json$/, args: LIST, kind: 'ours', linked: true, content: [2]},
  {what: 'the configuration', file: /^CONFIG\/zt\/config\.json$/, args: PROXY, kind: 'ours', linked: true, content: [2]},
  {what: "the vault's identity", file: /^CONFIG\/zt\/identity\.txt$/, args: LIST, kind: 'ours', linked: true, content: [9]},
  {what: 'an API token in the vault', file: /^DATA\/zt\/vault\/api-token-main\.age$/, args: LIST, kind: 'ours', content: [2]},
  {what: 'a Client Secret in the vault', file: /^DATA\/zt\/vault\/service-token-.*\.age$/, args: PROXY, kind: 'ours', content: [2]},
  {what: 'a spool key in the vault', file: /^DATA\/zt\/vault\/spool-key-.*\.age$/, args: ['token', 'recover', '--json'], kind: 'ours', content: [2, 9]},
  {what: 'an entry of the index', file: /^DATA\/zt\/index\/main\/[^/]+\.json$/, args: PROXY, kind: 'ours', content: [2]},
  {what: 'an entry of the index', file: /^DATA\/zt\/index\/main\/[^/]+\.json$/, args: ['store', 'check', '--json'], kind: 'ours', content: [2]},
  {what: 'a binding of a host', file: /^DATA\/zt\/hosts\/main\/[^/]+\.json$/, args: PROXY, kind: 'ours', content: [2]},
  {what: 'an intent in the journal', file: /^DATA\/zt\/journal\/[^/]+\.json$/, args: ['token', 'recover', '--json'], kind: 'ours', content: [2, 9]},
  {what: 'an intent in the journal', file: /^DATA\/zt\/journal\/[^/]+\.json$/, args: ['store', 'check', '--json'], kind: 'ours', content: [0, 2, 9]},
  {what: 'a spool', file: /^DATA\/zt\/journal\/[^/]+\.spool$/, args: ['token', 'recover', '--json'], kind: 'ours', content: [0, 9]},
  {what: 'an undo record', file: /^STATE\/zt\/undo\/[^/]+\.json$/, args: ['undo', '--json'], kind: 'ours', content: [0]},
  {what: 'an undo record', file: /^STATE\/zt\/undo\/[^/]+\.json$/, args: ['undo', '--last', '--yes', '--json'], kind: 'ours', content: [2, 5]},
  {what: "the sandbox's note of its process", file: /^STATE\/zt\/sandbox\/run\.json$/, args: ['sandbox', 'status', '--json'], kind: 'ours', content: [0, 2]},
  {what: 'a lock', file: /^STATE\/zt\/locks\/[^/]+$/, args: ['profile', 'use', 'main', '--json'], options: inUseNoMore, kind: 'lock', content: [0]},
  {what: 'a note of an open connection', file: /^STATE\/zt\/run\/[^/]+\.connection$/, args: ['token', 'disable', 'deploy', '--dry-run', '--json'], kind: 'lock', content: [0]},
  {what: 'names for the shell', file: /^CACHE\/zt\/names\/[^/]+\/main\.token\.json$/, args: ['__complete', 'fish', '--', 'token', 'show', ''], kind: 'cache', content: [0]},
  {what: 'the mark of a change', file: /^CACHE\/zt\/names\/[^/]+\/token\.changed$/, args: LIST, kind: 'cache', content: [0]},
  {what: 'compiled code', file: /^CACHE\/zt\/code\/zt-v[^/]+$/, args: ['profile', 'list', '--json'], kind: 'cache', content: [0]},
  {what: 'compiled code of the proxy', file: /^CACHE\/zt\/code\/proxy-main-v[^/]+$/, args: PROXY, kind: 'cache', content: [8]},
  {what: "cloudflared's version", file: /^CACHE\/zt\/cloudflared\.json$/, args: [...PROXY, '--client', 'cloudflared'], options: (copy) => ({env: world.cloudflared(copy.home)}), kind: 'cache', content: [8]},
  {what: 'the project', file: /^work\/\.zt\.json$/, args: LIST, kind: 'project', content: [2]},
  {what: 'the passphrase', file: /^work\/passphrase$/, args: LIST, options: (copy) => ({env: encrypted(copy)}), kind: 'ours', linked: true, fine: [2], content: [2, 9]},
  {what: "the edge's CA", file: /^work\/ca\.pem$/, args: PROXY, options: (copy) => ({env: {ZT_CA_FILE: copy.at('work', 'ca.pem')}}), kind: 'named', linked: true, content: [2]},
] // prettier-ignore

function encrypted(copy: FilesCopy): NodeJS.ProcessEnv {
  const {passphrase, encrypted: identity} = world.passphrase(copy.home)
  return {ZT_VAULT_IDENTITY: identity, ZT_VAULT_PASSPHRASE_FILE: passphrase}
}

/** What changes nothing takes no lock. */
function inUseNoMore(copy: FilesCopy): RunOptions {
  const file = copy.at('CONFIG', 'zt', 'config.json')
  const config = JSON.parse(fs.readFileSync(file, 'utf8')) as Record<string, unknown>
  delete config['currentProfile']
  fs.writeFileSync(file, JSON.stringify(config))
  return {}
}

const NOTE = {
  ...{version: 1, carries: 'ssh', host: HOST, profile: 'main', tokenId: 't', clientId: 'c.access'},
  ...{identity: '0123456789', plainSsh: false, cloudflared: false},
  ...{openedAt: '2026-01-01T00:00:00.000Z', started: 'another boot/1'},
}

/** Files that zt keeps in its home only for a moment, or while it runs. */
async function furnish(copy: FilesCopy): Promise<void> {
  const config = copy.at('CONFIG', 'zt', 'config.json')
  const key = createHash('sha256').update(`config/${config}`).digest('hex').slice(0, 32)
  const lock = copy.at('STATE', 'zt', 'locks', `${key}.1.77-abcdef`)
  fs.mkdirSync(path.dirname(lock), {recursive: true, mode: 0o700})
  const mark = {host: os.hostname(), pid: 2 ** 22 + 1, started: 'another boot/1'}
  fs.writeFileSync(lock, JSON.stringify(mark), {mode: 0o600})
  // Names a living process that is not the owner.
  const note = ownFile(copy.at('STATE', 'zt'), 'connection')
  fs.mkdirSync(path.dirname(note), {recursive: true, mode: 0o700})
  fs.writeFileSync(note, JSON.stringify(NOTE), {mode: 0o600})
  const run = copy.at('STATE', 'zt', 'sandbox', 'run.json')
  fs.writeFileSync(run, JSON.stringify({version: 1, pid: 2 ** 22 + 1, apiUrl: 'http://127.0.0.1:9'}), {mode: 0o600})
} // prettier-ignore

/** Old enough for a lock not to count because of its age. */
const LONG_AGO = new Date(Date.now() - 3_600_000)

/** Everything of a file that must not change. */
function portrait(file: string): string {
  const {mode, uid, size, mtimeMs} = fs.lstatSync(file)
  const content = (mode & 0o170_000) === 0o100_000 && size < 1e8 ? sha256(fs.readFileSync(file)) : ''
  return JSON.stringify([mode, uid, size, mtimeMs, content])
}
const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex')

async function attack(row: Row, {what, spoil, kind}: Spoil, before: End | undefined): Promise<void> {
  const copy = await world.copy()
  try {
    await furnish(copy)
    const file = await copy.find(row.file)
    const options = row.options?.(copy) ?? {}
    spoil(file)
    if (row.kind === 'lock') fs.lutimesSync(file, LONG_AGO, LONG_AGO)
    const was = portrait(file)
    const end = await copy.run(row.args, options)
    const output = end.stdout + end.stderr
    const said = `${what}: ended with ${end.code}\n${output}`
    expect(end.code, said).not.toBeNull()
    expect(output, said).not.toMatch(/"BUG|went wrong in zt itself|could not start/)
    expect(output, said).not.toContain(CANARY)
    if (before) {
      expect(shown(end), said).toEqual(shown(before))
      return
    }
    expect(kind === 'content' ? row.content : expected(row, kind), said).toContain(end.code)
    if (end.code === 0 || row.kind === 'lock') return
    if (kind === 'others' && row.kind === 'ours') expect(output, said).toMatch(OTHERS)
    if (kind === 'others' && row.kind === 'project') expect(output, said).toContain('NOT_OUR_PROJECT')
    expect(portrait(file), said).toBe(was)
    if (row.kind === 'project') {
      // A command that names the profile does not need it.
      const named = await copy.run([...row.args, '--profile', 'main'], options)
      expect(named.code, `${said}\n${named.stdout}${named.stderr}`).toBe(0)
    }
  } finally {
    await copy.remove()
  }
}

/** Why it is refused, also if a store as a whole is. */
const OTHERS = /belongs to another user|can be (changed|read) by others/

/** Without what differs between homes. */
function shown({code, stdout, stderr}: End): unknown {
  const text = (stdout + stderr).replaceAll(/[^"\s]*copy-\w+/g, 'HOME')
  return {code, text}
}

/** The exit codes that are right. */
function expected(row: Row, kind: Spoil['kind']): readonly number[] {
  if (row.kind === 'lock') return kind === 'others' ? [0, 9] : [0]
  if (kind === 'others-link') {
    if (row.kind === 'named') return [8]
    return row.linked ? [9] : [2, ...store(row)]
  }
  if (kind === 'link') return row.linked ? (row.fine ?? [0, 8]) : [2, ...store(row)]
  if (kind === 'placed') return [2, ...store(row)]
  if (row.kind === 'named') return [0, 2, 8]
  return row.kind === 'project' ? [0, 2] : [9]
}

/** A fault that makes a whole store unusable has another exit code than one that refuses a single operation. */
function store({args, file}: Row): number[] {
  return args.includes('recover') || /identity|passphrase|vault/.test(file.source) ? [9] : []
}

describe.concurrent('a file that zt reads', () => {
  it('has a row in the table, and each row is read by its command', async () => {
    const copy = await world.copy()
    await furnish(copy)
    const unknown = new Set<string>()
    for (const row of ROWS) {
      await furnish(copy)
      const reads = await copy.reads(row.args, row.options?.(copy))
      const found = reads.filter((name) => row.file.test(name))
      expect(found, `zt ${row.args.join(' ')} reads ${reads.join(', ')}`).not.toEqual([])
      for (const name of reads)
        if (!ROWS.some(({file}) => file.test(name)) && !EXCUSED.some((one) => one.test(name)))
          unknown.add(name)
    }
    expect([...unknown]).toEqual([])
    await copy.remove()
  })

  it.each(ROWS.map((row) => [`${row.what}, read by ${row.args.slice(0, 2).join(' ')}`, row] as const))(
    '%s: is what it should be, or refused with the reason',
    async (_, row) => {
      const copy = await world.copy()
      const before = row.kind === 'cache' ? await copy.run(row.args, row.options?.(copy)) : undefined
      await copy.remove()
      const failed: string[] = []
      const spoils = SPOILS.filter(({rootOnly}) => root || rootOnly !== true)
      for (const spoil of spoils)
        await attack(row, spoil, before).catch((error: unknown) => failed.push(String(error)))
      expect(failed).toEqual([])
      tally('files × who wrote them and what they are', spoils.length)
    },
  )
})

/** Files that are opened, but that no one's text comes from. */
const EXCUSED = [
  // Opened to make what was renamed or removed in it durable.
  /^(CONFIG|DATA|STATE|CACHE)\/zt(\/(?!.*\.)[^/]+(\/[^./]+)?)?$/,
  // A lock of its own, which is there for a moment.
  /^STATE\/zt\/locks\//,
  /^CACHE\/zt\/code\//,
  // It only chooses among CAs that are trusted (test/tunnel/carrier/remembered-ca.test.ts).
  /^CACHE\/zt\/edge-ca\//,
  /^work\/encrypted-identity$/,
]
