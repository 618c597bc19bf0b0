import path from 'node:path'
import {posixPath} from '../../core/posix-path.js'
import type {ValueClass} from './options.js'

interface Rule {
  /** What a value must look like; undefined: any text. */
  form?: RegExp
  /** Why any other value is refused. */
  why?: string
  /** The file that curl reads for a value, or `-` for stdin; undefined if none. */
  reads?: (value: string) => string | undefined
}

/** What is in them may be stdin under another name. */
const DEVICES = [posixPath('/dev/'), posixPath('/proc/')]
const NUMBER = 'It must be a number.'
const FILE = 'Pass it on stdin or in a file: @- or @FILE'
/** OpenSSL's name of a suite that encrypts and authenticates. */
const SUITE = '(?:(?:ECDHE|DHE)-[A-Z0-9-]+|TLS_(?:ECDHE|DHE)_[A-Z0-9_]+)'
const NOT_A_SUITE = '(?!.*(?:NULL|ANON|EXP|RC4|DES|MD5))'
const TLS13_SUITE = 'TLS_(?:AES_(?:128|256)_(?:GCM|CCM|CCM_8)_SHA(?:256|384)|CHACHA20_POLY1305_SHA256)'
const HOST = String.raw`(?:[\w.-]{1,253}|\[[0-9A-Fa-f:.]+\])`

/** The rules for `--write-out` and headers are in arguments.ts. */
const RULES: Readonly<Record<ValueClass, Rule>> = {
  nothing: {},
  text: {},
  header: {},
  'header-value': {},
  format: {},
  file: {},
  'kept-file': {},
  time: {},
  data: {reads: (value) => behind(value, '@')},
  // NAME=TEXT never names a file.
  'encoded-data': {
    reads: (value) => (value.includes('=') ? undefined : behind(value, '@', true)),
  },
  // In doubt it counts as stdin: then stdin is left to curl, which need not read it.
  'form-field': {
    reads: (value) =>
      value
        .split(/[@<,;]/)
        .slice(1)
        .map((part) => part.trim().replaceAll('"', ''))
        .some((part) => part === '-' || DEVICES.some((at) => at !== undefined && part.startsWith(at)))
        ? '-'
        : undefined,
  },
  upload: {reads: (value) => (value === '.' ? '-' : value)},
  cookies: {reads: (value) => (value.includes('=') ? undefined : value.replace(/^@/, ''))},
  method: {
    form: /^(?!connect$)[A-Za-z]{1,20}$/i,
    why: 'It must be a method, such as GET, POST, PUT, PATCH or DELETE.',
  },
  number: {form: /^\d{1,10}(?:\.\d{1,9})?$/, why: NUMBER},
  size: {form: /^\d{1,19}(?:\.\d{1,9})?[BKMGTP]?$/i, why: 'It must be a number of bytes: 500, 10K, 2M.'},
  offset: {form: /^(?:\d{1,19}|-)$/, why: 'It must be a number of bytes, or - for the end of the file.'},
  range: {form: /^[0-9,-]{1,200}$/, why: 'It must be a range of bytes: 0-499, 500-, -500.'},
  ports: {form: /^\d{1,5}(?:-\d{1,5})?$/, why: 'It must be a port, or two ports with a dash between them.'},
  'file-mode': {form: /^[0-7]{1,4}$/, why: 'It must be a mode as for chmod: 0600.'},
  'key-format': {form: /^(?:DER|PEM|P12)$/i, why: 'It must be PEM, DER or P12.'},
  'tls-version': {form: /^(?:default|1\.[23])$/, why: 'It must be 1.2 or 1.3; zt uses nothing older.'},
  ciphers: {
    form: new RegExp(`^${NOT_A_SUITE}${SUITE}(?:[:, ]${SUITE})*$`),
    why: 'It must list single suites that encrypt (ECDHE-..., DHE-...). Words like ALL or @SECLEVEL may allow others.',
  },
  'tls13-ciphers': {
    form: new RegExp(`^${TLS13_SUITE}(?::${TLS13_SUITE})*$`),
    why: 'It must list TLS 1.3 suites that encrypt (TLS_AES_256_GCM_SHA384:...).',
  },
  curves: {form: /^[\w.-]{1,40}(?::[\w.-]{1,40}){0,20}$/, why: 'It must be a list of names: X25519:P-256.'},
  proxy: {
    form: new RegExp(
      `^(?:(?:https?|socks[45]|socks4a|socks5h)://)?(?:[^\\s/@\\\\]{0,200}@)?${HOST}(?::\\d{1,5})?/?$|^$`,
      'i',
    ),
    why: 'It must be [SCHEME://][USER:PASSWORD@]HOST[:PORT].',
  },
  hosts: {form: /^[\w.*:/[\], -]{0,1000}$/, why: 'It must be a list of hosts, separated by commas.'},
  interface: {form: /^[\w.:!%@-]{1,300}$/, why: 'It must be the name or address of an interface.'},
  'packet-mark': {form: /^\w{1,10}$/, why: 'It must be a number or a name.'},
}

/** Why an option of this class cannot have this value; undefined if it can. */
export function refusedValue(takes: ValueClass, value: string): {why: string; next?: string} | undefined {
  if (/[\x00-\x1F\x7F]/.test(value)) {
    const why = 'It contains control characters, such as a line break or a tab.'
    return takes === 'data' || takes === 'encoded-data' ? {why, next: FILE} : {why}
  }
  const {form, why = ''} = RULES[takes]
  return form && !form.test(value) ? {why} : undefined
}

/** Whether curl reads stdin for this value. */
export function readsStdin(takes: ValueClass, value: string): boolean {
  const file = RULES[takes].reads?.(value)
  if (file === undefined) return false
  return STDIN.includes(path.posix.normalize(file))
}

const STDIN = [
  '-',
  ...[posixPath('/dev/stdin'), posixPath('/dev/fd/0')],
  ...[posixPath('/proc/self/fd/0'), posixPath('/proc/thread-self/fd/0')],
]

/** The text after the first of these signs, which must be at the start, or after a name. */
function behind(value: string, sign: string, named = false): string | undefined {
  const at = value.indexOf(sign)
  return at === 0 || (named && at > 0) ? value.slice(at + 1) : undefined
}
