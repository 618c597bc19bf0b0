import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPair,
  sign,
  verify,
  type KeyObject,
} from 'node:crypto'
import path from 'node:path'
import {promisify} from 'node:util'
import {isJsonObject, type JsonObject} from '../core/json.js'
import {readFileIfThere, writeFileAtomic} from '../system/files.js'

/** The account's key for application tokens (RS256), as `/cdn-cgi/access/certs` publishes it. */
export interface SigningKey {
  kid: string
  privateKey: KeyObject
  publicKey: KeyObject
  sign(claims: JsonObject): string
  /** The claims of a token that this key has signed; undefined for any other text. They may have expired. */
  verify(token: string): JsonObject | undefined
}

/** Opens the key of a directory, or makes one: only who needs it pays for that. */
export async function openSigningKey(directory: string): Promise<SigningKey> {
  const file = path.join(directory, 'access-key.pem')
  const found = keyIn(await readFileIfThere(file, {secret: true}))
  if (found) return signingKey(found)
  const {privateKey} = await promisify(generateKeyPair)('rsa', {modulusLength: 2048})
  await writeFileAtomic(file, privateKey.export({type: 'pkcs8', format: 'pem'}))
  return signingKey(privateKey)
}

/** A damaged one is replaced. */
function keyIn(pem: string | undefined): KeyObject | undefined {
  if (pem === undefined) return undefined
  try {
    const key = createPrivateKey(pem)
    return key.asymmetricKeyType === 'rsa' ? key : undefined
  } catch {
    return undefined
  }
}

function signingKey(privateKey: KeyObject): SigningKey {
  const publicKey = createPublicKey(privateKey)
  const kid = createHash('sha256')
    .update(publicKey.export({type: 'spki', format: 'der'}))
    .digest('hex')
  const header = {alg: 'RS256', kid, typ: 'JWT'}
  return {
    kid,
    privateKey,
    publicKey,
    sign: (claims) => {
      const signed = `${encode(header)}.${encode(claims)}`
      return `${signed}.${sign('sha256', Buffer.from(signed), privateKey).toString('base64url')}`
    },
    verify: (token) => {
      const [head = '', body = '', signature = '', rest] = token.split('.')
      if (rest !== undefined) return undefined
      const data = Buffer.from(`${head}.${body}`)
      return verify('sha256', data, publicKey, Buffer.from(signature, 'base64url')) ? decode(body) : undefined
    },
  }
}

/** JSON as a part of a JWT (RFC 7519). */
export function encode(value: JsonObject): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}

function decode(part: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, 'base64url').toString())
    return isJsonObject(value) ? value : undefined
  } catch {
    return undefined
  }
}
