import * as v from 'valibot'
import {UserError} from '../core/errors.js'
import {firstFault} from '../core/schema.js'
import {parseOwnJson} from '../system/files.js'
import {readForeignFile, textOf} from '../system/own-files.js'

/** How a file is read that a person names. */
export interface GivenJson<Schema extends v.GenericSchema> {
  schema: Schema
  maxBytes: number
  /** What it is not, if it does not fit the schema: `a valid seed`. */
  what: string
  /** The error for a reason, a sentence. */
  bad: (why: string) => UserError
}

/**
 * Reads a JSON file that a person names, and checks it.
 *
 * @throws UserError made by `bad`, which names the place but quotes nothing
 */
export function readGivenJson<Schema extends v.GenericSchema>(
  file: string,
  {schema, maxBytes, what, bad}: GivenJson<Schema>,
): v.InferOutput<Schema> {
  let bytes: Buffer | undefined
  try {
    bytes = readForeignFile(file, {maxBytes})
  } catch (error) {
    throw bad((error instanceof UserError ? error.why : undefined) ?? 'It cannot be read.')
  }
  if (!bytes) throw bad('The file does not exist.')
  let value: unknown
  try {
    value = parseOwnJson(textOf(bytes, file), file)
  } catch {
    throw bad('It is not valid JSON.')
  }
  const parsed = v.safeParse(schema, value)
  if (parsed.success) return parsed.output
  throw bad(`It is not ${what}: ${firstFault(parsed.issues)}.`)
}
