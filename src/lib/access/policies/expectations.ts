import {isIP} from 'node:net'
import * as v from 'valibot'
import {isNode, LineCounter, parseDocument, type Document} from 'yaml'
import {messageOf, UserError} from '../../core/errors.js'
import {firstFault} from '../../core/schema.js'
import {readNamedText} from '../../system/own-files.js'

/** The verdicts that a file may expect. */
const VERDICTS = ['allow', 'deny', 'login', 'bypass', 'unknown'] as const

export const MOST_BYTES = 1024 * 1024
const MOST_EXPECTATIONS = 10_000
const MOST_ALIASES = 100
const LONGEST = 2000

const text = v.pipe(v.string(), v.minLength(1), v.maxLength(LONGEST))
const url = v.pipe(text, v.check(isPlainUrl, 'a URL that begins with https://, without user and password'))
const ip = v.pipe(
  text,
  v.check((given) => isIP(given) !== 0, 'an IP address'),
)
const country = v.pipe(
  text,
  v.check((given) => /^[a-z]{2}$/i.test(given), 'a country code of two letters'),
)
const schema = v.pipe(
  v.array(
    v.strictObject({
      name: v.optional(text),
      who: v.union(
        [
          v.literal('no-credentials'),
          v.strictObject({token: text}),
          v.strictObject({email: text, groups: v.optional(v.array(text))}),
        ],
        'no-credentials, {token: NAME} or {email: ADDRESS, groups: [NAME]}',
      ),
      from: v.optional(v.strictObject({ip: v.optional(ip), country: v.optional(country)})),
      url,
      expect: v.picklist(VERDICTS),
    }),
  ),
  v.maxLength(MOST_EXPECTATIONS),
)

function isPlainUrl(given: string): boolean {
  if (!/^https:\/\//i.test(given) || !URL.canParse(given)) return false
  const {username, password} = new URL(given)
  return username === '' && password === ''
}

/** What a request from someone is expected to meet, and where the file says so. */
export type Expectation = v.InferOutput<typeof schema>[number] & {line: number}

/**
 * Reads a YAML file of expectations (docs/how-to/policy-tests.md): plain data, without tags of its own and with few aliases.
 *
 * @throws UserError `usage` / `BAD_EXPECTATIONS`, which names `FILE:LINE:COLUMN` and what is allowed there
 */
export function readExpectations(file: string): Expectation[] {
  const content = readNamedText(file, {maxBytes: MOST_BYTES})
  if (content === undefined) throw bad(file, 'The file does not exist.')
  return parseExpectations(content, file)
}

/** The same, of a text. @param file what errors call it */
export function parseExpectations(given: string, file: string): Expectation[] {
  const lines = new LineCounter()
  const document = parseDocument(given, {lineCounter: lines, schema: 'core', prettyErrors: false})
  const at = (offset: number): string => {
    const {line, col} = lines.linePos(offset)
    return `${file}:${line}:${col}`
  }
  // A tag that is not known is only a warning to the parser.
  const [fault] = [...document.errors, ...document.warnings]
  if (fault)
    throw bad(
      at(fault.pos[0]),
      `The file is not the YAML that zt reads: ${fault.message.split('\n')[0] ?? ''}.`,
    )
  let value: unknown
  try {
    value = document.toJS({maxAliasCount: MOST_ALIASES})
  } catch (error) {
    throw bad(file, `The file is not the YAML that zt reads: ${messageOf(error)}.`)
  }
  const parsed = v.safeParse(schema, value)
  if (!parsed.success) {
    const [issue] = parsed.issues
    const path = (issue.path ?? []).map(({key}) => key)
    const why = issue.type === 'union' ? `${v.getDotPath(issue) ?? ''} should be ${issue.message}` : firstFault(parsed.issues) // prettier-ignore
    throw bad(at(offsetOf(document, path)), `${why}.`)
  }
  return parsed.output.map((one, index) => ({...one, line: lines.linePos(offsetOf(document, [index])).line}))
}

/** Where a value begins, or what is nearest around it. */
function offsetOf(document: Document, path: readonly unknown[]): number {
  for (let length = path.length; length >= 0; length--) {
    const node = length === 0 ? document.contents : document.getIn(path.slice(0, length), true)
    if (isNode(node) && node.range) return node.range[0]
  }
  return 0
}

function bad(where: string, why: string): UserError {
  return new UserError({
    kind: 'usage',
    code: 'BAD_EXPECTATIONS',
    message: `The expectations cannot be used: ${where}`,
    why,
    next: [
      'An expectation is, for example: {who: {token: ci}, from: {country: DE}, url: "https://gitlab.example.com/", expect: allow}',
    ],
  })
}
