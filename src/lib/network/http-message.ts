import type {IncomingMessage} from 'node:http'

/** Headers as in node's `rawHeaders`: name, value, name, value. */
export type RawHeaders = readonly string[]
/** Name and value, in the order received. */
export type Header = [name: string, value: string]

/** First line and headers: Cloudflare accepts 16 KB and 128 KB, both ways (its documentation, "Connection limits"). */
export const HEAD_BYTES = (16 + 128) * 1024

/**
 * Fields for one connection only (RFC 9110, 7.6.1), and those that say where a message ends: they are never copied, but
 * written again from the result of {@link framingOf}.
 */
const HOP_BY_HOP = new Set([
  'connection',
  'content-length',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-authentication-info',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'http2-settings',
  'expect',
])

/** Fields for the server itself: a Connection header must not remove them on the way. */
const FOR_THE_END =
  /^(host|authorization|cookie|set-cookie|origin|referer|location|cache-control|content-.*|cf[-_].*|sec-.*)$/

/** Fields that have a meaning only before a body (RFC 9110, 6.5.1). */
const NOT_IN_TRAILERS =
  /^(host|authorization|cookie|set-cookie|origin|referer|location|cache-control|content-.*|cf[-_].*|sec-.*|if-.*|range|max-forwards|age|date|expires|vary|retry-after)$/

function pairsOf(raw: RawHeaders): Header[] {
  const headers: Header[] = []
  for (let at = 0; at + 1 < raw.length; at += 2) headers.push([raw[at] ?? '', raw[at + 1] ?? ''])
  return headers
}

/** All values of a field, in order. */
export function valuesOf(raw: RawHeaders, wanted: string): string[] {
  return pairsOf(raw).flatMap(([name, value]) => (name.toLowerCase() === wanted ? [value] : []))
}

/** The headers without those for one connection only, and without those that its Connection header names. */
export function endToEnd(raw: RawHeaders): Header[] {
  const named = new Set(
    valuesOf(raw, 'connection')
      .flatMap((value) => value.split(','))
      .map((name) => name.trim().toLowerCase())
      .filter((name) => !FOR_THE_END.test(name)),
  )
  return pairsOf(raw).filter(([name]) => {
    const lower = name.toLowerCase()
    return !HOP_BY_HOP.has(lower) && !named.has(lower)
  })
}

/** Trailers that may be passed on. */
export function trailersOf(raw: RawHeaders): Header[] {
  return endToEnd(raw).filter(([name]) => !NOT_IN_TRAILERS.test(name.toLowerCase()))
}

/** How a message shows where its body ends. `none` in a response: at the end of the connection. */
export type Framing = {kind: 'none'} | {kind: 'length'; length: string} | {kind: 'chunked'}

/** How a body ends; undefined if servers could read the headers differently (RFC 9112, 6.3). */
export function framingOf({rawHeaders, httpVersion}: IncomingMessage): Framing | undefined {
  const codings = valuesOf(rawHeaders, 'transfer-encoding')
  const lengths = valuesOf(rawHeaders, 'content-length')
  if (codings.length > 0) {
    const plain = codings.length === 1 && codings[0]?.toLowerCase() === 'chunked'
    return plain && lengths.length === 0 && httpVersion === '1.1' ? {kind: 'chunked'} : undefined
  }
  if (lengths.length === 0) return {kind: 'none'}
  const [length = ''] = lengths
  return lengths.length === 1 && /^\d{1,15}$/.test(length) ? {kind: 'length', length} : undefined
}

/** Whether a request has a body, according to its head. */
export function hasBody(request: IncomingMessage): boolean {
  const framing = framingOf(request)
  return framing?.kind === 'chunked' || (framing?.kind === 'length' && Number(framing.length) > 0)
}
