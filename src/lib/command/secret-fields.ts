import type {SecretFields} from '../access/account/context.js'
import {isMask} from '../access/edit/withheld.js'
import type {Prompts} from '../cli/prompts.js'
import {readSecretFromStdin} from '../cli/stdin.js'
import {UserError} from '../core/errors.js'
import {isJsonObject} from '../core/json.js'
import {Secret} from '../core/secret.js'
import {reading} from '../core/shell-words.js'

/**
 * Reads a secret for each field: from a hidden prompt on a terminal; from stdin otherwise, where one secret is all of the
 * input, and several are a JSON object by the names of the fields.
 *
 * @param options.send false: the secrets are not sent, so they are not read
 * @throws UserError `usage` / `INPUT_REQUIRED`, `BAD_SECRET_FIELDS`, without any part of the input; `cancelled`
 */
export async function readSecretFields(
  names: readonly string[],
  prompts: Prompts,
  {send}: {send: boolean},
): Promise<SecretFields> {
  const fields = new Map<string, Secret | undefined>(names.map((name) => [name, undefined]))
  if (!send) return fields
  if (prompts.possible) {
    for (const name of fields.keys()) fields.set(name, usable(name, await prompts.secret(name)))
    return fields
  }
  const input = process.stdin.isTTY ? undefined : await readSecretFromStdin()
  if (!input) throw missing([...fields.keys()])
  const values = fields.size === 1 ? undefined : parseSecrets(input)
  for (const name of fields.keys()) fields.set(name, usable(name, values ? values(name) : input))
  return fields
}

function usable(name: string, secret: Secret | undefined): Secret {
  if (!secret || secret.isEmpty) throw missing([name])
  if (!isMask(secret.expose())) return secret
  throw new UserError({
    kind: 'usage',
    code: 'BAD_SECRET_FIELDS',
    message: `The secret for ${name} is a mask`,
    why: "It looks like what Cloudflare's API shows in place of a secret, which would be stored as the secret. Nothing was changed.",
    next: ['Run the command again with the secret itself on stdin'],
  })
}

function parseSecrets(input: Secret): (name: string) => Secret | undefined {
  let value: unknown
  try {
    value = JSON.parse(input.expose())
  } catch {
    // The parser's message quotes its input.
  }
  if (isJsonObject(value)) {
    const object = value
    return (name) => {
      const text = Object.hasOwn(object, name) ? object[name] : undefined
      return typeof text === 'string' ? new Secret(text) : undefined
    }
  }
  throw new UserError({
    kind: 'usage',
    code: 'BAD_SECRET_FIELDS',
    message: 'The secrets on stdin cannot be read',
    why: 'Several --secret-field need a JSON object on stdin, with a text for each field. Nothing was changed.',
    next: [
      'For example: {"scim_config.authentication.0.password": "...", "scim_config.authentication.1.client_secret": "..."}',
    ],
  })
}

function missing(names: readonly string[]): UserError {
  return new UserError({
    kind: 'usage',
    code: 'INPUT_REQUIRED',
    message: `The secret for ${names.join(', ')} is missing`,
    why: 'zt reads it from stdin, or prompts for it on a terminal. Several are read from stdin as a JSON object by field. Nothing was changed.',
    next: [`Run the command again: ${reading('zt ...')}`],
  })
}
