// A certificate of a sandbox's CA for the edge of the measurements.
import 'reflect-metadata'
import {webcrypto} from 'node:crypto'
import {readFile, writeFile} from 'node:fs/promises'
import path from 'node:path'
import * as x509 from '@peculiar/x509'

const ALGORITHM = {name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256'}
const HOUR_MS = 3600_000

/** The files of a certificate for these hosts and loopback, and of its key. */
export async function issueCertificate({caFile, home, hosts}) {
  x509.cryptoProvider.set(webcrypto)
  const issuer = new x509.X509Certificate(await readFile(caFile, 'utf8'))
  const issuerPem = await readFile(path.join(path.dirname(caFile), 'ca-key.pem'), 'utf8')
  const issuerKey = x509.PemConverter.decodeFirst(issuerPem)
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify'])
  const certificate = await x509.X509CertificateGenerator.create({
    subject: `CN=${hosts[0]}`,
    issuer: issuer.subject,
    notBefore: new Date(Date.now() - HOUR_MS),
    notAfter: issuer.notAfter,
    signingAlgorithm: ALGORITHM,
    publicKey: keys.publicKey,
    signingKey: await webcrypto.subtle.importKey('pkcs8', issuerKey, ALGORITHM, true, ['sign']),
    extensions: [
      new x509.SubjectAlternativeNameExtension([
        ...hosts.map((value) => ({type: 'dns', value})),
        // For clients that name no host to an address, as Go's.
        {type: 'ip', value: '127.0.0.1'},
      ]),
      new x509.ExtendedKeyUsageExtension(['1.3.6.1.5.5.7.3.1']),
      await x509.AuthorityKeyIdentifierExtension.create(issuer.publicKey),
    ],
  })
  const files = ['edge.pem', 'edge-key.pem'].map((name) => path.join(home, name))
  const key = await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)
  await writeFile(files[0], certificate.toString('pem'))
  await writeFile(files[1], x509.PemConverter.encode(key, 'PRIVATE KEY'), {mode: 0o600})
  return files
}
