import http from 'node:http'
import type {AddressInfo} from 'node:net'

/**
 * What a name, a path or an answer may contain to control a terminal or to look like something else. None of its sequences
 * is used by zt, its prompts or its spinner, so that whatever passes is detected.
 */
const HOSTILE_PARTS = {
  clear: '\u001B[2J\u001B[3;1H',
  inverse: '\u001B[7mINVERSE',
  title: '\u001B]0;owned\u0007',
  clipboard: '\u001B]52;c;cm0gLXJmIC8=\u001B\\',
  line: '\nFORGED-LINE',
  overwrite: '\r\rFORGED-LINE',
  tab: '\t\b\b\b\u000B\u000C',
  del: '\u007F',
  c1: '\u009B2J\u0085FORGED-LINE\u0090',
  bidi: '\u202Etxt\u2066\u200F\u061C',
  unseen: '\u200B\u200D\uFEFF\u00AD\u2060\u034F\u3164\u180E\uFE0F\u{E0041}\u{E0100}\u2800',
  separators: '\u2028FORGED-LINE\u2029\u00A0',
  private: '\uE000\uFFF9\uFFFE',
  heap: `"${'\u0338'.repeat(12)}`,
}

/** All of it that an argument, a variable or a file name can contain. */
export const HOSTILE = Object.values(HOSTILE_PARTS).join('')
/** And half a surrogate pair, which JSON can contain. */
export const HOSTILE_IN_JSON = `${HOSTILE}\uD800`

/** zt's own colours, of stdout and stderr; also as wrapping and nesting change them. */
const COLOURS = /\u001B\[(?:0|1|2|22|31|32|35|39)m/g
/** Whatever a terminal obeys or a reader does not see. */
const NOT_TEXT =
  /(?![\n ])[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u2800]|(?![ \u3000])\p{Zs}|\p{M}{5}/gu

/**
 * The forbidden characters of an output, as escapes; empty if there are none.
 *
 * @param allowed sequences of the prompts and of the spinner, on a terminal
 */
export function notText(output: string, allowed: readonly string[] = []): string[] {
  let text = output.replaceAll(COLOURS, '')
  // Moves to a column or up, and erases: how far depends on the length of the names.
  if (allowed.length > 0) text = text.replaceAll('\r\n', '\n').replaceAll(/\u001B\[\d+[GAK]/g, '')
  for (const one of allowed) text = text.replaceAll(one, '')
  const found = [...new Set(text.match(NOT_TEXT) ?? [])].map((sign) => JSON.stringify(sign))
  const lines = text.split('\n').filter((line) => /^\s*FORGED-LINE/.test(line))
  return [...found, ...(lines.length > 0 ? ['a forged line'] : [])]
}

/** Every sequence of control characters in an output that is not a colour. */
export function sequencesIn(output: string): string[] {
  const text = output.replaceAll(COLOURS, '').replaceAll('\r\n', '\n')
  return [...new Set(text.match(/\u001B(?:\[[?\d;]*[A-Za-z]|.)|(?!\n)\p{Cc}/gu) ?? [])]
}

/** Fields that the next request uses, or that an answer must have: with another value nothing follows. */
const NEEDED =
  /^(id|uid|token_id|client_id|client_secret|precedence|status|decision|type|aud|duration|(created|updated|expires|last_seen)_(at|on))$/
/** What an answer to a change must repeat unchanged. */
const COMPARED = /^(name|domain)$/

export interface PoisonedApi {
  url: string
  /** Which part of each answer is poisoned: `all` but what is needed to continue, one field by its name, or `nothing`. */
  poison: string
  /** The names of all text fields in the answers so far. */
  readonly fields: ReadonlySet<string>
  close(): Promise<void>
}

/**
 * An API that relays everything to another one, and appends a hostile text to the texts in answers. Requests
 * are cleaned of it, so that an object that is read, changed and written stays the same.
 */
export async function startPoisonedApi(target: string, suffix = HOSTILE_IN_JSON): Promise<PoisonedApi> {
  const fields = new Set<string>()
  const poisoned = (value: unknown, changed: boolean, key = ''): unknown => {
    if (typeof value === 'string') {
      fields.add(key)
      const {poison} = api
      const left = NEEDED.test(key) || (changed && COMPARED.test(key))
      return poison === key || (poison === 'all' && !left) ? value + suffix : value
    }
    if (Array.isArray(value)) return value.map((one) => poisoned(one, changed, key))
    if (typeof value !== 'object' || value === null) return value
    const entries = Object.entries(value).map(([name, inner]): [string, unknown] => [
      name,
      poisoned(inner, changed, name),
    ])
    // A field that is not known yet.
    if (api.poison === 'all' && 'name' in value) entries.push([`new${suffix}`, suffix])
    return Object.fromEntries(entries)
  }
  const cleaned = (value: unknown): unknown => {
    if (typeof value === 'string') return value.replaceAll(suffix, '')
    if (Array.isArray(value)) return value.map(cleaned)
    if (typeof value !== 'object' || value === null) return value
    return Object.fromEntries(
      Object.entries(value)
        .filter(([name]) => !name.includes(suffix))
        .map(([name, inner]) => [name, cleaned(inner)]),
    )
  }
  const server = http.createServer((request, response) => {
    void (async () => {
      const chunks: Buffer[] = []
      for await (const chunk of request) chunks.push(chunk as Buffer)
      const text = Buffer.concat(chunks).toString()
      const {origin, pathname} = new URL(target)
      const given = new URL(request.url ?? '/', origin)
      for (const [name, value] of [...given.searchParams])
        given.searchParams.set(name, value.replaceAll(HOSTILE, ''))
      const answer = await fetch(`${origin}${pathname}${given.pathname}${given.search}`, {
        method: request.method ?? 'GET',
        headers: {
          authorization: request.headers.authorization ?? '',
          ...(text !== '' && {'content-type': 'application/json'}),
        },
        ...(text !== '' && {body: JSON.stringify(cleaned(JSON.parse(text)))}),
      })
      const body = poisoned(await answer.json(), request.method !== 'GET')
      response.writeHead(answer.status, {
        'content-type': 'application/json',
        'cf-ray': answer.headers.get('cf-ray') ?? '',
      })
      response.end(JSON.stringify(body))
    })().catch((error: unknown) => {
      response.writeHead(599).end(String(error))
    })
  })
  server.listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const api: PoisonedApi = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    poison: 'nothing',
    fields,
    close: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
  return api
}
