import {constants} from 'node:fs'
import {createCipheriv, createDecipheriv, randomBytes} from 'node:crypto'
import * as v from 'valibot'
import {files as fs} from '../../system/disk.js'
import {createFileOnce} from '../../system/files.js'
import {readOwnFile, refuseOthers} from '../../system/own-files.js'
import {Secret} from '../../core/secret.js'

/** The one copy of a one-time secret between Cloudflare's answer and the store. */
export interface Spooled {
  tokenId: string
  clientId: string
  clientSecret: Secret
  /** ISO 8601; undefined for `forever`. */
  expiresAt: string | undefined
  /** The number of this secret, if the answer has one. */
  secretVersion?: number | undefined
  /** For a rotation: when the token was changed, as the answer says. */
  updatedAt?: string | undefined
  /** For a rotation: the previous secret, which works until then (ISO 8601). */
  previous?: {clientSecret: Secret; until: string} | undefined
}

/** One block of any file system: once it is there, writing it needs no more space. */
const SIZE = 4096
const MAGIC = Buffer.from('ztspool1')
const KEY_BYTES = 32
const IV_BYTES = 12
const TAG_BYTES = 16
const HEAD_BYTES = MAGIC.length + IV_BYTES + 2

const schema = v.object({
  token_id: v.string(),
  client_id: v.string(),
  client_secret: v.string(),
  expires_at: v.optional(v.string()),
  secret_version: v.optional(v.number()),
  updated_at: v.optional(v.string()),
  previous: v.optional(v.object({client_secret: v.string(), until: v.string()})),
})

/** A key for one spool. The key is kept in the secret store, the spool on disk: neither is of use without the other. */
export function newSpoolKey(): Secret {
  return new Secret(randomBytes(KEY_BYTES).toString('base64url'))
}

/** Reserves room: a full disk fails now, and not when the secret exists. */
export async function reserveSpool(file: string): Promise<void> {
  await createFileOnce(file, Buffer.alloc(SIZE))
}

/**
 * Writes the secret over the reserved room, in place, and makes it durable. AES-256-GCM; the entry's id is
 * authenticated with it. A write that is cut off leaves a spool that does not open, and never plain text.
 */
export async function writeSpool(file: string, id: string, key: Secret, spooled: Spooled): Promise<void> {
  const plain = Buffer.from(
    JSON.stringify({
      token_id: spooled.tokenId,
      client_id: spooled.clientId,
      client_secret: spooled.clientSecret.expose(),
      expires_at: spooled.expiresAt,
      secret_version: spooled.secretVersion,
      updated_at: spooled.updatedAt,
      ...(spooled.previous && {
        previous: {
          client_secret: spooled.previous.clientSecret.expose(),
          until: spooled.previous.until,
        },
      }),
    }),
  )
  const iv = randomBytes(IV_BYTES)
  const cipher = createCipheriv('aes-256-gcm', Buffer.from(key.expose(), 'base64url'), iv)
  cipher.setAAD(Buffer.from(id))
  const body = Buffer.concat([cipher.update(plain), cipher.final(), cipher.getAuthTag()])
  plain.fill(0)
  const block = Buffer.alloc(Math.max(SIZE, HEAD_BYTES + body.length))
  MAGIC.copy(block)
  iv.copy(block, MAGIC.length)
  block.writeUInt16BE(body.length, MAGIC.length + IV_BYTES)
  body.copy(block, HEAD_BYTES)
  // Not through a link, nor into a file of someone else.
  const handle = await fs.open(file, constants.O_RDWR | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  try {
    refuseOthers(file, await handle.stat(), undefined, true)
    await handle.write(block, 0, block.length, 0)
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** The spooled secret; undefined when none was written, it was cut off, or the key does not fit. */
export async function readSpool(file: string, id: string, key: Secret): Promise<Spooled | undefined> {
  const block = readOwnFile(file, {secret: true})
  if (!block) return undefined
  if (block.length < SIZE || !block.subarray(0, MAGIC.length).equals(MAGIC)) return undefined
  const iv = block.subarray(MAGIC.length, MAGIC.length + IV_BYTES)
  const end = HEAD_BYTES + block.readUInt16BE(MAGIC.length + IV_BYTES)
  try {
    const decipher = createDecipheriv('aes-256-gcm', Buffer.from(key.expose(), 'base64url'), iv)
    decipher.setAAD(Buffer.from(id))
    decipher.setAuthTag(block.subarray(end - TAG_BYTES, end))
    const plain = Buffer.concat([
      decipher.update(block.subarray(HEAD_BYTES, end - TAG_BYTES)),
      decipher.final(),
    ])
    const entry = v.parse(schema, JSON.parse(plain.toString('utf8')))
    return {
      tokenId: entry.token_id,
      clientId: entry.client_id,
      clientSecret: new Secret(entry.client_secret),
      expiresAt: entry.expires_at,
      ...(entry.secret_version !== undefined && {secretVersion: entry.secret_version}),
      ...(entry.updated_at !== undefined && {updatedAt: entry.updated_at}),
      previous: entry.previous && {
        clientSecret: new Secret(entry.previous.client_secret),
        until: entry.previous.until,
      },
    }
  } catch {
    return undefined
  }
}
