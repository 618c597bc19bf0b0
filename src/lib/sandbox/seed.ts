import fs from 'node:fs/promises'
import * as v from 'valibot'
import {UserError, hasCode} from '../core/errors.js'
import {firstFault} from '../core/schema.js'
import type {SandboxSeed} from './types.js'

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
    }),
  ),
})

/**
 * Reads a seed file.
 *
 * @throws UserError `usage` / `BAD_SEED`, which names the place and quotes nothing
 */
export async function readSeed(file: string): Promise<SandboxSeed> {
  let text: string
  try {
    text = await fs.readFile(file, 'utf8')
  } catch (error) {
    throw bad(file, hasCode(error, 'ENOENT') ? 'There is no such file.' : 'It cannot be read.')
  }
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw bad(file, 'It is not valid JSON.')
  }
  const parsed = v.safeParse(seedSchema, value)
  if (parsed.success) return parsed.output as SandboxSeed
  throw bad(file, `It is not what a seed is: ${firstFault(parsed.issues)}.`)
}

/** `HOST=ADDRESS:PORT` pairs; loopback only. */
export function parseOrigins(pairs: readonly string[]): Record<string, string> {
  const origins: Record<string, string> = {}
  for (const pair of pairs) {
    const match = /^([a-z0-9.-]+)=((?:127\.\d{1,3}\.\d{1,3}\.\d{1,3}|localhost):(\d{1,5}))$/i.exec(pair)
    if (!match?.[1] || !match[2] || Number(match[3]) > 65535) {
      throw new UserError({
        kind: 'usage',
        code: 'BAD_ORIGIN',
        message: `"${pair}" is not an origin`,
        why: 'It is HOST=ADDRESS:PORT with an address of this machine, e.g. git.example.com=127.0.0.1:2222.',
      })
    }
    origins[match[1].toLowerCase()] = match[2]
  }
  return origins
}

function bad(file: string, why: string): UserError {
  return new UserError({kind: 'usage', code: 'BAD_SEED', message: `The seed ${file} cannot be used`, why})
}
