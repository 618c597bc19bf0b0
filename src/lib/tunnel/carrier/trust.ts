import {X509Certificate} from 'node:crypto'
import fs from 'node:fs'
import os from 'node:os'
import tls from 'node:tls'
import {SYSTEM_STORE, takesSystemStore, withMore} from '../../network/certificates.js'
import {UserError} from '../../core/errors.js'
import {readForeignFile} from '../../system/own-files.js'

const CERTIFICATES = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g
const MINIMUM = {minVersion: 'TLSv1.2'} as const

/** Where OpenSSL finds a CA by the hash of its name: Debian, Alpine, Arch and SUSE; Fedora. */
const BY_HASH = ['/etc/ssl/certs', '/etc/pki/ca-trust/extracted/pem/directory-hash']
const BUNDLES = [
  '/etc/ssl/certs/ca-certificates.crt',
  '/etc/pki/tls/certs/ca-bundle.crt',
  '/etc/ssl/ca-bundle.pem',
  '/etc/ssl/cert.pem',
]

/**
 * What node is started with for the proxy, which ssh waits for; nothing where the system's CAs cannot be found so. They
 * are looked up one by one when a certificate needs them, where node's own are all read first: 20 ms at every start.
 */
export function trustFlags(): string[] {
  // Node ends at once when it is given two of them.
  const {NODE_OPTIONS = '', NODE_USE_SYSTEM_CA} = process.env
  const other = /--use[-_](bundled|system)[-_]ca/.test(NODE_OPTIONS) || NODE_USE_SYSTEM_CA === '1'
  return other || byHash() === undefined ? [] : [SYSTEM_STORE]
}

/**
 * What a certificate is checked against: what the system trusts, or node, and the CA of the file besides.
 *
 * @param caFile PEM, one certificate or several
 * @param extraFile what NODE_EXTRA_CA_CERTS names: node 20 leaves it out where a CA is added
 * @throws UserError `config` / `BAD_CA_FILE`
 */
export async function trustContext(
  caFile: string | undefined,
  extraFile?: string,
): Promise<tls.SecureContext> {
  return (await readTrust(caFile, extraFile))()
}

/**
 * The same in two steps: the files are read and found good, and what it returns makes the context, which is work for
 * the processor alone.
 */
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
  // The proxy trusts what the system trusts; so does everything else of zt that connects to an edge.
  const system =
    byHash() === undefined ? [] : await readCertificates(BUNDLES.find((file) => fs.existsSync(file)))
  return () => withMore(tls.createSecureContext(MINIMUM), [...more, ...system], MINIMUM)
}

/** Node reads these variables when it makes a context; programs that we start must not find them. */
function systemContext(more: string[]): tls.SecureContext {
  const {SSL_CERT_DIR, SSL_CERT_FILE} = process.env
  if (SSL_CERT_DIR !== undefined || SSL_CERT_FILE !== undefined) {
    return withMore(tls.createSecureContext(MINIMUM), more, MINIMUM)
  }
  const directory = byHash()
  // On another machine than the flag was written for.
  if (directory === undefined)
    return withMore(tls.createSecureContext(MINIMUM), [...tls.rootCertificates, ...more], MINIMUM)
  process.env['SSL_CERT_DIR'] = directory
  // Or all of the system's CAs are read from one file, which some systems have in OpenSSL's own place.
  process.env['SSL_CERT_FILE'] = os.devNull
  try {
    return withMore(tls.createSecureContext(MINIMUM), more, MINIMUM)
  } finally {
    delete process.env['SSL_CERT_DIR']
    delete process.env['SSL_CERT_FILE']
  }
}

function byHash(): string | undefined {
  return BY_HASH.find((directory) => {
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
  if (!blocks) throw badCa(file, 'It holds no certificate (PEM).')
  // addCACert passes over what it cannot read.
  try {
    for (const block of blocks) new X509Certificate(block)
  } catch {
    throw badCa(file, 'It holds no usable certificate.')
  }
  return blocks
}

/** Node has warned of NODE_EXTRA_CA_CERTS at its start, if it cannot be read. */
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
    next: ['Give another with --ca-file, or mend the profile: zt profile show'],
  })
}
