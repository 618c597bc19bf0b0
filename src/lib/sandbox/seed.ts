import * as v from 'valibot'
import {UserError} from '../core/errors.js'
import {settingsSchema} from './settings.js'
import {readGivenJson} from './given-json.js'
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
  settings: v.optional(settingsSchema),
})

/**
 * Reads a seed file.
 *
 * @throws UserError `usage` / `BAD_SEED`, which names the place but quotes nothing
 */
export async function readSeed(file: string): Promise<SandboxSeed> {
  return readGivenJson(file, {
    schema: seedSchema,
    maxBytes: MOST_BYTES,
    what: 'a valid seed',
    bad: (why) => bad(file, why),
  }) as SandboxSeed
}

function bad(file: string, why: string): UserError {
  return new UserError({kind: 'usage', code: 'BAD_SEED', message: `The seed ${file} cannot be used`, why})
}
