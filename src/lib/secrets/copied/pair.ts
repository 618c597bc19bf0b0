import {UserError} from '../../core/errors.js'
import {Secret} from '../../core/secret.js'
import type {ServiceCredentials} from '../types.js'
import {foundInJson} from './json.js'
import {foundInLines} from './lines.js'
import {
  hasIdShape,
  hasSecretShape,
  isPartOfSecret,
  shapeOf,
  type Found,
  type Half,
  type Reading,
} from './values.js'

/** A text as a person gave it. */
export interface Copied {
  /** Never shown. A string where it may also be the client ID, which is no secret. */
  text: string | Secret
  /** What was asked for, if the text is a bare value. */
  as?: Half | undefined
}

/** For the errors of one way in. */
export interface WayIn {
  /** The end of a reason: `Nothing was changed.` */
  undone?: string | undefined
  next: string[]
}

/** Larger than Terraform's state of a large account. */
export const COPIED_LIMIT = 1024 * 1024

/**
 * A service token's pair in the form in which it was copied: the dashboard's or curl's header lines, `.env` lines, JSON of
 * Cloudflare, zt, Terraform, 1Password, Vault and others, two bare lines (docs/reference/credential-forms.md has the list). Each half is
 * recognised by its name, or else by its shape: so it does not matter if the two are swapped.
 *
 * @param copied one text, or one for each half
 * @throws UserError `usage` / `BAD_CREDENTIALS`, which names the form and never quotes the input
 */
export function readCopiedPair(copied: readonly Copied[], way: WayIn): ServiceCredentials {
  const readings = copied.map(read)
  const found = readings.flatMap((one) => one.found)
  const forms = [...new Set(readings.map(({form}) => form))]
  const fault = (message: string, why: string): UserError =>
    new UserError({
      kind: 'usage',
      code: 'BAD_CREDENTIALS',
      message,
      why: [why, `It was read as ${forms.join(' and ')}.`, way.undone ?? ''].join(' ').trim(),
      next: way.next,
    })
  if (found.length === 0)
    throw fault('The credentials are missing', 'The input has nothing that zt recognises.')
  const ids = idsIn(found)
  const clientId = theOne('id', ids, found, fault)
  const secrets = secretsIn(
    found,
    ids.filter(({value}) => value === clientId),
  )
  const secret = theOne('secret', secrets, found, fault)
  if (!mayBelong(clientId, secret, found))
    throw fault(
      'The client ID and the client secret have names of different pairs',
      'Give zt one pair alone, under the same names or without any.',
    )
  return {clientId, clientSecret: new Secret(secret)}
}

/** Where both have names, they must be names of one pair; in JSON, the object of one is the other's or around it. */
function mayBelong(id: string, secret: string, found: readonly Found[]): boolean {
  const within = (one = '', other = ''): boolean => `${one}/`.startsWith(`${other}/`)
  const agree = (one: Found, other: Found): boolean =>
    (one.owner === undefined || other.owner === undefined || one.owner === other.owner) &&
    (within(one.place, other.place) || within(other.place, one.place))
  const secrets = found.filter(({value}) => value === secret)
  return found.some((one) => one.value === id && secrets.some((other) => agree(one, other)))
}

/** Whether a text has something for both halves, so that there is nothing more to ask for. */
export function hasBothHalves(copied: Copied): boolean {
  const {found} = read(copied)
  const ids = idsIn(found)
  return ids.length > 0 && secretsIn(found, ids).length > 0
}

function read({text: given, as}: Copied): Reading {
  const text = typeof given === 'string' ? given : given.expose()
  if (text.length > COPIED_LIMIT) return {form: 'a text that is too long', found: []}
  const plain = text.replace(/^\uFEFF/, '').trim()
  const reading = foundInJson(plain) ?? foundInLines(plain)
  // A bare value counts as what was asked for, unless its shape says otherwise.
  if (as !== undefined && plain !== '' && reading.found.every(({cut}) => cut)) {
    const value = /^(["'`])(.*)\1$/.exec(plain)?.[2] ?? plain
    return {form: 'a bare value', found: [{value, half: as, of: ''}]}
  }
  return reading
}

/** Ends as a client ID does; those of a rehearsal may be no hex digits. */
function looksLikeId(value: string): boolean {
  return hasIdShape(value) || /^[\x21-\x7E]+\.access$/.test(value)
}

function idsIn(found: readonly Found[]): Found[] {
  const all = found.filter(
    ({half, value}) => hasIdShape(value) || (half === 'id' && shapeOf(value) !== 'secret'),
  )
  // Other things have client IDs, too: an OAuth application, or the user that Vault names.
  const likely = all.filter(({value}) => looksLikeId(value))
  return likely.length > 0 ? likely : all
}

function secretsIn(found: readonly Found[], ids: readonly Found[]): Found[] {
  const likely = found.filter(
    ({half, value}) => hasSecretShape(value) || (half === 'secret' && !looksLikeId(value)),
  )
  const named = likely.filter(({half}) => half !== undefined)
  if (named.length === 0) return likely
  const besideId = named.filter(({of}) => ids.some((id) => id.of === of))
  if (besideId.length > 0) return besideId
  // Nothing says which of them is the ID's: with or without a name that zt knows, all of them count.
  const shaped = likely.filter(({value}) => hasSecretShape(value))
  return shaped.length > 0 ? shaped : named
}

const WORDS: Record<Half, {name: string; where: string}> = {
  id: {name: 'client ID', where: 'It usually ends in .access.'},
  secret: {name: 'client secret', where: 'Cloudflare shows it once, when the token is created or rotated.'},
}

const CUT = 'Its length is not that of one: a line break or a space may have cut it'

function theOne(
  half: Half,
  candidates: readonly Found[],
  all: readonly Found[],
  fault: (message: string, why: string) => UserError,
): string {
  const {name, where} = WORDS[half]
  const values = [...new Set(candidates.map(({value}) => value))]
  const [value] = values
  if (value === undefined || value === '') {
    if (half === 'secret' && all.some(({cut}) => cut)) throw fault(`The ${name} is not complete`, `${CUT}.`)
    throw fault(`The ${name} is missing`, `The input has none that zt recognises. ${where}`)
  }
  if (values.length > 1)
    throw fault(
      `The input has more than one ${name}`,
      'zt cannot tell which values belong together: give it one pair alone.',
    )
  const stand = standIn(value)
  if (stand !== undefined) throw fault(`The ${name} is not in the input`, stand)
  if (isCut(value) || (!shapeOf(value) && candidates.some(({cut}) => cut)))
    throw fault(`The ${name} is not complete`, `${CUT}, or something else was copied with it.`)
  // They are sent as HTTP headers.
  if (!/^[\x21-\x7E]+$/.test(value))
    throw fault(
      `This cannot be a ${name}`,
      'It has spaces or characters that are not allowed in credentials.',
    )
  return value
}

/**
 * Part of a half, or more than one: also with what a terminal shows behind a text without a line end (`%`), or in the place of
 * its rest (`...`). Shorter texts are words.
 */
function isCut(value: string): boolean {
  if (shapeOf(value)) return false
  const pieces = value.split(/[^A-Za-z0-9_]+/)
  return pieces.some((one) => hasSecretShape(one) || isPartOfSecret(one) || /^[0-9a-f]{16,}$/i.test(one))
}

const STAND_INS: readonly [RegExp, string][] = [
  [
    /^(?:[*•●·]{3,}|x{3,}$|[(<]sensitive|<?redacted\b|\[(?:secret|hidden|redacted|masked|use\b))/i,
    'The program that printed it put a mask in its place: let it print the value.',
  ],
  [/^(?:ENC\[|vault:v\d|\$ANSIBLE_VAULT|!vault|-----BEGIN)/, 'It is encrypted: decrypt it first.'],
  [
    /^(?:(?:op|vault|ssm|secretref|ref\+\w+):\/\/|arn:|\$|%\w+%$|[#@]?\{|!\w|__\w+__$)/i,
    'A reference is in its place: let the program that knows it print the value.',
  ],
  // The names of what a program reads it from, which may end at a quote or a bracket.
  [
    /^(?:\w+\.)*(?:process|environ|env|getenv|vars?|local|module|data|secrets|config|settings|self|this|system)[.[(]|^\w[\w.]*\($/i,
    'A reference is in its place: let the program that knows it print the value.',
  ],
  [
    /^(?:<.*|your[-_ ].*|(?:change|replace)[-_ ]?me|\.{3,}|todo|null|undefined|none)$/i,
    'A placeholder is in its place.',
  ],
]

/** What is in the place of a half, as a sentence. */
function standIn(value: string): string | undefined {
  if (shapeOf(value)) return undefined
  return STAND_INS.find(([pattern]) => pattern.test(value))?.[1]
}
