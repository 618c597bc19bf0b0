import * as v from 'valibot'
import {UserError} from '../core/errors.js'
import {parseOwnJson} from '../system/files.js'
import {readForeignFile, textOf} from '../system/own-files.js'
import {firstFault} from '../core/schema.js'
import {isBlock, isCountry} from './countries.js'
import type {SandboxSeed} from './types.js'

const MOST_BYTES = 64 * 1024 * 1024
const objects = v.optional(v.array(v.looseObject({})))
const seedSchema = v.strictObject({
  accounts: objects,
  zones: objects,
  apps: objects,
  policies: objects,
  groups: objects,
  service_tokens: objects,
  api_tokens: v.optional(v.array(v.looseObject({token: v.string(), owner: v.picklist(['user', 'account'])}))),
  settings: v.optional(
    v.strictObject({
      strict_service_token_auth: v.optional(v.boolean()),
      connector_end: v.optional(v.picklist(['none', 1000, 1001, 1006])),
      enforcement_delay_ms: v.optional(v.pipe(v.number(), v.minValue(0))),
      zero_trust_enabled: v.optional(v.boolean()),
      rate_limit: v.optional(v.pipe(v.number(), v.minValue(0))),
      hide_accounts: v.optional(v.boolean()),
      country_of: v.optional(
        v.record(
          v.pipe(v.string(), v.check(isBlock, 'a CIDR block')),
          v.pipe(v.string(), v.check(isCountry, 'a country code')),
        ),
      ),
      without_allow: v.optional(v.picklist(['login', 'forbidden'])),
    }),
  ),
})

/**
 * Reads a seed file.
 *
 * @throws UserError `usage` / `BAD_SEED`, which names the place but quotes nothing
 */
export async function readSeed(file: string): Promise<SandboxSeed> {
  let bytes: Buffer | undefined
  try {
    bytes = readForeignFile(file, {maxBytes: MOST_BYTES})
  } catch (error) {
    throw bad(file, (error instanceof UserError ? error.why : undefined) ?? 'It cannot be read.')
  }
  if (!bytes) throw bad(file, 'The file does not exist.')
  let value: unknown
  try {
    value = parseOwnJson(textOf(bytes, file), file)
  } catch {
    throw bad(file, 'It is not valid JSON.')
  }
  const parsed = v.safeParse(seedSchema, value)
  if (parsed.success) return parsed.output as SandboxSeed
  throw bad(file, `It is not a valid seed: ${firstFault(parsed.issues)}.`)
}

function bad(file: string, why: string): UserError {
  return new UserError({kind: 'usage', code: 'BAD_SEED', message: `The seed ${file} cannot be used`, why})
}
