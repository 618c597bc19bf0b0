import path from 'node:path'
import {filesSync as fs} from '../system/disk.js'
import {isJsonObject, type JsonObject} from '../core/json.js'

/** Which fields the JSON of a command can have, by its schema in docs/json. */
export interface ResultFields {
  has(field: string): boolean
  /** Their names, with those of the objects in them. */
  names: string[]
}

/** What stays in a document, whatever is chosen of it. */
const ALWAYS = /^(error|warnings)(\.|$)/

/**
 * The fields of a command's result; of a list also those of its items.
 *
 * @param root the package's directory
 * @param id `token:list`
 * @returns undefined if the schemas are not there, as in the single executable: the result itself then says
 */
export function resultFields(root: string, id: string): ResultFields | undefined {
  const schemas = new Schemas(path.join(root, 'docs', 'json'))
  const document = schemas.read(`${id.replaceAll(':', '-')}.schema.json`)
  if (!document) return undefined
  const results = schemas.shapes(document)
  const roots = [...results, ...results.flatMap((shape) => schemas.itemsOfList(shape))]
  return {
    has: (field) => !ALWAYS.test(field) && schemas.have(roots, field.split('.')),
    names: [...new Set(roots.flatMap((shape) => schemas.names(shape)))].filter((name) => !ALWAYS.test(name)),
  }
}

class Schemas {
  readonly #directory: string
  readonly #read = new Map<string, JsonObject | undefined>()

  constructor(directory: string) {
    this.#directory = directory
  }

  read(name: string): JsonObject | undefined {
    if (!this.#read.has(name)) this.#read.set(name, this.#parse(name))
    return this.#read.get(name)
  }

  #parse(name: string): JsonObject | undefined {
    try {
      const schema: unknown = JSON.parse(fs.readFileSync(path.join(this.#directory, name), 'utf8'))
      return isJsonObject(schema) ? schema : undefined
    } catch {
      return undefined
    }
  }

  /** The schemas of which a value may be one. */
  shapes(schema: unknown): JsonObject[] {
    if (!isJsonObject(schema)) return []
    const {$ref: ref} = schema
    if (typeof ref === 'string') return this.shapes(this.#referred(ref))
    const either = [...listIn(schema['oneOf']), ...listIn(schema['anyOf'])]
    // Alternatives may only say which of its own properties there are.
    const own = either.length === 0 || 'properties' in schema ? [schema] : []
    return [...own, ...either.flatMap((one) => this.shapes(one))]
  }

  /** `definitions.schema.json#/$defs/token` */
  #referred(ref: string): unknown {
    const [name = '', pointer = ''] = ref.split('#')
    return pointer
      .split('/')
      .filter(Boolean)
      .reduce<unknown>((at, key) => (isJsonObject(at) ? at[key] : undefined), this.read(name))
  }

  have(shapes: readonly JsonObject[], [name, ...rest]: readonly string[]): boolean {
    if (name === undefined) return true
    return shapes.some((shape) => {
      if ('items' in shape) return this.have(this.shapes(shape['items']), [name, ...rest])
      const properties = shape['properties']
      if (isJsonObject(properties) && Object.hasOwn(properties, name))
        return this.have(this.shapes(properties[name]), rest)
      // The schema leaves open what else it has.
      return /object/.test(String(shape['type'])) && shape['additionalProperties'] !== false
    })
  }

  /** What a document that is nothing but a list lists. */
  itemsOfList({properties}: JsonObject): JsonObject[] {
    if (!isJsonObject(properties)) return []
    const own = Object.entries(properties).filter(([name]) => name !== 'error' && name !== 'warnings')
    const [list, another] = own.map(([, schema]) => schema)
    if (another !== undefined || !isJsonObject(list) || !('items' in list)) return []
    return this.shapes(list['items'])
  }

  names({properties}: JsonObject): string[] {
    if (!isJsonObject(properties)) return []
    return Object.entries(properties).flatMap(([name, schema]) => {
      const within = this.shapes(schema).flatMap((one) =>
        'items' in one ? this.shapes(one['items']) : [one],
      )
      const inner = within.flatMap((one) =>
        isJsonObject(one['properties']) ? Object.keys(one['properties']) : [],
      )
      return [name, ...inner.map((key) => `${name}.${key}`)]
    })
  }
}

function listIn(value: unknown): unknown[] {
  return Array.isArray(value) ? value : []
}
