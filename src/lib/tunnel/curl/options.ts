/** What an option of curl's takes: nothing, a word, or a word that may name a file (and `-` stdin). */
export type Takes = 'nothing' | 'word' | 'file' | 'header' | 'method' | 'format'

/** `long short takes`: what is understood, and sends nothing anywhere else. */
const UNDERSTOOD: Readonly<Record<Takes, string>> = {
  nothing: `
    append a, anyauth, basic, cert-status, compressed, compressed-ssh, create-dirs, crlf, digest, disallow-username-in-url,
    fail f, fail-with-body, form-escape, get G, globoff g, head I, http1.0 0, http1.1, http2, ignore-content-length,
    include i, show-headers, ipv4 4, ipv6 6, junk-session-cookies j, negotiate, no-buffer N, no-clobber, no-keepalive,
    no-progress-meter, no-sessionid, ntlm, path-as-is, progress-bar #, proxytunnel p, raw, remote-header-name J, remote-name O,
    remote-time R, remove-on-error, retry-all-errors, retry-connrefused, show-error S, silent s, no-silent, no-styled-output,
    tcp-fastopen, tcp-nodelay, tlsv1 1, tlsv1.2, tlsv1.3, tr-encoding, xattr`,
  word: `
    cert E, cert-type, ciphers, connect-timeout, continue-at C, create-file-mode, curves, data-raw, expect100-timeout,
    form-string, interface, keepalive-time, key, key-type, limit-rate, local-port, max-filesize, max-time m, noproxy,
    oauth2-bearer, output-dir, pinnedpubkey, proxy x, proxy-user U, range r, referer e, retry, retry-delay, retry-max-time,
    socks5, socks5-hostname, speed-limit Y, speed-time y, time-cond z, tls-max, tls13-ciphers, user u, user-agent A,
    happy-eyeballs-timeout-ms, url-query`,
  file: `
    cookie b, cookie-jar c, data d, data-ascii, data-binary, data-urlencode, etag-compare, etag-save, form F, json, output o,
    upload-file T`,
  header: 'header H',
  method: 'request X',
  format: 'write-out w',
}

const DIFFERENT_HOST = 'It could send the secret to another host than the one that it is for.'
const PRINTS = 'It would print or write the Client Secret that is sent.'
const CONFIGURES = 'What it reads could hold any other option.'
const NOT_FOLLOWED =
  "No redirect is followed: curl's -L sends these headers to whatever host an answer names. Ask for the new URL by itself."
const UNTRUSTED = 'The secret would be sent to whoever answers, whatever certificate they show.'
const ONE_URL = 'One call is one request to one URL, the one before --.'

/** What is known, and why it is refused. */
const REFUSED: Readonly<Record<string, string>> = {
  [NOT_FOLLOWED]: `location L, location-trusted, max-redirs, post301, post302, post303, follow, proto, proto-redir, proto-default`,
  [ONE_URL]: 'next :, url, parallel Z, parallel-max, parallel-immediate, rate, variable',
  [CONFIGURES]: 'config K, disable q, netrc n, netrc-file, netrc-optional',
  [DIFFERENT_HOST]: `resolve, connect-to, unix-socket, abstract-unix-socket, request-target, doh-url, dns-servers, dns-interface,
    dns-ipv4-addr, dns-ipv6-addr, alt-svc, hsts, preproxy, proxy-header, haproxy-protocol, haproxy-clientip, ftp-port P, quote Q,
    aws-sigv4, socks4, socks4a, proxy1.0, proxy-http2, ech`,
  [UNTRUSTED]: `insecure k, cacert, capath, ca-native, proxy-insecure, doh-insecure, ssl-allow-beast, sslv2 2, sslv3 3, tlsv1.0,
    tlsv1.1, engine, http0.9, proxy-cacert, proxy-capath, crlfile, ssl-no-revoke, ssl-revoke-best-effort`,
  [PRINTS]: 'verbose v, trace, trace-ascii, trace-time, trace-ids, trace-config, libcurl, stderr',
  'It is not a request.': 'help h, manual M, version V',
  'Use -i, which shows the headers of the answer.': 'dump-header D',
}

const NEXT_STEPS: Readonly<Record<string, string>> = {
  [NOT_FOLLOWED]: "-w '%{redirect_url}' prints where an answer points",
  [UNTRUSTED]: "The edge's own CA: --ca-file FILE, before --",
  [DIFFERENT_HOST]: 'Another address of the edge: --connect-to HOST:PORT, before --',
  [PRINTS]: "-i shows the headers of the answer, -w '%{json}' what curl measured",
}

export interface KnownOption {
  long: string
  takes: Takes
}

const byLong = new Map<string, KnownOption>()
const byShort = new Map<string, KnownOption>()
const refusals = new Map<string, {why: string; next: string | undefined}>()

for (const [takes, list] of Object.entries(UNDERSTOOD) as [Takes, string][]) {
  for (const {long, short} of entries(list)) {
    byLong.set(long, {long, takes})
    if (short !== undefined) byShort.set(short, {long, takes})
  }
}
for (const [why, list] of Object.entries(REFUSED)) {
  for (const {long, short} of entries(list)) {
    const refusal = {why, next: NEXT_STEPS[why]}
    refusals.set(`--${long}`, refusal)
    if (short !== undefined) refusals.set(`-${short}`, refusal)
  }
}

function entries(list: string): {long: string; short: string | undefined}[] {
  return list.split(',').map((entry) => {
    const [long = '', short] = entry.trim().split(' ')
    return {long, short}
  })
}

/** The option of that name; curl's abbreviations are none. */
export const optionNamed = (long: string): KnownOption | undefined => byLong.get(long)
export const optionLettered = (letter: string): KnownOption | undefined => byShort.get(letter)

/** Why an option (with its dashes) is refused. */
export function refusalOf(option: string): {why: string; next: string | undefined} {
  const positive = option.replace(/^--no-/, '--')
  return (
    refusals.get(option) ??
    refusals.get(positive) ?? {
      why: 'zt passes on only options of which it knows that they send the secret nowhere else.',
      next: 'Names are written in full, and values as a word of their own: --max-time 5',
    }
  )
}
