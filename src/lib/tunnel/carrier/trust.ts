import {X509Certificate} from 'node:crypto'
import os from 'node:os'
import tls from 'node:tls'
import {filesSync as fs} from '../../system/disk.js'
import {contextWith, SYSTEM_STORE, takesSystemStore, windowsCas} from '../../network/certificates.js'
import {UserError} from '../../core/errors.js'
import {posixPath} from '../../core/posix-path.js'
import {readForeignFile} from '../../system/own-files.js'

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
  return (await readTrust(caFile, extraFile))()
}

/** The same in two steps: reads and checks the files, and returns what makes the context, which only takes processor time. */
export async function readTrust(
  caFile: string | undefined,
  extraFile?: string,
): Promise<() => tls.SecureContext> {
  const [own, extra] = await Promise.all([
    caFile === undefined ? [] : readCa(caFile),
    caFile === undefined ? [] : readCertificates(extraFile),
  ])
  const more = [...own, ...extra]
  if (takesSystemStore()) return () => systemContext(more)
  // `zt ssh proxy` trusts the system's CAs, or those that the variable names; so does everything else in zt that connects
  // to an edge.
  const {SSL_CERT_FILE} = process.env
  const bundle = byHash() === undefined ? undefined : bundles().find((file) => file && fs.existsSync(file))
  const system = await readCertificates(SSL_CERT_FILE ?? bundle)
  return () => contextWith([...more, ...system, ...windowsCas()], MINIMUM)
}

/** Node reads these variables when it makes a context; child processes must not inherit them. */
function systemContext(more: string[]): tls.SecureContext {
  const {SSL_CERT_DIR, SSL_CERT_FILE} = process.env
  if (SSL_CERT_DIR !== undefined || SSL_CERT_FILE !== undefined) return contextWith(more, MINIMUM)
  const directory = byHash()
  // The flag was written for another machine.
  if (directory === undefined) return contextWith([...tls.rootCertificates, ...more], MINIMUM)
  process.env['SSL_CERT_DIR'] = directory
  // Otherwise all CAs are read from one file, which some systems have in OpenSSL's default place.
  process.env['SSL_CERT_FILE'] = os.devNull
  try {
    return contextWith(more, MINIMUM)
  } finally {
    delete process.env['SSL_CERT_DIR']
    delete process.env['SSL_CERT_FILE']
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
  if (file === undefined || file === '') return []
  try {
    return readForeignFile(file)?.toString('latin1').match(CERTIFICATES) ?? []
  } catch {
    return []
  }
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
