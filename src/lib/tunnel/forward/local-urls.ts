/** Where a service is public, and where the client finds it. */
export interface Origins {
  /** The public host. */
  host: string
  /** `http://127.0.0.1:8080`, as the client names the listener. */
  base: string
}

/** A URL of the host becomes one of the listener; any other text stays as it is. */
export function localUrl(value: string, {host, base}: Origins): string {
  const match = /^(?:https?:)?\/\/([^/?#]*)(.*)/is.exec(value)
  if (!match) return value
  const authority = (match[1] ?? '')
    .toLowerCase()
    .replace(/:(443|80)$/, '')
    .replace(/\.$/, '')
  return authority === host ? base + (match[2] ?? '') : value
}

/** `5; url=https://HOST/next`, with or without quotes (html.spec.whatwg.org, "shared declarative refresh steps"). */
export function localRefresh(value: string, origins: Origins): string {
  const behindTime = value.search(/[^\s\d.;,]/)
  if (behindTime < 0) return value
  const named = /^url\s*=\s*/i.exec(value.slice(behindTime))?.[0] ?? ''
  const at = behindTime + named.length
  const quote = /^["']/.exec(value.slice(at))?.[0] ?? ''
  const from = at + quote.length
  const closing = quote === '' ? -1 : value.indexOf(quote, from)
  const to = closing < 0 ? value.length : closing
  return value.slice(0, from) + localUrl(value.slice(from, to), origins) + value.slice(to)
}

/** `<https://HOST/style.css>; rel=preload, …` (RFC 8288, section 3). */
export function localLink(value: string, origins: Origins): string {
  return value.replaceAll(/<([^<>]*)>/g, (_, url: string) => `<${localUrl(url.trim(), origins)}>`)
}

/** Directives that make a page ask for https alone (w3.org, "Upgrade Insecure Requests", "Mixed Content"). */
const HTTPS_ONLY = /^(?:upgrade-insecure-requests|block-all-mixed-content)$/i

/**
 * The sources of a Content-Security-Policy. One that names the host names the listener instead; one that covers it by a
 * wildcard or its scheme stays, and the listener is added (w3.org, "Content Security Policy Level 3", 2.3.1: scheme-source
 * and host-source). Of what promises https nothing is left.
 */
export function localPolicy(value: string, {host, base}: Origins): string {
  const authority = base.slice('http://'.length)
  return value.replaceAll(/[^\s;,]+/g, (source) => {
    if (HTTPS_ONLY.test(source)) return ''
    const [, safe] = /^(http|ws)s:$/i.exec(source) ?? []
    if (safe !== undefined) return `${source} ${safe.toLowerCase()}://${authority}`
    const match = /^(?:(https?|wss?):\/\/)?([a-z0-9_.*-]+)(?::(?:443|80|\*))?(\/.*)?$/i.exec(source)
    if (!match) return source
    const [, scheme, pattern = '', path = ''] = match
    const name = pattern.toLowerCase()
    const covers = name.startsWith('*.') && host.endsWith(name.slice(1))
    if (!covers && name !== host) return source
    // http includes https, and ws includes wss; without a scheme the page's own counts.
    const local = `${scheme === undefined ? '' : `${/^w/i.test(scheme) ? 'ws' : 'http'}://`}${authority}${path}`
    return covers ? `${source} ${local}` : local
  })
}
