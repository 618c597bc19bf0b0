import {randomUUID} from 'node:crypto'
import {isJsonObject, type JsonObject} from '../../src/lib/core/json.js'
import type {Action, Answer, Spoken, Told} from '../faults/faulty-api.js'

export interface Lie {
  name: string
  /** @param another the ID of someone else's object of the same kind */
  action: (another: string) => Action
  /** Only for operations whose answer has this field. */
  needs?: string
  /** How often the lie occurs; default: once. */
  times?: number
}

const json = (status: number, body: unknown): Answer => ({
  status,
  headers: {'content-type': 'application/json'},
  body: JSON.stringify(body),
})
const failure = (code: number): object => ({
  success: false,
  errors: [{code, message: 'the test says no'}],
  messages: [],
  result: null,
})
const done = (result: unknown): object => ({success: true, errors: [], messages: [], result})

function resultOf({answer}: Told): JsonObject {
  const body = JSON.parse(answer?.body ?? '{}') as JsonObject
  return isJsonObject(body['result']) ? body['result'] : {}
}

/** The API carries it out, and the answer says something else. */
const after = (name: string, tell: (told: Told, another: string) => Spoken, needs?: string): Lie => ({
  name,
  action: (another) => ({do: 'lie', deliveries: 1, tell: (told) => tell(told, another)}),
  ...(needs !== undefined && {needs}),
})
/** The API never receives it. */
const instead = (name: string, tell: (told: Told) => Spoken): Lie => ({
  name,
  action: () => ({do: 'lie', deliveries: 0, tell}),
})
const edited = (name: string, edit: (result: JsonObject, another: string) => unknown, needs?: string): Lie =>
  after(name, (told, another) => json(told.answer?.status ?? 200, done(edit(resultOf(told), another))), needs)
const status = (line: string): string => `HTTP/1.1 ${line}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`

/** The answer of an API that has carried out the request. */
function asIfDone({method, path, body}: Told): Answer {
  const ids = path.match(/[0-9a-f]{8}-[0-9a-f-]{27}/g) ?? []
  const id = ids.at(-1) ?? randomUUID()
  if (method === 'DELETE') return json(200, done({id}))
  const secret = path.endsWith('service_tokens') || path.endsWith('/rotate')
  return json(
    200,
    done({
      ...(isJsonObject(body) ? body : {}),
      id,
      ...(path.includes('service_tokens') && {client_id: 'never-made.access'}),
      ...(secret && {client_secret: `cfast_${'n'.repeat(48)}`}),
    }),
  )
}

/** The lies for every operation; of the others, each operation gets some, and operations that make a secret get all. */
const ALWAYS = new Set([
  'twice, and the first answer',
  'twice, and the second answer',
  "another's id",
  'an id of ../../x',
  'another name',
  'enabled the other way',
  'success: false with 200, and done',
  'success: false with 200, and not done',
  '400 after it was done',
  '404, and not done',
  '101',
  '204, and not done',
  'null',
  'as if it were done',
])

/** The lies for an operation. @param place its position in the list, so that its neighbours get different ones */
export function liesFor(
  place: number,
  {fields, of}: {fields: readonly string[]; of: 'all' | 'many' | 'few'},
): Lie[] {
  const always = of === 'many' ? ALWAYS : FEW
  return LIES.filter(({needs}) => needs === undefined || fields.includes(needs)).filter(
    ({name}, at) => of === 'all' || always.has(name) || (at + place) % 5 === 0,
  )
}

const FEW = new Set(['twice, and the second answer', "another's id", 'as if it were done'])

const listed = (name: string, edit: (items: JsonObject[]) => unknown, times = 1000): Lie => ({
  name,
  times,
  action: () => ({
    do: 'lie',
    deliveries: 1,
    tell({answer}) {
      const body = JSON.parse(answer?.body ?? '{}') as JsonObject
      const items = Array.isArray(body['result']) ? body['result'].filter(isJsonObject) : []
      return json(200, {...body, result: edit(items)})
    },
  }),
})

/** Each has the name of the next one. */
function swapped(items: JsonObject[]): JsonObject[] {
  return items.map((one, at) => ({...one, name: items[(at + 1) % items.length]?.['name']}))
}

/** What a list can be that it should not. */
export const LISTS: readonly Lie[] = [
  listed('whose names are swapped', swapped),
  listed('whose names are swapped once', swapped, 1),
  listed('that has everything twice', (items) => [...items, ...items]),
  listed('that is empty', () => []),
  listed('that is empty once', () => [], 1),
  listed('that is null', () => null),
  listed('whose ids are swapped', (items) =>
    items.map((one, at) => ({...one, id: items[(at + 1) % items.length]?.['id']})),
  ),
]

/** False answers that an API, or something in its place, can give. */
const LIES: readonly Lie[] = [
  {name: 'twice, and the first answer', action: () => ({do: 'lie', deliveries: 2, hears: 'first'})},
  {name: 'twice, and the second answer', action: () => ({do: 'lie', deliveries: 2, hears: 'last'})},
  edited("another's id", (result, another) => ({...result, id: another})),
  edited('an id of ../../x', (result) => ({...result, id: '../../x'})),
  edited('no id', ({id: _, ...rest}) => rest),
  edited('a number for an id', (result) => ({...result, id: 1e30})),
  edited('another name', (result) => ({...result, name: 'another'}), 'name'),
  edited('enabled the other way', (result) => ({...result, enabled: result['enabled'] === false}), 'enabled'),
  edited("another's Client ID", (result) => ({...result, client_id: 'another.access'}), 'client_id'),
  edited('a Client ID with a line break', (result) => ({...result, client_id: 'a\r\nx: y'}), 'client_id'),
  edited(
    'a secret with a line break',
    (result) => ({...result, client_secret: 'a\r\nx: y'}),
    'client_secret',
  ),
  edited('an empty secret', (result) => ({...result, client_secret: ''}), 'client_secret'),
  edited('half of the secret', (result) => ({...result, client_secret: String(result['client_secret']).slice(0, 30)}), 'client_secret'), // prettier-ignore
  edited('null', () => null),
  edited('a list', (result) => [result]),
  after('success: false with 200, and done', () => json(200, failure(12130))),
  instead('success: false with 200, and not done', () => json(200, failure(12130))),
  after('400 after it was done', () => json(400, failure(12130))),
  after('404 after it was done', () => json(404, failure(12135))),
  after('409 after it was done', () => json(409, failure(12139))),
  instead('404, and not done', () => json(404, failure(12135))),
  after('500 after it was done', () => json(500, failure(10001))),
  after('an empty 200', () => ({status: 200, headers: {}, body: ''})),
  after('101', () => ({
    raw: 'HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n',
  })),
  after('103, and then nothing', () => ({raw: 'HTTP/1.1 103 Early Hints\r\nlink: <x>\r\n\r\n'})),
  after('204', () => ({raw: status('204 No Content')})),
  instead('204, and not done', () => ({raw: status('204 No Content')})),
  after('304', () => ({raw: status('304 Not Modified')})),
  after('302', () => ({raw: `HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`})), // prettier-ignore
  after('a page of HTML', () => ({status: 200, headers: {'content-type': 'text/html'}, body: '<p>log in'})),
  after('a field called __proto__', ({answer}) => ({
    status: 200,
    headers: {},
    body: (answer?.body ?? '').replace('"result":{', '"result":{"__proto__":{"id":"x"},'),
  })),
  after('nested without end', () => ({
    status: 200,
    headers: {},
    body: `${'['.repeat(1e5)}${']'.repeat(1e5)}`,
  })),
  instead('as if it were done', asIfDone),
]
