import type {Jq} from 'jq-wasm/inline'
import {UserError} from '../core/errors.js'
import {quoteForPerson} from '../core/quote.js'
import {isJsonObject, type JsonObject} from '../core/json.js'
import {visibleJson} from '../core/text.js'
import type {ResultFields} from './result-fields.js'

/** What --fields keeps of a result, and what --jq makes of it. */
export class JsonFilter {
  readonly #fields: readonly string[] | undefined
  readonly #jq: {engine: Jq; expression: string} | undefined

  private constructor(
    fields: readonly string[] | undefined,
    jq: {engine: Jq; expression: string} | undefined,
  ) {
    this.#fields = fields
    this.#jq = jq
  }

  /**
   * Reads both flags before anything else happens, so that a command with a wrong expression or name has done nothing.
   *
   * @param known the fields that the result can have; undefined: not known before there is one
   * @throws UserError `usage` / `BAD_FIELDS`, `NO_SUCH_FIELD`, `BAD_JQ`
   */
  static async make(
    given: {fields?: string | undefined; jq?: string | undefined},
    known: () => ResultFields | undefined,
  ): Promise<JsonFilter> {
    return new JsonFilter(
      given.fields === undefined ? undefined : parseFields(given.fields, known()),
      given.jq === undefined ? undefined : await openJq(given.jq),
    )
  }

  /** Whether what is printed is made of the whole document. */
  get hasExpression(): boolean {
    return this.#jq !== undefined
  }

  /**
   * The fields of a document; of one that is nothing but a list, those of its items.
   *
   * @throws UserError `usage` / `NO_SUCH_FIELD`
   */
  pick(from: object): object {
    const list = onlyList(from)
    if (list) return {[list.name]: this.pickItems(list.name, list.items)}
    return this.#fields ? (picked([from], this.#fields.map(pathOf))[0] ?? {}) : from
  }

  /**
   * The same for items of the list with this name, which may lead the names of their fields.
   *
   * @throws UserError `usage` / `NO_SUCH_FIELD`
   */
  pickItems(list: string, items: readonly object[]): readonly object[] {
    if (!this.#fields) return items
    return picked(
      items,
      this.#fields.map(pathOf).map(([first = '', ...rest]) => (first === list ? rest : [first, ...rest])),
    )
  }

  /** As {@link pick}, with null for a field that is not there: one event has other fields than the next. */
  pickSome(from: object): object {
    return this.#fields ? (kept(from, this.#fields.map(pathOf)) as object) : from
  }

  /**
   * The values that the expression makes of a document: text as it is, everything else as JSON, in lines on a terminal and one
   * value a line otherwise.
   *
   * @returns what the expression itself says besides (`debug`, `stderr`) in `said`
   * @throws UserError `usage` / `JQ_FAILED`
   */
  lines(document: object, pretty: boolean): {lines: string[]; said: string[]} {
    if (!this.#jq) return {lines: JSON.stringify(document, null, 2).split('\n'), said: []}
    const {engine, expression} = this.#jq
    const {stdout, stderr, exitCode} = ask(engine, JSON.stringify(document), expression, pretty)
    if (exitCode !== 0) throw jqFailed(stderr, document)
    return {lines: stdout.split(SEPARATOR).slice(1).flatMap(linesOfValue), said: linesOf(stderr)}
  }
}

/** More than any result has. */
const MOST_FIELDS = 100

function parseFields(text: string, known: ResultFields | undefined): string[] {
  const fields = text.split(',').map((field) => field.trim())
  if (fields.length <= MOST_FIELDS && fields.every((field) => /^\w+(\.\w+)*$/.test(field))) {
    const unknown = known ? fields.filter((field) => !known.has(field)) : []
    if (known && unknown.length > 0) throw noSuchField(unknown, known.names)
    return fields
  }
  throw new UserError({
    kind: 'usage',
    code: 'BAD_FIELDS',
    message: 'The value of --fields is not a list of fields',
    why: `It takes names separated by commas, such as id,name or token.id; at most ${MOST_FIELDS}.`,
    next: ['Add --json instead to see which fields there are'],
  })
}

async function openJq(expression: string): Promise<{engine: Jq; expression: string}> {
  const {loadJq} = await import('jq-wasm/inline')
  const engine = await loadJq()
  const {stderr, exitCode} = ask(engine, 'null', expression, false)
  if (exitCode !== DOES_NOT_COMPILE) return {engine, expression}
  throw new UserError({
    kind: 'usage',
    code: 'BAD_JQ',
    message: 'The expression of --jq cannot be read',
    why: linesOf(stderr.replace(/^jq: error: /, '').replace(/\njq: \d+ compile errors?$/, '')).map((line) =>
      line.trimEnd(),
    ),
    next: [`Quote it for the shell, for example --jq ${quoteForPerson('.warnings[]')}`],
  })
}

/** Before each value (RFC 7464, and --seq in jq's manual). */
const SEPARATOR = '\u001e'

/** A text is shown as it is, everything else as JSON, in which what is invisible has JSON's own escapes. */
function linesOfValue(value: string): string[] {
  const json = value.replace(/\n$/, '')
  return (json.startsWith('"') ? String(JSON.parse(json)) : visibleJson(json)).split('\n')
}

/** jq's exit code for an expression that it cannot read. Source: jq's manual, "Invoking jq". */
const DOES_NOT_COMPILE = 3

function ask(
  engine: Jq,
  input: string,
  expression: string,
  pretty: boolean,
): {stdout: string; stderr: string; exitCode: number} {
  // The engine sets that of zt to its own.
  const {exitCode} = process
  try {
    // What begins with a dash would be an option of jq.
    const text = expression.startsWith('-') ? ` ${expression}` : expression
    return engine.raw(`${SEPARATOR}${input}\n`, text, pretty ? ['--seq'] : ['--seq', '-c'])
  } catch (error) {
    // It ran out of memory.
    return {stdout: '', stderr: error instanceof Error ? error.message : String(error), exitCode: 5}
  } finally {
    process.exitCode = exitCode
  }
}

function jqFailed(stderr: string, document: object): UserError {
  const fields = Object.keys(document)
  return new UserError({
    kind: 'usage',
    code: 'JQ_FAILED',
    message: 'The expression of --jq failed on the result',
    why: [
      ...linesOf(stderr.replaceAll(/^jq: error \(at [^)]*\)(?: \(not a string\))?: /gm, '')),
      ...(fields.length > 0 ? [`The result has ${fields.map((field) => `.${field}`).join(', ')}.`] : []),
    ],
    next: ['Look at the whole result: --jq .'],
  })
}

function noSuchField(unknown: string[], known: string[]): UserError {
  return new UserError({
    kind: 'usage',
    code: 'NO_SUCH_FIELD',
    message: `The result has no field${unknown.length === 1 ? '' : 's'} ${unknown.join(', ')}`,
    why: `It has ${known.join(', ')}.`,
    next: ['Leave --fields out to see the whole result'],
  })
}

function linesOf(text: string): string[] {
  return text === '' ? [] : text.replace(/\n$/, '').split('\n')
}

function pathOf(field: string): string[] {
  return field.split('.')
}

/** The list in a document that is nothing else. */
function onlyList(from: object): {name: string; items: readonly object[]} | undefined {
  const [own, another] = Object.entries(from).filter(([name]) => name !== 'warnings')
  const [name, items] = own ?? []
  if (another !== undefined || name === undefined || !Array.isArray(items)) return undefined
  return items.every(isJsonObject) ? {name, items} : undefined
}

/** @throws UserError `usage` / `NO_SUCH_FIELD` if none of the objects has a field */
function picked(from: readonly object[], paths: string[][]): object[] {
  const unknown = paths.filter((one) => !isIn(from, one))
  if (unknown.length > 0)
    throw noSuchField(
      unknown.map((one) => one.join('.')),
      [...new Set(from.flatMap(fieldsOf))].filter((name) => name !== 'warnings'),
    )
  return paths.some((one) => one.length === 0) ? [...from] : from.map((one) => kept(one, paths) as object)
}

/** Whether an object has a field; in a list, whether any of its objects has it. An empty list may have any. */
function isIn(value: unknown, [name, ...rest]: string[]): boolean {
  if (name === undefined) return true
  if (Array.isArray(value)) return value.length === 0 || value.some((one) => isIn(one, [name, ...rest]))
  // Unknown without an object, as the fields of something that is not there.
  if (value === null) return true
  return isJsonObject(value) && Object.hasOwn(value, name) && isIn(value[name], rest)
}

function kept(value: unknown, fields: string[][]): unknown {
  if (Array.isArray(value)) return value.map((one) => kept(one, fields))
  if (!isJsonObject(value)) return value ?? null
  const names = [...new Set(fields.map(([name]) => name ?? ''))]
  return Object.fromEntries(
    names.map((name) => {
      const within = fields.filter(([first]) => first === name).map((field) => field.slice(1))
      const whole = within.some((field) => field.length === 0)
      return [name, whole ? (value[name] ?? null) : kept(value[name], within)]
    }),
  )
}

/** The names that --fields takes for an object: its own, and those of the objects in it. */
function fieldsOf(from: object): string[] {
  return Object.entries(from as JsonObject).flatMap(([name, value]) => {
    const inner: unknown = Array.isArray(value) ? value[0] : value
    return [name, ...(isJsonObject(inner) ? Object.keys(inner).map((key) => `${name}.${key}`) : [])]
  })
}
