import {createHash, generateKeyPairSync, randomBytes} from 'node:crypto'
import {PassThrough, Writable} from 'node:stream'
import {carry} from '../../../tunnel/carrier/carry.js'
import type {OpenTunnel} from '../../../tunnel/carrier/handshake.js'

/** The public key of an SSH server. */
export interface HostKey {
  /** `ssh-ed25519`. */
  type: string
  /** As known_hosts has it. */
  base64: string
  /** `SHA256:…`, as ssh shows it. */
  fingerprint: string
}

const KEXINIT = 20
const ECDH_INIT = 30
const ECDH_REPLY = 31
/** More than a banner and two packets of a server have. */
const LIMIT = 128 * 1024
const TYPES = ['ssh-ed25519', 'ecdsa-sha2-nistp256', 'ecdsa-sha2-nistp384', 'ecdsa-sha2-nistp521', 'rsa-sha2-512', 'rsa-sha2-256'] // prettier-ignore

/** What each side can do (RFC 4253, 7.1), so that the first exchange is the one below. */
function lists(wanted: readonly string[]): string[] {
  const types = [...wanted.flatMap((type) => (type === 'ssh-rsa' ? ['rsa-sha2-512', 'rsa-sha2-256'] : [type])), ...TYPES]
  const ciphers = 'chacha20-poly1305@openssh.com,aes128-ctr,aes256-ctr,aes128-gcm@openssh.com,aes256-gcm@openssh.com'
  const macs = 'hmac-sha2-256,hmac-sha2-512,hmac-sha2-256-etm@openssh.com,hmac-sha2-512-etm@openssh.com'
  const kex = 'curve25519-sha256,curve25519-sha256@libssh.org'
  return [kex, [...new Set(types)].join(','), ciphers, ciphers, macs, macs, 'none', 'none', '', '']
} // prettier-ignore

/**
 * The host key of the SSH server behind an open tunnel, by the beginning of a key exchange (RFC 8731), in which the server
 * shows it before anything is encrypted. Logs in as no one, and closes the tunnel. That the server has the private key is
 * not checked: ssh does that.
 *
 * @param wanted types to ask for first
 * @returns undefined if the server shows none
 */
export async function hostKeyOf(
  tunnel: OpenTunnel,
  wanted: readonly string[],
  timeoutMs: number,
): Promise<HostKey | undefined> {
  const input = new PassThrough()
  const abort = new AbortController()
  const timer = setTimeout(() => {
    abort.abort()
  }, timeoutMs)
  let received = Buffer.alloc(0)
  let greeted = false
  let key: HostKey | undefined
  const take = (): void => {
    if (!greeted) {
      const end = /^SSH-2\.0-[^\n]*\n/m.exec(received.toString('latin1'))
      if (!end) return
      greeted = true
      received = received.subarray(end.index + end[0].length)
    }
    for (let packet = packetIn(received); packet; packet = packetIn(received)) {
      received = received.subarray(packet.length)
      const [message] = packet.payload
      if (message === KEXINIT) {
        const {publicKey} = generateKeyPairSync('x25519')
        const own = publicKey.export({type: 'spki', format: 'der'}).subarray(-32)
        input.write(packed(Buffer.concat([Buffer.of(ECDH_INIT), sized(own)])))
      } else if (message === ECDH_REPLY) {
        key = keyIn(packet.payload.subarray(1))
        abort.abort()
        return
      }
    }
  }
  const output = new Writable({
    write(chunk: Buffer, _encoding, done) {
      received = Buffer.concat([received, chunk])
      take()
      if (received.length > LIMIT) abort.abort()
      done()
    },
  })
  const offer = Buffer.concat([
    Buffer.of(KEXINIT),
    randomBytes(16),
    ...lists(wanted).map((list) => sized(Buffer.from(list))),
    Buffer.alloc(5),
  ])
  input.write('SSH-2.0-zt_doctor\r\n')
  input.write(packed(offer))
  try {
    await carry({tunnel, input, output, signal: abort.signal})
  } catch {
    // It ended in another way: what counts is whether the key came.
  } finally {
    clearTimeout(timer)
  }
  return key
}

/** A packet without encryption (RFC 4253, 6): blocks of 8 bytes, at least 4 of them padding. */
function packed(payload: Buffer): Buffer {
  const padding = 8 - ((payload.length + 5) % 8)
  const fill = padding < 4 ? padding + 8 : padding
  const head = Buffer.alloc(5)
  head.writeUInt32BE(payload.length + fill + 1)
  head[4] = fill
  return Buffer.concat([head, payload, Buffer.alloc(fill)])
}

/** The first packet, once it is whole; undefined also for a length that no server sends. */
function packetIn(bytes: Buffer): {payload: Buffer; length: number} | undefined {
  if (bytes.length < 5) return undefined
  const length = bytes.readUInt32BE()
  const padding = bytes[4] ?? 0
  if (length > LIMIT || padding >= length || bytes.length < 4 + length) return undefined
  return {payload: bytes.subarray(5, 4 + length - padding), length: 4 + length}
}

function keyIn(bytes: Buffer): HostKey | undefined {
  const blob = stringIn(bytes)
  const type = blob && stringIn(blob)?.toString('latin1')
  if (!blob || type === undefined || !/^[\w@.-]{1,64}$/.test(type)) return undefined
  const sum = createHash('sha256').update(blob).digest('base64').slice(0, 43)
  return {type, base64: blob.toString('base64'), fingerprint: `SHA256:${sum}`}
}

function stringIn(bytes: Buffer): Buffer | undefined {
  if (bytes.length < 4) return undefined
  const length = bytes.readUInt32BE()
  return length <= bytes.length - 4 ? bytes.subarray(4, 4 + length) : undefined
}

function sized(bytes: Buffer): Buffer {
  const length = Buffer.alloc(4)
  length.writeUInt32BE(bytes.length)
  return Buffer.concat([length, bytes])
}
