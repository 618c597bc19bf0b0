import {isJsonObject, type JsonObject} from '../../core/json.js'
import {foundInLines} from './lines.js'
import {decoded, named, ownerIn, shapeOf, unnamed, type Found, type Reading} from './values.js'

/** Deeper than any file that has a pair. */
const DEEPEST = 24

/** Reads every text in JSON by its name. @returns undefined if the text is not JSON */
export function foundInJson(text: string): Reading | undefined {
  if (!/^[[{]/.test(text)) return undefined
  const value = parsed(text)
  if (typeof value !== 'object' || value === null) return undefined
  const found: Found[] = []
  collect({value, name: undefined, at: '', depth: 0}, found)
  return {form: formOf(value), found}
}

interface Place {
  value: unknown
  name: string | undefined
  /** Where it is: the same for the halves of a pair. */
  at: string
  depth: number
}

function collect({value, name, at, depth}: Place, found: Found[]): void {
  if (depth > DEEPEST) return
  if (typeof value === 'string') {
    // A secrets manager may keep JSON in a text.
    const inside = value.startsWith('{') ? parsed(value) : undefined
    if (isJsonObject(inside))
      collect({value: inside, name, at: `${at}/${name ?? ''}`, depth: depth + 1}, found)
    else {
      const one = foundIn(value.trim(), name, at)
      if (one) found.push(one)
      else found.push(...foundInText(value, at))
    }
    return
  }
  if (Array.isArray(value)) {
    for (const [index, each] of value.entries())
      collect(
        {
          value: each,
          name: undefined,
          at: isField(each) || typeof each === 'string' ? at : `${at}/${index}`,
          depth: depth + 1,
        },
        found,
      )
    return
  }
  if (!isJsonObject(value)) return
  const field = isField(value) ? fieldName(value, name) : undefined
  for (const [key, each] of Object.entries(value)) {
    const inField = field !== undefined && key === 'value'
    collect(
      {
        value: each,
        name: inField ? field : key,
        at: inField || typeof each === 'string' || isField(each) ? at : `${at}/${key}`,
        depth: depth + 1,
      },
      found,
    )
  }
}

function foundIn(text: string, name: string | undefined, at: string): Found | undefined {
  const value = decoded(text)
  const by = name === undefined ? undefined : named(name)
  if (by) return {value, half: by.half, of: `${at}/${by.of}`, owner: ownerIn(name), place: at}
  const one = unnamed(value, name)
  return one && {...one, of: at, place: at}
}

/** Halves with names in a text, such as a container's variable or a header: `NAME=VALUE`. What else it says does not count. */
function foundInText(text: string, at: string): Found[] {
  return foundInLines(text)
    .found.filter(({half, value}) => half !== undefined && shapeOf(value))
    .map((one) => ({...one, of: `${at}/${one.of}`, place: at}))
}

/** An object around one value: an output of Terraform, a field of 1Password or Bitwarden, a variable of a CI. */
function isField(value: unknown): value is JsonObject {
  return isJsonObject(value) && 'value' in value
}

/** The name that says most of the field's value. */
function fieldName(field: JsonObject, around: string | undefined): string {
  const names = [field['label'], field['name'], field['key'], field['id'], around].filter(
    (one) => typeof one === 'string',
  )
  return names.find((one) => named(one)) ?? names[0] ?? 'value'
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // The parser's message quotes its input.
    return undefined
  }
}

function formOf(value: object): string {
  const has = (...keys: string[]): boolean => keys.every((key) => key in value)
  if (has('terraform_version', 'resources')) return 'a Terraform state'
  if (has('terraform_version', 'values')) return 'the output of terraform show -json'
  if (has('fields', 'vault')) return "1Password's JSON"
  if (has('request_id', 'data')) return "Vault's JSON"
  if (has('SecretString')) return "the JSON of AWS's secrets manager"
  if (has('kind', 'apiVersion')) return 'a Kubernetes object'
  if (has('success', 'result')) return "an answer of Cloudflare's API"
  const outputs = Object.values(value)
  if (outputs.length > 0 && outputs.every((one) => isJsonObject(one) && 'sensitive' in one && 'value' in one))
    return 'the output of terraform output -json'
  return 'JSON'
}
