import {execFileSync, spawn} from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import {afterAll, beforeAll, describe, expect, it} from 'vitest'
import {readCurlArguments} from '../../src/lib/tunnel/curl/arguments.js'
import {
  OPTIONS,
  optionNamed,
  refusalOf,
  type KnownOption,
  type ValueClass,
} from '../../src/lib/tunnel/curl/options.js'
import {UserError} from '../../src/lib/core/errors.js'
import {findProgram} from '../../src/lib/system/programs.js'
import {bin} from '../support/built-zt.js'
import {RawTlsEdge, readRequests} from '../support/raw-tls-edge.js'
import {tally} from './tally.js'

const FAMILY = "curl's options × hostile values"
const HOST = 'app.example.com'
const CLIENT_ID = '1c7b9bd1f00d4ab5a1c5b9d0e1f2a3b4.access'
const CLIENT_SECRET = '5ec7e70123456789abcdef0123456789abcdef0123456789abcdef0123456789'
/** How many processes run at once, each with its own servers and directory. */
const LANES = 4
/** Far longer than any of it takes. */
const CEILING = ['--max-time', '120']
/** Of the values for other classes, every nth is run; all are parsed. */
const EVERY = 25

if (findProgram('curl', process.env) === undefined) throw new Error('there is no curl; .ci/run installs it')

const SMUGGLED =
  'x\r\nHost: elsewhere.example\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: elsewhere.example\r\n\r\n'

/** What every option is tried with, whatever it takes. PORT is the other host's, FILE one full of requests. */
const FOR_ALL = [
  SMUGGLED,
  'x\nCF-Access-Client-Secret: x',
  'x\rHost: elsewhere.example',
  'x\x7F',
  'x\t',
  '@-',
  '-',
  'https://127.0.0.1:PORT/',
  '--config',
  '',
]

/** Values made for each class of what curl does with a value. A class without any fails the test. */
const HOSTILE: Readonly<Record<ValueClass, readonly string[]>> = {
  nothing: ['(each by itself)'],
  data: [
    '@FILE',
    '@/dev/stdin',
    '@/dev/fd/3',
    '@/proc/self/fd/3',
    '@/proc/self/environ',
    '@/proc/self/cmdline',
  ],
  'encoded-data': [
    'x@-',
    '@FILE',
    'x@/dev/stdin',
    '=@-',
    'a=b@-',
    '+x@-',
    'x@/dev/fd/3',
    '#',
    '?a&b#c',
    '&@-',
  ],
  'form-field': [
    'a=@-',
    'a=<-',
    'a=@ -',
    'a=@"-"',
    'a=@-;type=text/plain',
    'a=@FILE,-',
    'a=@FILE;headers=@-',
    'a=@FILE;headers="X: y"',
    'a=@FILE;filename="x\\r\\ny"',
    'a=(;type=multipart/mixed',
    'a=</dev/fd/3',
    'a=@/proc/self/environ',
  ],
  upload: ['.', 'FILE', '{FILE,FILE}', '/dev/stdin', '/dev/fd/3', '/proc/self/environ'],
  cookies: ['FILE', 'a=b; c=d', 'a=b;\u2028', '@FILE', '/dev/fd/3', '@/proc/self/environ'],
  text: ['@FILE', '%{json}', '{{CF_ACCESS_CLIENT_SECRET}}', 'a:b', 'a=@-', 'a=<FILE', ':'],
  header: [
    'Host: elsewhere.example',
    ' Host: elsewhere.example',
    'Host : elsewhere.example',
    'HOST;',
    'CF-Access-Client-Id: x',
    'CF-Access-Client-Secret:',
    'cf_access_client_secret: x',
    ' X: continues the header before',
    ': x',
    ':authority: elsewhere.example',
    'Transfer-Encoding: chunked',
    'Content-Length: 3',
    'Connection: CF-Access-Client-Secret',
    'X;',
    'X: y',
    'X: @-',
    '@FILE',
    'no colon',
  ],
  'header-value': ['x;auto', 'x ', '\u0085', '\u010A\u010D', '%0d%0aHost: x', '\\r\\nHost: x'],
  method: ['GET /x HTTP/1.1', 'CONNECT', 'GET ', 'PRI', '', 'OPTIONS'],
  format: [
    '@FILE',
    '%output{leak}%{json}',
    '%{stderr}%{json}%{header_json}',
    '%{onerror}x',
    '%{http_code',
    '%{',
    '\\r\\nheader = "X: y"',
    '"\nurl = "https://127.0.0.1:PORT/"',
    '\\"\\nurl = \\"https://127.0.0.1:PORT/\\"',
  ],
  file: ['FILE', 'new-file', '/dev/stdin', '/dev/fd/3', '/proc/self/fd/0', 'no/such/directory', '-'],
  'kept-file': [
    'FILE',
    'new-file',
    '/dev/stdin',
    '/proc/self/fd/0',
    '/dev/full',
    'no/such/directory',
    '.',
    '',
  ],
  number: ['-1', '1e9', '0x10', '99999999999999999999', '1 2', '1', ' 1', '1\u0660'],
  size: ['-1', '1Z', '10K', '1e9', '99999999999999999999G'],
  offset: ['-1', '5', '5-', '99999999999999999999'],
  range: ['0-4', '0-1,3-4', 'bytes=0-4', '0-4 x', '-'],
  time: ['FILE', 'now', '-Tue, 01 Jan 2030', '=x', '/dev/fd/3', '-'],
  ports: ['0', '70000', '1024-x', '40000-60000'],
  'file-mode': ['9999', '0600', '+x', '77777'],
  'key-format': ['ENG', 'PROV', 'PEM', 'pem '],
  'tls-version': ['1.0', '1.1', '1.3', 'default', '0'],
  ciphers: [
    'eNULL',
    'ALL:@SECLEVEL=0',
    'aNULL',
    'ECDHE-RSA-AES128-GCM-SHA256',
    'ECDHE-RSA-NULL-SHA',
    'DEFAULT',
  ],
  'tls13-ciphers': [
    'TLS_SHA256_SHA256',
    'TLS_AES_128_GCM_SHA256',
    'NULL',
    'TLS_AES_128_GCM_SHA256:TLS_SHA384_SHA384',
  ],
  curves: ['X25519', 'P-256:P-384', '@x', 'a b'],
  proxy: [
    'http://127.0.0.1:PORT',
    '127.0.0.1:PORT',
    'socks5h://127.0.0.1:PORT',
    'https://127.0.0.1:PORT',
    'http://user:pass@127.0.0.1:PORT/',
    'http://127.0.0.1:PORT/?x=#@elsewhere.example',
    'http://elsewhere.example\\@127.0.0.1:PORT',
    'file:///etc/passwd',
    'socks5://localhost%2Ftmp%2Fx',
  ],
  hosts: ['*', HOST, 'x y', '@-', '{a}'],
  interface: ['lo', 'host!127.0.0.1', 'if!lo', 'ifhost!lo!127.0.0.1', 'x/../y', 'x y'],
  'packet-mark': ['CS1', '0x20', '-1', 'x y'],
}

interface Lane {
  edge: RawTlsEdge
  home: string
  busy: boolean
}

let work: string
const lanes: Lane[] = []
const waiting: ((lane: Lane) => void)[] = []

beforeAll(async () => {
  work = fs.mkdtempSync(path.join(os.tmpdir(), 'zt-attacks-curl-'))
  for (let at = 0; at < LANES; at++) {
    const home = path.join(work, String(at))
    fs.mkdirSync(home)
    lanes.push({edge: await RawTlsEdge.start(path.join(work, `authority-${at}`)), home, busy: false})
  }
})
afterAll(() => {
  for (const {edge} of lanes) edge.close()
  fs.rmSync(work, {recursive: true, force: true})
})

interface Outcome {
  code: number | null
  stdout: Buffer
  stderr: Buffer
  connections: Buffer[]
  elsewhere: Buffer
  /** The contents of all current files. */
  files: Buffer
}

async function withLane<T>(use: (lane: Lane) => Promise<T>): Promise<T> {
  const free = lanes.find(({busy}) => !busy)
  if (free) free.busy = true
  const lane = free ?? (await new Promise<Lane>((resolve) => waiting.push(resolve)))
  try {
    return await use(lane)
  } finally {
    const next = waiting.shift()
    if (next) next(lane)
    else lane.busy = false
  }
}

/** The words for curl, with this lane's port and files filled in. */
function placed(words: readonly string[], {edge, home}: Lane): string[] {
  return words.map((word) =>
    word.replaceAll('PORT', String(edge.otherPort)).replaceAll('FILE', path.join(home, 'file')),
  )
}

/** Runs the built zt with the real curl; stdin is the user's. */
async function run(words: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Outcome> {
  return withLane(async (lane) => {
    const {edge, home} = lane
    fs.rmSync(home, {recursive: true, force: true})
    fs.mkdirSync(home)
    fs.writeFileSync(path.join(home, 'file'), `${SMUGGLED}${'line\n'.repeat(300)}${SMUGGLED}`)
    const where = ['--connect-to', `127.0.0.1:${edge.port}`, '--ca-file', edge.caFile]
    const child = spawn(
      process.execPath,
      [
        bin,
        'curl',
        `https://${HOST}/path`,
        '--token',
        'env',
        '--yes',
        ...where,
        '--',
        ...CEILING,
        ...placed(words, lane),
      ],
      {
        cwd: home,
        env: {
          PATH: process.env['PATH'],
          HOME: home,
          TMPDIR: home,
          XDG_CACHE_HOME: path.join(work, 'cache'),
          CF_ACCESS_CLIENT_ID: CLIENT_ID,
          CF_ACCESS_CLIENT_SECRET: CLIENT_SECRET,
          SSLKEYLOGFILE: path.join(home, 'keys'),
          ...env,
        },
        stdio: ['pipe', 'pipe', 'pipe'],
      },
    )
    const [stdout, stderr] = [[] as Buffer[], [] as Buffer[]]
    child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk))
    child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk))
    child.stdin.on('error', () => undefined)
    child.stdin.end('what the person typed')
    const code = await new Promise<number | null>((resolve, reject) => {
      child.once('error', reject)
      child.once('close', resolve)
    })
    return {
      ...{code, stdout: Buffer.concat(stdout), stderr: Buffer.concat(stderr)},
      ...edge.take(),
      files: allFiles(home),
    }
  })
}

/** Their names, too. */
function allFiles(directory: string): Buffer {
  return Buffer.concat(
    fs.readdirSync(directory, {recursive: true, withFileTypes: true}).map((entry) => {
      const content = entry.isFile()
        ? fs.readFileSync(path.join(entry.parentPath, entry.name))
        : Buffer.alloc(0)
      return Buffer.concat([Buffer.from(`${entry.name}\n`), content])
    }),
  )
}

/** The pair as it is, and in the forms in which curl could write it. */
const TRACES = [CLIENT_ID, CLIENT_SECRET].flatMap((text) => [
  text,
  Buffer.from(text).toString('base64').slice(0, 40),
  Buffer.from(text).toString('hex'),
])
const traceIn = (bytes: Buffer, traces: readonly string[]): string | undefined => {
  const text = bytes.toString('latin1').toLowerCase()
  return traces.find((trace) => text.includes(trace.toLowerCase()))
}

/** What must hold for any words. @returns the findings */
function wrongs(outcome: Outcome, words: readonly string[] = []): string[] {
  const {connections, elsewhere, stdout, stderr, files} = outcome
  const found: string[] = []
  // Only zt uses the headers' names, unless the user wrote one as data or as a file name.
  const theirs = words.some((word) => /cf-access-client/i.test(word))
  const traces = [...TRACES, 'client_random', ...(theirs ? [] : ['cf-access-client'])]
  const say = (where: string, bytes: Buffer): void => {
    const trace = traceIn(bytes, traces)
    if (trace !== undefined) found.push(`${trace} is in ${where}`)
  }
  say('what another host got', elsewhere)
  say('stdout', stdout)
  say('stderr', stderr)
  say('a file', files)
  if (/keys\n/.test(files.toString('latin1'))) found.push('the keys of TLS were written')
  if (/zt-curl-/.test(files.toString('latin1'))) found.push('our pipe is left behind')
  let asked = 0
  for (const bytes of connections) {
    const {requests, rest} = readRequests(bytes)
    if (rest.length > 0)
      found.push(`bytes behind a request: ${JSON.stringify(rest.toString('latin1').slice(0, 60))}`)
    asked += requests.length
    for (const {line, headers, body} of requests) {
      if (!/^[A-Z]{1,20} \/path[!-~]* HTTP\/1\.[01]$/i.test(line)) found.push(`the request line ${line}`)
      const ours = [`cf-access-client-id: ${CLIENT_ID}`, `cf-access-client-secret: ${CLIENT_SECRET}`]
      for (const header of ours)
        if (headers.filter((one) => one.toLowerCase() === header).length !== 1)
          found.push(`not once: ${header}`)
      const hosts = headers.filter((one) => /^\s*host\s*:/i.test(one))
      if (hosts.length !== 1 || hosts[0] !== `Host: ${HOST}`) found.push(`hosts: ${hosts.join()}`)
      const others = headers.filter((one) => !ours.includes(one.toLowerCase()))
      if (others.some((one) => /[\x00-\x08\x0A-\x1F\x7F]|^\s/.test(one))) found.push('a header that is none')
      say('another header or the URL', Buffer.from([line, ...others].join('\n'), 'latin1'))
      say('a body', body)
    }
  }
  if (asked > 1) found.push(`${asked} requests`)
  return found
}

/** Whether zt itself refuses these words. */
function isRefused(words: readonly string[]): boolean {
  try {
    readCurlArguments(words.map((word) => word.replaceAll('PORT', '1')))
    return false
  } catch (error) {
    if (error instanceof UserError) return true
    throw error
  }
}

const named = ({long}: KnownOption, value: string): string[] => [`--${long}`, value]
const taking = OPTIONS.filter(({takes}) => takes !== 'nothing')

/** Runs these, some at a time. @returns those that did harm */
async function harmful(calls: readonly string[][]): Promise<Record<string, string[]>> {
  const harm: Record<string, string[]> = {}
  await Promise.all(
    calls.map(async (words) => {
      const outcome = await run(words)
      const found = wrongs(outcome, words)
      if (isRefused(words)) {
        if (outcome.code !== 2) found.push(`ended with ${outcome.code}`)
        if (outcome.connections.length > 0 || outcome.elsewhere.length > 0) found.push('something was sent')
      }
      if (found.length > 0) harm[JSON.stringify(words)] = found
    }),
  )
  return harm
}

describe('whatever an option of curl\u2019s is given, the pair goes to its host alone, in its two headers', () => {
  it('each class of values has hostile ones', () => {
    for (const {takes, long} of OPTIONS) expect(HOSTILE[takes], long).not.toHaveLength(0)
  })

  it('every option of the curl that is installed is understood, or refused for what it does', () => {
    const help = execFileSync('curl', ['--help', 'all'], {encoding: 'utf8'})
    const known = [...help.matchAll(/^ *(?:-(\S), )? *--([\w.-]+)( [<[])?/gm)]
    expect(known.length).toBeGreaterThan(200)
    for (const [, short, long = '', value] of known) {
      const option = optionNamed(long)
      const name = long === 'styled-output' ? 'no-styled-output' : long
      expect(
        option !== undefined || optionNamed(name) !== undefined || refusalOf(`--${long}`).known,
        long,
      ).toBe(true)
      if (!option) continue
      expect(refusalOf(`--${long}`).known, `${long} is allowed and refused`).toBe(false)
      expect(option.takes === 'nothing', `what ${long} takes`).toBe(value === undefined)
      expect(option.short, long).toBe(short)
    }
    tally(FAMILY, known.length)
  })

  it('no value with a control character is passed on, whatever the option', () => {
    const controls = [...Array(0x20).keys(), 0x7f].map((code) => String.fromCharCode(code))
    for (const option of taking)
      for (const sign of controls)
        for (const value of [`${sign}x`, `1${sign}`, `a=b${sign}c`])
          expect(isRefused(named(option, value)), JSON.stringify(named(option, value))).toBe(true)
    tally(FAMILY, taking.length * controls.length * 3)
  })

  it.each([...new Set(taking.map(({takes}) => takes))])('values for %s', async (takes) => {
    const calls = taking
      .filter((option) => option.takes === takes)
      .flatMap((option) => [...HOSTILE[takes], ...FOR_ALL].map((value) => named(option, value)))
    // One refusal of each kind is enough for the built program; everything that is passed on is run.
    const accepted = calls.filter((words) => !isRefused(words))
    const refused = calls.filter((words) => isRefused(words)).filter((_, at) => at % EVERY === 0)
    expect(await harmful([...accepted, ...refused])).toEqual({})
    tally(FAMILY, calls.length)
  })

  it('values that were made for another option', async () => {
    const foreign = taking.flatMap((option) =>
      Object.entries(HOSTILE)
        .filter(([takes]) => takes !== option.takes && takes !== 'nothing')
        .flatMap(([, values]) => values.map((value) => named(option, value))),
    )
    const accepted = foreign.filter((words) => !isRefused(words))
    expect(await harmful(accepted.filter((_, at) => at % EVERY === 0))).toEqual({})
    tally(FAMILY, Math.ceil(accepted.length / EVERY))
  })

  it('options that take nothing, with and without a body, an upload and a query', async () => {
    const alone = OPTIONS.filter(({takes}) => takes === 'nothing').map(({long}) => [`--${long}`])
    const bodies = [[], ['-F', 'a=@FILE'], ['--get', '--data-binary', '@FILE']]
    const calls = alone.flatMap((words, at) => {
      const body = bodies[at % bodies.length] ?? []
      return [
        [...words, '-T', 'FILE'],
        [...words, ...body],
      ]
    })
    expect(await harmful(calls)).toEqual({})
    tally(FAMILY, calls.length)
  })

  it('files full of requests, in every place where their content goes into the head of a request', async () => {
    const calls = [
      ['--get', '-d', '@FILE'],
      ['--get', '--data-binary', '@FILE'],
      ['--url-query', 'x@FILE'],
      ['--etag-compare', 'FILE'],
      ['-b', 'FILE'],
      ['-b', 'FILE', '-c', 'jar'],
      ['-z', 'FILE'],
      ['-r', '0-4', '-T', 'FILE'],
      ['-C', '5', '-T', 'FILE'],
      ['-T', 'FILE', '-T', 'FILE', '-o', 'a', '-o', 'b'],
      ['--json', '@FILE', '-I'],
    ]
    expect(await harmful(calls)).toEqual({})
    tally(FAMILY, calls.length)
  })

  it.each([
    [['-d', '@-'], 'what the person typed'],
    [['--json', '@-'], 'what the person typed'],
    [['-T', '-'], 'what the person typed'],
    [['-T', '.'], 'what the person typed'],
    [['--data-urlencode', 'x@-'], 'x=what+the+person+typed'],
    [['-F', 'a=@ "-"'], 'what the person typed'],
    [['-F', 'a=<-'], 'what the person typed'],
    [['--url-query', 'x@-'], 'what+the+person+typed'],
  ])('%j is given the person\u2019s own stdin', async (words, sent) => {
    const outcome = await run(['-sS', ...words])
    expect({wrongs: wrongs(outcome), code: outcome.code}).toEqual({wrongs: [], code: 0})
    expect(Buffer.concat(outcome.connections).toString('latin1').replaceAll('%20', '+')).toContain(sent)
    tally(FAMILY, 1)
  })

  it.each([
    ['SSLKEYLOGFILE', 'keys'],
    ['CURL_HOME', '.'],
    ['XDG_CONFIG_HOME', '.'],
    ['QLOGDIR', '.'],
    ['CURL_DEBUG', 'all'],
    ['NETRC', 'file'],
  ])('with %s in the environment', async (name, value) => {
    const outcome = await run(['-sS', '-o', 'out'], {[name]: value})
    expect({wrongs: wrongs(outcome), code: outcome.code}).toEqual({wrongs: [], code: 0})
    tally(FAMILY, 1)
  })

  it.each([['%{onerror}x'], ['%{http_code'], ['%{'], ['x'.repeat(100_000)]])(
    'with the format of %# zt still reads the answer, and prints nothing of its own',
    async (format) => {
      const outcome = await run(['-sS', '-o', 'out', '-w', format])
      expect({wrongs: wrongs(outcome), code: outcome.code}).toEqual({wrongs: [], code: 0})
      expect(outcome.stdout.toString() + outcome.stderr.toString()).not.toMatch(/\x1E|cf-ray|http_code}/)
      tally(FAMILY, 1)
    },
  )
})
