import {OPERATIONS, type OperationName} from '../../api/operations.js'
import {permissionsOf} from '../../api/permissions.js'
import {AREAS} from '../types.js'
import {WORDS} from './words.js'

// What may be in a bundle as it is. Whatever is not here is foreign, and is replaced.

/** What zt starts or looks for. */
export const PROGRAMS = [
  'ssh',
  'ssh-keygen',
  'cloudflared',
  'curl',
  'git',
  'age',
  'secret-tool',
  'pass',
] as const

const words = new Set([...WORDS.split(/\s+/), ...AREAS, 'node', 'openssh', 'cloudflared', 'zt', ...PROGRAMS])
/** With digits, which words of zt's texts are not collected with. */
const WITH_DIGITS =
  /^(?:ipv[46]|utf-?8|sha256|tls(?:v1(?:\.[0-3])?)?|sha2|nistp\d{3}|ed25519|http2?|x64|node\d{1,3}(?:\.\d{1,3}){0,2}|openssh_\d{1,2}(?:\.\d{1,2})?(?:p\d{1,2})?|arm64|x509|h2|v?\d{1,5}(?:\.\d{1,5}){0,2}(?:p\d{1,2})?|\d{1,5}(?:ms|s|min|h|d|mb|kb|gb))$/
/** Of a path: what systems and zt call their directories and files. */
const PATHS = new Set(
  // prettier-ignore
  [
    'usr', 'bin', 'sbin', 'etc', 'opt', 'var', 'tmp', 'home', 'root', 'run', 'user', 'users', 'lib', 'lib64', 'local', 'proc', 'dev',
    'share', 'state', 'cache', 'config', 'ssh', 'zt', 'node', 'node_modules', 'dist', 'data', 'library', 'appdata', 'roaming',
    'program files', 'windows', 'system32', 'openssh', 'nodejs', 'applications', 'homebrew', 'cellar', 'nix', 'store', 'snap', 'id_rsa',
    'id_ed25519', 'id_ecdsa', 'known_hosts', 'known_hosts2', 'authorized_keys', 'ssh_config', 'identity', 'vault', 'index', 'hosts',
    'journal', 'default', 'undo', 'locks', 'sandbox', 'connections', 'forwards', 'keys', 'docker', 'credential', 'dotfiles', 'profile', 'bashrc',
    'zshrc', 'fish', 'completions',
  ],
)
/** Of a name with a dot that is a file's and not a host's. */
const ENDINGS = new Set(['json', 'cjs', 'mjs', 'js', 'ts', 'txt', 'pem', 'age', 'sock', 'log', 'toml', 'd', 'exe', 'cmd', 'conf', 'sh', 'tmp', 'lock', 'spool', 'new', 'service', 'pub']) // prettier-ignore
/** Servers and documents that zt's own texts name. */
const HOSTS = new Set(['dash.cloudflare.com', 'one.dash.cloudflare.com', 'api.cloudflare.com', 'cp.cloudflare.com', 'time.apple.com', 'developers.cloudflare.com']) // prettier-ignore
/** `C.UTF-8`, `de_DE.UTF-8`. */
const LOCALE = /^(?:c|posix|[a-z]{2}_[a-z]{2})\.utf-?8$/
const ABBREVIATIONS = new Set(['e.g', 'i.e'])

/** Whether a word is one of zt's, or a small number, a version or a date. */
export function isOwnWord(word: string): boolean {
  const low = word.toLowerCase()
  return words.has(low) || WITH_DIGITS.test(low)
}

/** The same of a text: each of its words is one of zt's. Nothing can be found in it that zt would not say itself. */
export function isOwnText(text: string): boolean {
  if (/[^ -~]/.test(text)) return false
  return (text.match(/[A-Za-z0-9.]+/g) ?? []).every(
    (word) => isOwnWord(word) || word.split('.').every((part) => part === '' || isOwnWord(part)),
  )
}

/** Whether a part of a path says nothing of this machine. */
export function isOwnPart(part: string): boolean {
  const low = part.toLowerCase().replace(/^\./, '')
  if (
    low === '' ||
    low === '~' ||
    low === '.' ||
    PATHS.has(low) ||
    (PROGRAMS as readonly string[]).includes(low) ||
    /^\d{1,5}$/.test(low)
  )
    return true
  const [name = '', ending = '', ...more] = low.split('.')
  return more.length === 0 && ENDINGS.has(ending) && (PATHS.has(name) || words.has(name))
}

/** Whether a name with dots is a file, a version or one of the servers that zt names itself, and no host of the person's. */
export function isOwnDotted(name: string): boolean {
  const low = name.toLowerCase()
  return (
    HOSTS.has(low) || ABBREVIATIONS.has(low) || LOCALE.test(low) || isOwnPart(low) || WITH_DIGITS.test(low)
  )
}

/** What zt quotes of Cloudflare's own names. */
const NAMES = new Set((Object.keys(OPERATIONS) as OperationName[]).flatMap(permissionsOf))

/** Whether a text in quotes is no name that a person has chosen. */
export function isOwnName(text: string): boolean {
  return NAMES.has(text)
}
