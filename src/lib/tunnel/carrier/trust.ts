import {X509Certificate} from 'node:crypto'
import fs from 'node:fs/promises'
import tls from 'node:tls'
import {UserError, hasCode} from '../../core/errors.js'

const CERTIFICATES = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g

/**
 * What a certificate is checked against: what node trusts, and the CA of the file besides.
 *
 * @param caFile PEM, one certificate or several
 * @param extraFile what NODE_EXTRA_CA_CERTS names: node 20 leaves it out where a CA is added
 * @throws UserError `config` / `BAD_CA_FILE`
 */
export async function trustContext(
  caFile: string | undefined,
  extraFile?: string,
): Promise<tls.SecureContext> {
  if (caFile === undefined) return tls.createSecureContext({minVersion: 'TLSv1.2'})
  const [own, extra] = await Promise.all([readCa(caFile), readExtra(extraFile)])
  const pem = [own, ...extra].join('\n')
  const context = tls.createSecureContext({minVersion: 'TLSv1.2'})
  // Node's `ca` option would replace the roots, and giving them again reads all of them anew: 20 ms at every start.
  const native = context.context as {addCACert?: (pem: string) => void}
  if (typeof native.addCACert !== 'function') {
    return tls.createSecureContext({minVersion: 'TLSv1.2', ca: [...tls.rootCertificates, pem]})
  }
  native.addCACert(pem)
  return context
}

async function readCa(file: string): Promise<string> {
  const text = await fs.readFile(file, 'utf8').catch((error: unknown) => {
    throw badCa(file, hasCode(error, 'ENOENT') ? 'There is no such file.' : 'It cannot be read.')
  })
  const blocks = text.match(CERTIFICATES)
  if (!blocks) throw badCa(file, 'It holds no certificate (PEM).')
  // addCACert passes over what it cannot read.
  try {
    for (const block of blocks) new X509Certificate(block)
  } catch {
    throw badCa(file, 'It holds no usable certificate.')
  }
  return blocks.join('\n')
}

/** Node has warned of it at its start, if it cannot be read. */
async function readExtra(file: string | undefined): Promise<string[]> {
  if (file === undefined || file === '') return []
  const text = await fs.readFile(file, 'utf8').catch(() => '')
  return text.match(CERTIFICATES) ?? []
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
