/** What curl does with an option's value; values.ts has the rules for each. */
export type ValueClass =
  | 'nothing'
  | 'data'
  | 'encoded-data'
  | 'form-field'
  | 'upload'
  | 'cookies'
  | 'text'
  | 'header'
  | 'header-value'
  | 'method'
  | 'format'
  | 'file'
  | 'kept-file'
  | 'number'
  | 'size'
  | 'offset'
  | 'range'
  | 'time'
  | 'ports'
  | 'file-mode'
  | 'key-format'
  | 'tls-version'
  | 'ciphers'
  | 'tls13-ciphers'
  | 'curves'
  | 'proxy'
  | 'hosts'
  | 'interface'
  | 'packet-mark'

/** `long short`: options that zt passes on, because none of them sends the secret anywhere else. */
const UNDERSTOOD: Readonly<Record<ValueClass, string>> = {
  nothing: `
    append a, anyauth, basic, cert-status, compressed, compressed-ssh, create-dirs, digest, disallow-username-in-url,
    fail f, fail-with-body, form-escape, get G, globoff g, head I, http1.0 0, http1.1, http2, ignore-content-length,
    include i, show-headers, ipv4 4, ipv6 6, junk-session-cookies j, negotiate, no-buffer N, no-clobber, no-keepalive,
    mptcp, no-progress-meter, no-sessionid, ntlm, out-null, path-as-is, progress-bar #, proxy-anyauth, proxy-basic,
    proxy-digest, proxy-negotiate, proxy-ntlm, proxytunnel p, raw, remote-header-name J, remote-name O,
    remote-time R, remove-on-error, retry-all-errors, retry-connrefused, show-error S, silent s, no-silent, no-styled-output,
    skip-existing, socks5-basic, suppress-connect-headers, tcp-fastopen, tcp-nodelay, tlsv1.2, tlsv1.3, tr-encoding, xattr`,
  data: 'data d, data-ascii, data-binary, json',
  'encoded-data': 'data-urlencode, url-query',
  'form-field': 'form F',
  upload: 'upload-file T',
  cookies: 'cookie b',
  text: 'data-raw, form-string, user u, proxy-user U',
  header: 'header H',
  'header-value': 'oauth2-bearer, referer e, user-agent A',
  method: 'request X',
  format: 'write-out w',
  file: 'cert E, etag-compare, etag-save, key, output o, output-dir, pinnedpubkey',
  'kept-file': 'cookie-jar c, dump-header D',
  number: `
    connect-timeout, expect100-timeout, happy-eyeballs-timeout-ms, keepalive-cnt, keepalive-time, max-time m, retry, retry-delay,
    retry-max-time, speed-limit Y, speed-time y, vlan-priority`,
  size: 'limit-rate, max-filesize',
  offset: 'continue-at C',
  range: 'range r',
  time: 'time-cond z',
  ports: 'local-port',
  'file-mode': 'create-file-mode',
  'key-format': 'cert-type, key-type',
  'tls-version': 'tls-max',
  ciphers: 'ciphers',
  'tls13-ciphers': 'tls13-ciphers',
  curves: 'curves',
  proxy: 'proxy x, socks5, socks5-hostname',
  hosts: 'noproxy',
  interface: 'interface',
  'packet-mark': 'ip-tos',
}

const DIFFERENT_HOST = 'It could send the secret to another host than the one it is for.'
const PRINTS = 'It would print the client secret, or write it to a file.'
const CONFIGURES = 'The file that it reads could contain any other option.'
const NOT_FOLLOWED =
  "zt follows no redirect: curl's -L sends these headers to any host that an answer names. Request the new URL instead."
const UNTRUSTED = 'The secret would go to any server that answers, whatever its certificate.'
const OLD_TLS = 'It allows a TLS version below 1.2, which zt never uses.'
const ONE_URL = 'zt curl makes one request, to the URL before --.'

/** Options that are refused, by the reason. */
const REFUSED: Readonly<Record<string, string>> = {
  [NOT_FOLLOWED]: `location L, location-trusted, max-redirs, post301, post302, post303, follow, proto, proto-redir, proto-default`,
  [ONE_URL]:
    'next :, url, parallel Z, parallel-max, parallel-max-host, parallel-immediate, rate, variable, remote-name-all, fail-early',
  [CONFIGURES]: 'config K, disable q, netrc n, netrc-file, netrc-optional',
  [DIFFERENT_HOST]: `resolve, connect-to, unix-socket, abstract-unix-socket, request-target, doh-url, doh-cert-status,
    dns-servers, dns-interface, dns-ipv4-addr, dns-ipv6-addr, alt-svc, hsts, preproxy, proxy-header, haproxy-protocol,
    haproxy-clientip, quote Q, aws-sigv4, httpsig-algo, httpsig-headers, httpsig-key, httpsig-keyid, socks4, socks4a,
    proxy1.0, proxy-http2, proxy-http3, ech, ipfs-gateway`,
  [UNTRUSTED]: `insecure k, cacert, capath, ca-native, proxy-insecure, doh-insecure, ssl-allow-beast, engine, http0.9,
    proxy-cacert, proxy-capath, proxy-ca-native, proxy-ssl-allow-beast, crlfile, proxy-crlfile, ssl-no-revoke,
    ssl-revoke-best-effort, tlsauthtype, tlsuser, tlspassword, proxy-tlsauthtype, proxy-tlsuser, proxy-tlspassword`,
  [OLD_TLS]: 'tlsv1 1, tlsv1.0, tlsv1.1, sslv2 2, sslv3 3, ssl, ftp-ssl, proxy-tlsv1',
  [PRINTS]:
    'verbose v, trace, trace-ascii, trace-time, trace-ids, trace-config, libcurl, stderr, ssl-sessions, dump-ca-embed',
  'The body would be longer than its headers say, and the rest would be read as another request.': 'crlf',
  'Early data can be replayed by anyone who records it.': 'tls-earlydata',
  'It uses another program, or credentials that the system keeps.': `ntlm-wb, delegation, service-name, proxy-service-name, ssl-auto-client-cert, proxy-ssl-auto-client-cert,
    socks5-gssapi, socks5-gssapi-nec, socks5-gssapi-service, egd-file, random-file, test-duphandle, test-event, wdebug`,
  'Every process on this machine can read a password there. Use a key file without a password, readable only for its owner.':
    'pass, proxy-pass',
  'zt passes on no option for the TLS to a proxy.': `proxy-cert, proxy-cert-type, proxy-ciphers, proxy-key, proxy-key-type,
    proxy-pinnedpubkey, proxy-tls13-ciphers`,
  'With zt, curl uses HTTP/1 or 2, as negotiated by TLS.':
    'http2-prior-knowledge, http3, http3-only, alpn, no-alpn, npn, no-npn, false-start, sigalgs',
  'It does not apply to HTTPS.': `disable-eprt, disable-epsv, eprt, epsv, ftp-account,
    ftp-alternative-to-user, ftp-create-dirs, ftp-method, ftp-pasv, ftp-port P, ftp-pret, ftp-skip-pasv-ip, ftp-ssl-ccc,
    ftp-ssl-ccc-mode, ftp-ssl-control, ftp-ssl-reqd, ssl-reqd, hostpubmd5, hostpubsha256, knownhosts, krb, krb4, list-only l,
    login-options, mail-auth, mail-from, mail-rcpt, mail-rcpt-allowfails, metalink, pubkey, sasl-authzid, sasl-ir,
    telnet-option t, tftp-blksize, tftp-no-options, upload-flags, use-ascii B`,
  'It does not make a request.': 'help h, manual M, version V',
}

const NEXT_STEPS: Readonly<Record<string, string>> = {
  [NOT_FOLLOWED]: "-w '%{redirect_url}' prints the target of a redirect",
  [UNTRUSTED]: 'For an edge with its own CA: --ca-file FILE, before --',
  [DIFFERENT_HOST]: 'For another address of the edge: --connect-to HOST:PORT, before --',
  [PRINTS]: "-i shows the headers of the response, -w '%{json}' what curl measured",
}

export interface KnownOption {
  long: string
  short: string | undefined
  takes: ValueClass
}

/** Every option that zt passes on. */
export const OPTIONS: readonly KnownOption[] = (Object.entries(UNDERSTOOD) as [ValueClass, string][]).flatMap(
  ([takes, list]) => entries(list).map((entry) => ({...entry, takes})),
)

const byLong = new Map(OPTIONS.map((option) => [option.long, option]))
const byShort = new Map(OPTIONS.map((option) => [option.short, option]))
const refusals = new Map<string, {why: string; next: string | undefined}>()

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

/** The option of that name; abbreviations are not accepted. */
export const optionNamed = (long: string): KnownOption | undefined => byLong.get(long)
export const optionLettered = (letter: string): KnownOption | undefined => byShort.get(letter)

/** Why an option (with its dashes) is refused. `known`: because of what it does, not because zt does not know it. */
export function refusalOf(option: string): {why: string; next: string | undefined; known: boolean} {
  const positive = option.replace(/^--no-/, '--')
  const refusal = refusals.get(option) ?? refusals.get(positive)
  if (refusal) return {...refusal, known: true}
  return {
    why: 'zt passes on only options that are known not to send the secret anywhere else.',
    next: 'Write names in full, and values as separate words: --max-time 5',
    known: false,
  }
}

/** What curl does with a word that begins with a dash, for a command line without `--`; undefined if zt does not know it. */
export function curlOption(word: string): 'alone' | 'takes-next' | undefined {
  if (word.startsWith('--')) {
    const option = optionNamed(word.slice(2))
    if (option) return option.takes === 'nothing' ? 'alone' : 'takes-next'
    return refusalOf(word).known ? 'alone' : undefined
  }
  for (let at = 1; at < word.length; at++) {
    const option = optionLettered(word.charAt(at))
    if (!option && !refusalOf(`-${word.charAt(at)}`).known) return undefined
    if (option && option.takes !== 'nothing') return at + 1 < word.length ? 'alone' : 'takes-next'
  }
  return 'alone'
}
