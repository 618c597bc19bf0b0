// The certificate library uses decorators, which need this import first.
import 'reflect-metadata'
import {webcrypto, type KeyObject} from 'node:crypto'
import {isIP} from 'node:net'
import path from 'node:path'
import tls from 'node:tls'
import * as x509 from '@peculiar/x509'
import type {JsonObject} from '../core/json.js'
import {readFileIfThere, writeFileAtomic} from '../system/files.js'
import {openSigningKey, type SigningKey} from './signing-key.js'

type IssuerKey = Pick<webcrypto.CryptoKeyPair, 'privateKey'>

const ALGORITHM = {name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256'}
const CONTEXTS = 64
const HOST_NAME = /^(?=.{1,253}$)[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*$/i
const YEAR_MS = 365 * 24 * 3600 * 1000

/** A throw-away CA on disk, which issues a certificate for any host that is requested from the edge. */
export interface CertificateAuthority {
  /** PEM, for clients. */
  caFile: string
  contextFor(host: string): Promise<tls.SecureContext>
  /** For clients that name no host: Go's, cloudflared's among them, send no SNI to an address. Valid for loopback. */
  fallback: Certificate
  /** Made when it is first needed, which takes a moment. */
  signingKey(): Promise<SigningKey>
  /** What `/cdn-cgi/access/certs` answers. */
  publicKeys(): Promise<JsonObject>
}

/** PEM. */
interface Certificate {
  key: string
  cert: string
}

export async function openCertificateAuthority(
  directory: string,
  now: number,
): Promise<CertificateAuthority> {
  x509.cryptoProvider.set(webcrypto)
  const caFile = path.join(directory, 'ca.pem')
  const keyFile = path.join(directory, 'ca-key.pem')
  const {certificate, keys} = (await read(caFile, keyFile, now)) ?? (await make(caFile, keyFile, now))
  const contexts = new Map<string, Promise<tls.SecureContext>>()
  const contextOf = async (host: string): Promise<tls.SecureContext> => {
    const made = host === 'localhost' ? fallback : await leaf(host, certificate, keys, now)
    return tls.createSecureContext({...made, minVersion: 'TLSv1.2'})
  }
  const fallback = await leaf('localhost', certificate, keys, now)
  let signing: Promise<SigningKey> | undefined
  let published: Promise<JsonObject> | undefined
  const signingKey = (): Promise<SigningKey> => (signing ??= openSigningKey(directory))
  return {
    caFile,
    fallback,
    signingKey,
    publicKeys: () => (published ??= signingKey().then((key) => publish(key, now))),
    contextFor: (name) => {
      // The client chooses the name, so only the latest are kept, and all names that are not host names share one.
      const host = isIP(name) === 0 && !HOST_NAME.test(name) ? 'localhost' : name
      const made = contexts.get(host) ?? contextOf(host)
      contexts.delete(host)
      contexts.set(host, made)
      for (const oldest of contexts.keys()) {
        if (contexts.size <= CONTEXTS) break
        contexts.delete(oldest)
      }
      return made
    },
  }
}

async function make(
  caFile: string,
  keyFile: string,
  now: number,
): Promise<{certificate: x509.X509Certificate; keys: IssuerKey}> {
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify'])
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: 'CN=zt sandbox CA (throw-away)',
    notBefore: new Date(now - 3600_000),
    notAfter: new Date(now + YEAR_MS),
    signingAlgorithm: ALGORITHM,
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      // Only these distinguish two CAs of the same name (RFC 5280, 4.2.1.1), an old and a new one.
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  })
  const key = await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)
  await writeFileAtomic(keyFile, x509.PemConverter.encode(key, 'PRIVATE KEY'))
  await writeFileAtomic(caFile, certificate.toString('pem'), 0o644)
  return {certificate, keys}
}

/** The existing one; undefined if there is none, it is damaged, or it expires within a month. */
async function read(
  caFile: string,
  keyFile: string,
  now: number,
): Promise<{certificate: x509.X509Certificate; keys: IssuerKey} | undefined> {
  const [pem, keyPem] = await Promise.all([
    readFileIfThere(caFile),
    // With this key, anyone could pose as the edge to clients that trust the CA.
    readFileIfThere(keyFile, {secret: true}),
  ])
  if (pem === undefined || keyPem === undefined) return undefined
  try {
    const certificate = new x509.X509Certificate(pem)
    if (certificate.notAfter.getTime() < now + YEAR_MS / 12) return undefined
    const der = x509.PemConverter.decodeFirst(keyPem)
    const privateKey = await webcrypto.subtle.importKey('pkcs8', der, ALGORITHM, true, ['sign'])
    return {certificate, keys: {privateKey}}
  } catch {
    // A damaged one is replaced.
    return undefined
  }
}

async function leaf(
  host: string,
  issuer: x509.X509Certificate,
  issuerKeys: IssuerKey,
  now: number,
): Promise<Certificate> {
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify'])
  const names: x509.JsonGeneralName[] = [
    {type: 'dns', value: host},
    {type: 'dns', value: 'localhost'},
    {type: 'ip', value: '127.0.0.1'},
    {type: 'ip', value: '::1'},
  ]
  const certificate = await x509.X509CertificateGenerator.create({
    subject: `CN=${host.slice(0, 64)}`,
    issuer: issuer.subject,
    notBefore: new Date(now - 3600_000),
    notAfter: issuer.notAfter,
    signingAlgorithm: ALGORITHM,
    publicKey: keys.publicKey,
    signingKey: issuerKeys.privateKey,
    extensions: [
      new x509.SubjectAlternativeNameExtension(names),
      new x509.ExtendedKeyUsageExtension(['1.3.6.1.5.5.7.3.1']),
      await x509.AuthorityKeyIdentifierExtension.create(issuer.publicKey),
    ],
  })
  const key = await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)
  return {key: x509.PemConverter.encode(key, 'PRIVATE KEY'), cert: certificate.toString('pem')}
}

/** A key as clients find it: as a JWK, and in a certificate that it has signed itself. */
async function publish({kid, privateKey, publicKey}: SigningKey, now: number): Promise<JsonObject> {
  const rsa = {name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256'}
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: 'CN=cloudflareaccess.com (sandbox)',
    notBefore: new Date(now - 3600_000),
    notAfter: new Date(now + YEAR_MS),
    signingAlgorithm: rsa,
    keys: {
      privateKey: await webcrypto.subtle.importKey('pkcs8', der(privateKey, 'pkcs8'), rsa, false, ['sign']),
      publicKey: await webcrypto.subtle.importKey('spki', der(publicKey, 'spki'), rsa, true, ['verify']),
    },
  })
  const pem = {kid, cert: certificate.toString('pem')}
  return {
    keys: [{kid, ...publicKey.export({format: 'jwk'}), alg: 'RS256', use: 'sig'}],
    public_cert: pem,
    public_certs: [pem],
  }
}

function der(key: KeyObject, type: 'pkcs8' | 'spki'): Buffer {
  return type === 'spki' ? key.export({type, format: 'der'}) : key.export({type, format: 'der'})
}
