import {isUtf8} from 'node:buffer'

/**
 * A text in UTF-8 or UTF-16, without its byte order mark. Windows PowerShell writes UTF-16 with one by `>` and Out-File, and
 * UTF-8 with one by `-Encoding utf8` (learn.microsoft.com, about_Character_Encoding).
 *
 * @returns undefined if the bytes are neither
 */
export function decodeText(bytes: Buffer): string | undefined {
  const encoding = encodingOf(bytes)
  try {
    return encoding && new TextDecoder(encoding, {fatal: true}).decode(bytes)
  } catch {
    return undefined
  }
}

function encodingOf(bytes: Buffer): string | undefined {
  const [first, second] = bytes
  if (first === 0xff && second === 0xfe) return 'utf-16le'
  if (first === 0xfe && second === 0xff) return 'utf-16be'
  if (!isUtf8(bytes)) return undefined
  // ASCII in UTF-16 without a mark: each second byte is 0.
  if (bytes.length < 2 || bytes.length % 2 !== 0 || !bytes.includes(0)) return 'utf-8'
  if (bytes.every((byte, at) => (byte === 0) === (at % 2 === 1))) return 'utf-16le'
  if (bytes.every((byte, at) => (byte === 0) === (at % 2 === 0))) return 'utf-16be'
  return 'utf-8'
}
