import {decodeText} from '../core/decode-text.js'
import {UserError} from '../core/errors.js'
import {Secret} from '../core/secret.js'

/** Longer than any token: a wrong file on stdin is rejected early. */
const LONGEST = 64 * 1024

/**
 * One secret from stdin: all of it, without the final line break, in UTF-8 or UTF-16. Undefined if it is empty.
 *
 * @throws UserError `usage` / `INPUT_TOO_LONG`, `INPUT_NOT_TEXT`
 */
export async function readSecretFromStdin(
  longest = LONGEST,
  stream: NodeJS.ReadableStream = process.stdin,
): Promise<Secret | undefined> {
  const text = (await readTextFromStdin('a token', longest, stream)).trim()
  return text === '' ? undefined : new Secret(text)
}

/**
 * A text from stdin: all of it, in UTF-8 or UTF-16.
 *
 * @param what e.g. `a token`
 * @throws UserError `usage` / `INPUT_TOO_LONG`, `INPUT_NOT_TEXT`
 */
export async function readTextFromStdin(
  what: string,
  longest: number,
  stream: NodeJS.ReadableStream = process.stdin,
): Promise<string> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of stream) {
    const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : chunk
    length += bytes.length
    if (length > longest) {
      throw new UserError({
        kind: 'usage',
        code: 'INPUT_TOO_LONG',
        message: `The input on stdin is too long for ${what}`,
      })
    }
    chunks.push(bytes)
  }
  const text = decodeText(Buffer.concat(chunks))
  if (text === undefined) {
    throw new UserError({
      kind: 'usage',
      code: 'INPUT_NOT_TEXT',
      message: 'The input on stdin is not text',
      why: 'It is neither UTF-8 nor UTF-16. Nothing was changed.',
    })
  }
  return text
}
