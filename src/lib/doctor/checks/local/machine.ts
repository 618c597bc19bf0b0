import path from 'node:path'
import {files as fs} from '../../../system/disk.js'
import type {Paths} from '../../../config/paths.js'
import {hasCode, UserError} from '../../../core/errors.js'
import {quoteForPerson} from '../../../core/quote.js'
import {readForeignFile, unusable} from '../../../system/own-files.js'
import {checkOf} from '../../finding.js'
import type {Check, Finding} from '../../types.js'
import {listing, setting, unsetting} from '../../../core/shell-words.js'

/** As `engines` in package.json. */
const OLDEST = [20, 19] as const
/** Those that the tests run on (npm run test:nodes). */
const TESTED = [20, 22, 24, 26]

/** @param version of node, for tests */
export function nodeCheck(version = process.versions.node): Check {
  return checkOf(
    {id: 'node', area: 'machine', title: 'Node', doing: 'Looking at node', local: true},
    (_, says) => {
      const [major = 0, minor = 0] = version.split('.').map(Number)
      const next = ['Install a node with long-term support: https://nodejs.org/en/download']
      if (major < OLDEST[0] || (major === OLDEST[0] && minor < OLDEST[1]))
        return [
          says.fail(`node ${version} is too old`, {why: `zt needs ${OLDEST.join('.')} or newer.`, next}),
        ]
      const why = `zt is tested with node ${TESTED.join(', ')}, the versions with long-term support.`
      const isTested = TESTED.includes(major) || major > Math.max(...TESTED)
      return [
        isTested
          ? says.ok(version)
          : says.warn(`node ${version} is not one that zt is tested with`, {why, next}),
      ]
    },
  )
}

/** Switches in NODE_OPTIONS with which zt runs otherwise than it is tested. Those that expose secrets zt ignores itself. */
const SWITCHES: readonly (readonly [RegExp, string])[] = [
  [
    /^(-r|--require|--import|--loader|--experimental-loader)$/,
    'loads other code into zt, which can read its secrets',
  ],
  [/^--(experimental-)?permission$/, 'takes from zt the right to read files and start programs'],
  [
    /^--(openssl-legacy-provider|openssl-config|openssl-shared-config|enable-fips|force-fips)$/,
    'changes what OpenSSL accepts',
  ],
]

/** Variables that name files of CAs, and what one does that cannot be used. */
const CA_FILES = [
  ['NODE_EXTRA_CA_CERTS', 'Node ignores it, and trusts no CA that it was to add.'],
  ['SSL_CERT_FILE', 'No CA of the system is trusted then, such as that of a company.'],
] as const

/** NODE_TLS_REJECT_UNAUTHORIZED ends zt before anything else: the settings report it. */
const nodeOptions = checkOf(
  {
    id: 'node-options',
    area: 'machine',
    title: "Node's variables",
    doing: "Looking at node's variables",
    local: true,
  },
  ({env}, says) => {
    const {NODE_OPTIONS = ''} = env
    const found: Finding[] = []
    for (const word of NODE_OPTIONS.split(/[\s"]+/)) {
      const name = word.split('=')[0]?.replaceAll('_', '-') ?? ''
      const effect = SWITCHES.find(([pattern]) => pattern.test(name))?.[1]
      if (effect !== undefined)
        found.push(
          says.warn(`${name} in NODE_OPTIONS ${effect}`, {at: 'switch', next: [unsetting(['NODE_OPTIONS'])]}),
        )
    }
    for (const [name, effect] of CA_FILES) {
      const file = env[name] ?? ''
      const trouble = file === '' ? undefined : troubleWithCertificates(file)
      if (trouble !== undefined)
        found.push(
          says.warn(`${name} names ${file}, which cannot be used`, {
            at: 'certificates',
            why: `${trouble} ${effect}`,
            next: [unsetting([name])],
          }),
        )
    }
    const set = [...CA_FILES.map(([name]) => name), 'NODE_OPTIONS', 'NODE_USE_SYSTEM_CA'].filter(
      (name) => env[name],
    )
    return found.length > 0
      ? found
      : [says.ok(set.length === 0 ? 'none is set' : `${set.join(', ')}: no harm`)]
  },
)

function troubleWithCertificates(file: string): string | undefined {
  try {
    const text = readForeignFile(file)?.toString('latin1')
    if (text === undefined) return 'There is no such file.'
    return text.includes('-----BEGIN CERTIFICATE-----') ? undefined : 'It contains no certificate (PEM).'
  } catch (error) {
    return (error instanceof UserError ? error.why : undefined) ?? 'It cannot be read.'
  }
}

/** Narrower tables cannot be read. */
const NARROWEST = 20

const terminal = checkOf(
  {id: 'terminal', area: 'machine', title: 'Terminal', doing: 'Looking at the terminal', local: true},
  ({env}, says) => {
    const {COLUMNS = ''} = env
    const name = ['LC_ALL', 'LC_CTYPE', 'LANG'].find((one) => env[one])
    const locale = (name === undefined ? undefined : env[name]) ?? ''
    const found: Finding[] = []
    // POSIX: locale[.charset][@modifier]; without a charset it depends on the system.
    const charset = /\.([\w-]+)/.exec(locale)?.[1] ?? ''
    if (charset !== '' && !/^utf-?8$/i.test(charset))
      found.push(
        says.warn(`${name ?? ''} is ${locale}, and zt writes UTF-8`, {
          at: 'charset',
          why: 'Names with other letters than ASCII are not shown as they are.',
          next: [setting('LC_ALL', 'C.UTF-8')],
        }),
      )
    if (COLUMNS !== '' && !(Number.isInteger(Number(COLUMNS)) && Number(COLUMNS) >= NARROWEST))
      found.push(
        says.warn(`COLUMNS is ${COLUMNS}, which is no width for a table`, {
          at: 'columns',
          next: [unsetting(['COLUMNS'])],
        }),
      )
    if (found.length > 0) return found
    if (/^(C|POSIX)$/.test(locale)) return [says.ok(`ASCII only, because ${name ?? ''} is ${locale}`)]
    return [says.ok(locale === '' ? 'no locale is set' : locale)]
  },
)

/** zt's files are small; with less, the next secret may not be kept. */
const LEAST_BYTES = 8 * 1024 * 1024
const MIB = 1024 * 1024

const DIRECTORIES: readonly (readonly [keyof Paths, string])[] = [
  ['config', 'the profiles'],
  ['data', 'the vault and the index'],
  ['state', 'the journal of edits, locks and running connections'],
  ['cache', 'caches'],
]

/** @param statfs for tests */
export function diskCheck(
  statfs: (file: string) => Promise<{bavail: number; bsize: number}> = fs.statfs,
): Check {
  return checkOf(
    {id: 'disk', area: 'machine', title: 'Disk', doing: 'Looking at the disk', local: true},
    async ({paths}, says) => {
      const found: Finding[] = []
      let least = Infinity
      for (const [kind, use] of DIRECTORIES) {
        const directory = paths[kind]
        // What can be lost is no failure.
        const state = kind === 'cache' ? 'warn' : 'fail'
        const at = await nearest(directory)
        const error = await writable(directory, at)
        if (error) {
          found.push(says.error(error, {at: kind, state, next: [listing(at, {directory: true})]}))
          continue
        }
        const {bavail, bsize} = await statfs(at)
        const free = bavail * bsize
        least = Math.min(least, free)
        if (free < LEAST_BYTES)
          found.push(
            says[state](`${Math.floor(free / MIB)} MiB are free for ${directory}`, {
              at: kind,
              why: `zt keeps ${use} there.`,
              next: [`df -h ${quoteForPerson(at)}`],
            }),
          )
      }
      return found.length > 0 ? found : [says.ok(`${size(least)} free`)]
    },
  )
}

function size(bytes: number): string {
  return bytes >= 1024 * MIB ? `${Math.floor(bytes / 1024 / MIB)} GiB` : `${Math.floor(bytes / MIB)} MiB`
}

/** The directory itself, or the nearest one above it that exists. */
async function nearest(directory: string): Promise<string> {
  try {
    await fs.stat(directory)
    return directory
  } catch (error) {
    const above = path.dirname(directory)
    // With anything else, such as a link to itself, no directory can be made there.
    return above === directory || !hasCode(error, 'ENOENT', 'ENOTDIR') ? directory : nearest(above)
  }
}

async function writable(directory: string, at: string): Promise<UserError | undefined> {
  try {
    if (!(await fs.stat(at)).isDirectory()) throw Object.assign(new Error('a file'), {code: 'ENOTDIR'})
    await fs.access(at, fs.constants.W_OK | fs.constants.X_OK)
    return undefined
  } catch (error) {
    const words = unusable(error, 'write', directory)
    if (words instanceof UserError) return words
    if (hasCode(error, 'ENOENT')) return undefined
    throw error
  }
}

export const machineChecks: readonly Check[] = [nodeCheck(), nodeOptions, terminal, diskCheck()]
