import {UserError} from '../core/errors.js'
import {Secret} from '../core/secret.js'

/** Longer than any token: a wrong file on stdin is rejected early. */
const LIMIT = 64 * 1024

/** One secret from stdin: all of it, without the final line break. Undefined if it is empty. */
export async function readSecretFromStdin(
  stream: NodeJS.ReadableStream = process.stdin,
): Promise<Secret | undefined> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of stream) {
    const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : chunk
    length += bytes.length
    if (length > LIMIT) {
      throw new UserError({
        kind: 'usage',
        code: 'INPUT_TOO_LONG',
        message: 'The input on stdin is too long for a token',
      })
    }
    chunks.push(bytes)
  }
  const text = Buffer.concat(chunks).toString('utf8').trim()
  return text === '' ? undefined : new Secret(text)
}
