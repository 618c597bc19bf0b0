import {readdirSync, readFileSync} from 'node:fs'
import path from 'node:path'
import {Ajv2020} from 'ajv/dist/2020.js'
import type {JsonObject} from '../../src/lib/core/json.js'

const directory = path.resolve(import.meta.dirname, '../../docs/json')
const ENDING = '.schema.json'

/** The schemas of docs/json by name: `token-create`, and those that the others refer to. */
export const SCHEMAS: ReadonlyMap<string, JsonObject> = new Map(
  readdirSync(directory)
    .filter((file) => file.endsWith(ENDING))
    .map((file) => [
      file.slice(0, -ENDING.length),
      JSON.parse(readFileSync(path.join(directory, file), 'utf8')) as JsonObject,
    ]),
)

const ajv = new Ajv2020({
  allErrors: true,
  allowUnionTypes: true,
  formats: {'date-time': (text: string) => !Number.isNaN(Date.parse(text)) && /^\d{4}-\d\d-\d\dT/.test(text)},
})
for (const [name, schema] of SCHEMAS) ajv.addSchema(schema, name + ENDING)

/** The schema of a command (`token create`), as docs/json names it. */
export function schemaOf(id: string): string {
  return id.replaceAll(' ', '-')
}

/**
 * A document that is as the schema says.
 *
 * @param id a command, or `error`
 * @throws Error that says where it differs
 */
export function againstSchema(id: string, document: JsonObject): JsonObject {
  const validate = ajv.getSchema(schemaOf(id) + ENDING)
  if (!validate) throw new Error(`docs/json has no schema for ${id}`)
  if (validate(document)) return document
  const faults = (validate.errors ?? []).map(
    ({instancePath, message, params}) => `${instancePath || '/'} ${message ?? ''} ${JSON.stringify(params)}`,
  )
  throw new Error(
    `${schemaOf(id)}${ENDING} does not describe this:\n${faults.join('\n')}\n${JSON.stringify(document, null, 2)}`,
  )
}
