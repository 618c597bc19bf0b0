import type {Readable, Writable} from 'node:stream'
import {patient} from '../../core/patience.js'

/** RFC 4253, sections 4.2, 6, 11.1 and 12. */
const VERSION = 'SSH-2.0-zt\r\n'
const SSH_MSG_DISCONNECT = 1
const SSH_DISCONNECT_SERVICE_NOT_AVAILABLE = 7
const BLOCK = 8
const LEAST_PADDING = 4

/** What OpenSSH prints of a description (`%.400s` in its packet.c). */
const MOST_BYTES = 400
/** A line that is shortened keeps this much. */
const SHORTEST = 60
/** ssh ends as soon as it has read it. */
const PATIENCE_MS = 5000

/**
 * What an SSH server sends that ends the connection with a reason. ssh prints that reason itself, in its place among its
 * other output, wherever that goes.
 *
 * @param lines of plain text; shortened to what ssh prints
 */
export function disconnectBytes(lines: readonly string[]): Buffer {
  const description = Buffer.from(['', ...fitting(lines)].join('\n'))
  const payload = Buffer.concat([
    Buffer.of(SSH_MSG_DISCONNECT),
    uint32(SSH_DISCONNECT_SERVICE_NOT_AVAILABLE),
    uint32(description.length),
    description,
    // No language tag.
    uint32(0),
  ])
  // Length, length of the padding, payload and padding are a multiple of the block size.
  const padding = LEAST_PADDING + ((BLOCK - ((4 + 1 + payload.length + LEAST_PADDING) % BLOCK)) % BLOCK)
  const packet = Buffer.concat([
    uint32(1 + payload.length + padding),
    Buffer.of(padding),
    payload,
    Buffer.alloc(padding),
  ])
  return Buffer.concat([Buffer.from(VERSION), packet])
}

/**
 * Ends ssh's connection with a reason, as its server.
 *
 * @param io the pipes from and to ssh, which has received nothing yet
 */
export async function disconnect(
  lines: readonly string[],
  {stdin, stdout}: {stdin: Readable; stdout: Writable},
): Promise<void> {
  // If this process ended first, ssh would report that it cannot write, and not what it read.
  const ended = new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, patient(PATIENCE_MS))
    const done = (): void => {
      clearTimeout(timer)
      resolve()
    }
    for (const event of ['end', 'close', 'error']) stdin.once(event, done)
    stdout.once('error', done)
  })
  stdin.resume()
  stdout.write(disconnectBytes(lines))
  await ended
}

/** Shortens the longest line that is no command, and then leaves out the last, until ssh prints all of it. */
function fitting(lines: readonly string[]): string[] {
  let kept = lines.flatMap(inAscii)
  const excess = (): number => kept.reduce((sum, line) => sum + 1 + Buffer.byteLength(line), -MOST_BYTES)
  for (let over = excess(); over > 0; over = excess()) {
    const length = (line: string): number => (line.startsWith('next:') ? 0 : line.length)
    const longest = kept.reduce((a, b) => (length(b) > length(a) ? b : a))
    const short = `${longest.slice(0, Math.max(SHORTEST, longest.length - over - 3))}...`
    kept =
      length(longest) > short.length
        ? kept.map((line) => (line === longest ? short : line))
        : kept.slice(0, -1)
  }
  return kept
}

/**
 * ssh shows every other byte as `\346`, and cuts what that makes too long; a command with another character in its place
 * does not run.
 */
function inAscii(line: string): string[] {
  const ascii = line.replaceAll(/[^ -~]/gu, '?')
  return ascii !== line && line.startsWith('next:') ? [] : [ascii]
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}
