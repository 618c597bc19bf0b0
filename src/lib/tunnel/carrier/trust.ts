import {X509Certificate} from 'node:crypto'
import os from 'node:os'
import tls from 'node:tls'
import {filesSync as fs} from '../../system/disk.js'
import {contextWith, SYSTEM_STORE, takesSystemStore, windowsCas} from '../../network/certificates.js'
import {UserError} from '../../core/errors.js'
import {posixPath} from '../../core/posix-path.js'
import {readForeignFile} from '../../system/own-files.js'
import {isFullPath} from '../../system/platform.js'

const CERTIFICATES = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g
const MINIMUM = {minVersion: 'TLSv1.2'} as const

/** Where OpenSSL finds a CA by the hash of its name: on Debian, Alpine, Arch and SUSE; on Fedora. */
const byHashIn = (): (string | undefined)[] => [
  posixPath('/etc/ssl/certs'),
  posixPath('/etc/pki/ca-trust/extracted/pem/directory-hash'),
]
const bundles = (): (string | undefined)[] => [
  posixPath('/etc/ssl/certs/ca-certificates.crt'),
  posixPath('/etc/pki/tls/certs/ca-bundle.crt'),
  posixPath('/etc/ssl/ca-bundle.pem'),
  posixPath('/etc/ssl/cert.pem'),
]

/**
 * Node's flags for `zt ssh proxy`: look up the system's CAs one by one, when a certificate needs them. Node's own list is
 * read whole at every start, which takes 20 ms while ssh waits. None if the system's CAs cannot be found by hash.
 */
export function trustFlags(): string[] {
  // Node does not start with two of these flags.
  const {NODE_OPTIONS = '', NODE_USE_SYSTEM_CA} = process.env
  const other = /--use[-_](bundled|system)[-_]ca/.test(NODE_OPTIONS) || NODE_USE_SYSTEM_CA === '1'
  return other || byHash() === undefined ? [] : [SYSTEM_STORE]
}

/**
 * What a certificate is checked against: the CAs of the system or of node, on Windows both, and those in the file.
 *
 * @param caFile PEM, one certificate or several
 * @param extraFile the value of NODE_EXTRA_CA_CERTS: node 20 drops those certificates when a CA is added
 * @throws UserError `config` / `BAD_CA_FILE`
 */
export async function trustContext(
  caFile: string | undefined,
  extraFile?: string,
): Promise<tls.SecureContext> {
  return (await readTrust(caFile, extraFile)).context()
}

/** What a certificate is checked against. The files have been read and checked. */
export interface Trust {
  /** Takes only processor time, up to 40 ms. */
  context: () => tls.SecureContext
  /** Where it is faster to know the one CA that is needed; elsewhere OpenSSL looks it up. */
  choice?: {
    /** All CAs, as PEM. */
    certificates: () => readonly string[]
    /** Trusts one of them only. */
    one: (pem: string) => tls.SecureContext
  }
}

/** The same in two steps. */
export async function readTrust(caFile: string | undefined, extraFile?: string): Promise<Trust> {
  const [own, extra] = await Promise.all([
    caFile === undefined ? [] : readCa(caFile),
    caFile === undefined ? [] : readCertificates(extraFile),
  ])
  const more = [...own, ...extra]
  if (takesSystemStore()) return systemTrust(more)
  // `zt ssh proxy` trusts the system's CAs, or those that the variable names; so does everything else in zt that connects
  // to an edge.
  const {SSL_CERT_FILE} = process.env
  const bundle = byHash() === undefined ? undefined : bundles().find((file) => file && fs.existsSync(file))
  // On Windows a path of another system would be one of the current drive.
  const named = process.platform === 'win32' && !isFullPath(SSL_CERT_FILE ?? '') ? undefined : SSL_CERT_FILE
  const system = await readCertificates(named ?? bundle)
  const added = [...more, ...system, ...windowsCas()]
  return chosen(
    () => contextWith(added, MINIMUM),
    () => [...added, ...nodeCas()],
  )
}

function chosen(context: () => tls.SecureContext, certificates: () => readonly string[]): Trust {
  return {context, choice: {certificates, one: (pem) => trusting([pem])}}
}

function trusting(ca: string[]): tls.SecureContext {
  return tls.createSecureContext({...MINIMUM, ca})
}

function nodeCas(): string[] {
  return tls.rootCertificates.map((pem) => pem.trim())
}

async function systemTrust(more: string[]): Promise<Trust> {
  const {SSL_CERT_DIR, SSL_CERT_FILE} = process.env
  const directory = byHash()
  if (SSL_CERT_DIR !== undefined || SSL_CERT_FILE !== undefined) {
    const text = await readBundle(SSL_CERT_FILE)
    return {
      context: () => contextWith(fileLeftOut && text !== undefined ? [...more, text] : more, MINIMUM),
      ...(text !== undefined && {
        choice: {certificates: () => [...more, ...certificatesIn(text)], one: withoutFile},
      }),
    }
  }
  // Otherwise all CAs are read from one file, which some systems have in OpenSSL's default place.
  if (directory !== undefined) {
    const places = {SSL_CERT_DIR: directory, SSL_CERT_FILE: os.devNull}
    return {context: () => withPlaces(places, () => contextWith(more, MINIMUM))}
  }
  // The flag was written for another machine.
  const all = [...nodeCas(), ...more]
  return chosen(
    () => contextWith(all, MINIMUM),
    () => all,
  )
}

/**
 * OpenSSL reads the file of SSL_CERT_FILE once in a process, when node adds the first CA to a context. It has then read none
 * of it, and whatever is to be checked against all of it needs it added.
 */
let fileLeftOut = false

/** Trusts one CA, and spares OpenSSL its file, which this context does not use. */
function withoutFile(pem: string): tls.SecureContext {
  fileLeftOut = true
  return withPlaces({SSL_CERT_FILE: os.devNull}, () => trusting([pem]))
}

/** With other places in which OpenSSL finds CAs. It reads these variables when node makes a context; child processes must not inherit them. */
function withPlaces<T>(places: Record<string, string>, make: () => T): T {
  const before = {...process.env}
  Object.assign(process.env, places)
  try {
    return make()
  } finally {
    for (const name of Object.keys(places)) {
      if (before[name] === undefined) delete process.env[name]
      else process.env[name] = before[name]
    }
  }
}

function byHash(): string | undefined {
  return byHashIn().find((directory) => {
    if (directory === undefined) return false
    try {
      return fs.readdirSync(directory).some((name) => /^[0-9a-f]{8}\.0$/.test(name))
    } catch {
      return false
    }
  })
}

async function readCa(file: string): Promise<string[]> {
  let text: string | undefined
  try {
    text = readForeignFile(file)?.toString('latin1')
  } catch (error) {
    throw badCa(file, (error instanceof UserError ? error.why : undefined) ?? 'It cannot be read.')
  }
  if (text === undefined) throw badCa(file, 'There is no such file.')
  const blocks = text.match(CERTIFICATES)
  if (!blocks) throw badCa(file, 'It contains no certificate (PEM).')
  // addCACert ignores what it cannot read.
  try {
    for (const block of blocks) new X509Certificate(block)
  } catch {
    throw badCa(file, 'It contains a certificate that cannot be read.')
  }
  return blocks
}

/** None if they cannot be read: node has warned of NODE_EXTRA_CA_CERTS when it started. */
async function readCertificates(file: string | undefined): Promise<string[]> {
  return certificatesIn((await readBundle(file)) ?? '')
}

async function readBundle(file: string | undefined): Promise<string | undefined> {
  if (file === undefined || file === '') return undefined
  try {
    return readForeignFile(file)?.toString('latin1')
  } catch {
    return undefined
  }
}

function certificatesIn(text: string): string[] {
  return text.match(CERTIFICATES) ?? []
}

function badCa(file: string, why: string): UserError {
  return new UserError({
    kind: 'config',
    code: 'BAD_CA_FILE',
    message: `The edge's CA file ${file} cannot be used`,
    why,
    next: ['Give another one with --ca-file, or correct the profile: zt profile show'],
  })
}
