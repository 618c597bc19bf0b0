import * as v from 'valibot'
import {UserError} from '../core/errors.js'
import {readGivenJson} from './given-json.js'
import {settingsSchema, type SandboxSettings} from './settings.js'

const MOST_BYTES = 1024 * 1024
/** The answers are for people; the settings say the same for the sandbox. */
const observedSchema = v.strictObject({
  version: v.literal(1),
  // What no account is asked for, docs/reference/sandbox.md.
  settings: v.omit(settingsSchema, ['zero_trust_enabled', 'rate_limit', 'country_of', 'clock']),
  answers: v.optional(v.record(v.string(), v.unknown())),
})

/**
 * Reads what `npm run test:live -- --observed-file FILE` wrote: the settings with which the sandbox behaves as that account.
 *
 * @throws UserError `usage` / `BAD_OBSERVED`, which names the place but quotes nothing
 */
export function readObserved(file: string): SandboxSettings {
  const {settings} = readGivenJson(file, {
    schema: observedSchema,
    maxBytes: MOST_BYTES,
    what: 'a record of observed behaviour',
    bad: (why) => bad(file, why),
  })
  return settings
}

function bad(file: string, why: string): UserError {
  return new UserError({
    kind: 'usage',
    code: 'BAD_OBSERVED',
    message: `The observed behaviour in ${file} cannot be used`,
    why,
    next: ['Write it with: npm run test:live -- --observed-file FILE'],
  })
}
