import type {Secret} from '../core/secret.js'

/** So many characters of a secret are not in a message by chance. */
const WINDOW = 8
const LONGEST = 200

/**
 * Another program's message as one line, without anything that may be a secret. Undefined when nothing can be shown.
 *
 * @param secret what the program was given; a message with eight consecutive characters of it is not shown
 */
export function safeMessage(text: string, secret?: Secret): string | undefined {
  if (secret && hasPartOf(text, secret.expose())) return undefined
  const line = text
    .replaceAll(/\s+/g, ' ')
    // Client secrets and API tokens are longer. Object paths, the longest words of such messages, have slashes.
    .replaceAll(/[A-Za-z0-9_+=-]{24,}/g, '[hidden]')
    .trim()
    .slice(0, LONGEST)
    .replace(/(?<![.\s])[.\s]+$/, '')
  return line === '' ? undefined : line
}

function hasPartOf(text: string, secret: string): boolean {
  if (secret.length <= WINDOW) return secret !== '' && text.includes(secret)
  for (let at = 0; at + WINDOW <= secret.length; at++) {
    if (text.includes(secret.slice(at, at + WINDOW))) return true
  }
  return false
}
