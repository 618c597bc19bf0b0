import {formatPatch, OMIT_HEADERS, structuredPatch} from 'diff'
import {redact} from '../../../core/redact.js'
import {visible} from '../../../core/text.js'

/** The value of cloudflared's flags for a secret, and of its header. */
const SECRET = /((?:--?(?:service-token-)?secret[\s=]+|cf-access-client-secret\s*:\s*)["']?)[^\s"']+/gi

/** Lines of a person's configuration as they may be shown: a ProxyCommand may hold a secret. */
export function withoutSecrets(lines: string): string {
  return redact(lines).replaceAll(SECRET, '$1[hidden]')
}

/**
 * A unified diff of two texts, for people; empty if they are equal. Both are latin1, one character for each byte; the diff
 * shows them as UTF-8, without secrets.
 */
export function unifiedDiff(file: string, before: string, after: string): string {
  if (before === after) return ''
  const patch = structuredPatch(file, file, before, after, undefined, undefined, {context: 3})
  const lines = Buffer.from(formatPatch(patch, OMIT_HEADERS), 'latin1').toString('utf8')
  // Our own header: the library writes a name that is not ASCII in octal. A line break in it would look like a diff line.
  return [
    `--- ${visible(file)}`,
    `+++ ${visible(file)}`,
    withoutSecrets(lines.replaceAll('\r\n', '\n')).slice(0, -1),
  ].join('\n')
}
