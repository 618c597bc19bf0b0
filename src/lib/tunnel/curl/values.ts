import path from 'node:path'
import type {ValueClass} from './options.js'

interface Rule {
  /** What a value must look like; none: any text. */
  form?: RegExp
  /** Why another is refused. */
  why?: string
  /** Which file curl reads for a value, or `-` for stdin; undefined where it reads none. */
  reads?: (value: string) => string | undefined
}

const NUMBER = 'It is a number.'
const FILE = 'Give it by stdin or a file: @- or @FILE'
/** A name of OpenSSL's for a suite that encrypts and checks who answers. */
const SUITE = '(?:(?:ECDHE|DHE)-[A-Z0-9-]+|TLS_(?:ECDHE|DHE)_[A-Z0-9_]+)'
const NOT_A_SUITE = '(?!.*(?:NULL|ANON|EXP|RC4|DES|MD5))'
const TLS13_SUITE = 'TLS_(?:AES_(?:128|256)_(?:GCM|CCM|CCM_8)_SHA(?:256|384)|CHACHA20_POLY1305_SHA256)'
const HOST = String.raw`(?:[\w.-]{1,253}|\[[0-9A-Fa-f:.]+\])`

/** `--write-out` and the headers have rules of their own in arguments.ts. */
const RULES: Readonly<Record<ValueClass, Rule>> = {
  nothing: {},
  text: {},
  header: {},
  'header-value': {},
  format: {},
  file: {},
  time: {},
  data: {reads: (value) => behind(value, '@')},
  // NAME=TEXT is no file, whatever TEXT is.
  'encoded-data': {
    reads: (value) => (value.includes('=') ? undefined : behind(value, '@', true)),
  },
  // Rather once too often: then stdin is left to curl, which may not read it.
  'form-field': {
    reads: (value) =>
      value
        .split(/[@<,;]/)
        .slice(1)
        .map((part) => part.trim().replaceAll('"', ''))
        .some((part) => part === '-' || /^\/(dev|proc)\//.test(part))
        ? '-'
        : undefined,
  },
  upload: {reads: (value) => (value === '.' ? '-' : value)},
  cookies: {reads: (value) => (value.includes('=') ? undefined : value.replace(/^@/, ''))},
  method: {
    form: /^(?!connect$)[A-Za-z]{1,20}$/i,
    why: 'It is a method: GET, POST, PUT, PATCH, DELETE or the like.',
  },
  number: {form: /^\d{1,10}(?:\.\d{1,9})?$/, why: NUMBER},
  size: {form: /^\d{1,19}(?:\.\d{1,9})?[BKMGTP]?$/i, why: 'It is a number of bytes: 500, 10K, 2M.'},
  offset: {form: /^(?:\d{1,19}|-)$/, why: 'It is a number of bytes, or - for where the file ends.'},
  range: {form: /^[0-9,-]{1,200}$/, why: 'It is a range of bytes: 0-499, 500-, -500.'},
  ports: {form: /^\d{1,5}(?:-\d{1,5})?$/, why: 'It is a port, or two with a dash between.'},
  'file-mode': {form: /^[0-7]{1,4}$/, why: 'It is a mode as chmod takes it: 0600.'},
  'key-format': {form: /^(?:DER|PEM|P12)$/i, why: 'It is PEM, DER or P12.'},
  'tls-version': {form: /^(?:default|1\.[23])$/, why: 'It is 1.2 or 1.3; zt speaks nothing older.'},
  ciphers: {
    form: new RegExp(`^${NOT_A_SUITE}${SUITE}(?:[:, ]${SUITE})*$`),
    why: 'It is a list of single suites that encrypt: ECDHE-…, DHE-…; words like ALL or @SECLEVEL may let others in.',
  },
  'tls13-ciphers': {
    form: new RegExp(`^${TLS13_SUITE}(?::${TLS13_SUITE})*$`),
    why: 'It is a list of suites of TLS 1.3 that encrypt: TLS_AES_256_GCM_SHA384:….',
  },
  curves: {form: /^[\w.-]{1,40}(?::[\w.-]{1,40}){0,20}$/, why: 'It is a list of names: X25519:P-256.'},
  proxy: {
    form: new RegExp(
      `^(?:(?:https?|socks[45]|socks4a|socks5h)://)?(?:[^\\s/@\\\\]{0,200}@)?${HOST}(?::\\d{1,5})?/?$|^$`,
      'i',
    ),
    why: 'It is [SCHEME://][USER:PASSWORD@]HOST[:PORT].',
  },
  hosts: {form: /^[\w.*:/[\], -]{0,1000}$/, why: 'It is a list of hosts with commas between.'},
  interface: {form: /^[\w.:!%@-]{1,300}$/, why: 'It is the name or address of an interface.'},
  'packet-mark': {form: /^\w{1,10}$/, why: 'It is a number or a name.'},
}

/** Why an option of this class cannot have this value; undefined when it can. */
export function refusedValue(takes: ValueClass, value: string): {why: string; next?: string} | undefined {
  if (/[\x00-\x1F\x7F]/.test(value)) {
    const why = 'It holds control characters, such as a line break or a tab.'
    return takes === 'data' || takes === 'encoded-data' ? {why, next: FILE} : {why}
  }
  const {form, why = ''} = RULES[takes]
  return form && !form.test(value) ? {why} : undefined
}

/** Whether curl reads stdin for a value. */
export function readsStdin(takes: ValueClass, value: string): boolean {
  const file = RULES[takes].reads?.(value)
  if (file === undefined) return false
  return /^(?:-|\/dev\/stdin|\/dev\/fd\/0|\/proc\/(?:self|thread-self)\/fd\/0)$/.test(
    path.posix.normalize(file),
  )
}

/** What comes behind the first of these signs; with nothing before it, or a name. */
function behind(value: string, sign: string, named = false): string | undefined {
  const at = value.indexOf(sign)
  return at === 0 || (named && at > 0) ? value.slice(at + 1) : undefined
}
