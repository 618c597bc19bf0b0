import type {Prompts} from '../cli/prompts.js'
import {readSecretFromStdin} from '../cli/stdin.js'
import {UserError} from '../core/errors.js'
import {COPIED_LIMIT, hasBothHalves, readCopiedPair, type WayIn} from '../secrets/copied/pair.js'
import type {ServiceCredentials} from '../secrets/types.js'
import {reading} from '../core/shell-words.js'

const IMPORT: WayIn = {
  undone: 'Nothing was changed.',
  next: [
    'Give zt two lines, CF-Access-Client-Id: and CF-Access-Client-Secret:, or JSON with "client_id" and "client_secret"',
    reading('zt token import'),
  ],
}

/**
 * A service token's pair in the form in which it was copied: from prompts on a terminal, which echo nothing, or from stdin.
 *
 * @throws UserError `usage` / `INPUT_REQUIRED`, `BAD_CREDENTIALS`, without any part of the input; `cancelled`
 */
export async function readCopiedCredentials(prompts: Prompts): Promise<ServiceCredentials> {
  if (prompts.possible) {
    const first = {text: await prompts.pasted('Client ID, or both as they were copied'), as: 'id'} as const
    if (hasBothHalves(first)) return readCopiedPair([first], IMPORT)
    return readCopiedPair([first, {text: await prompts.pasted('Client Secret'), as: 'secret'}], IMPORT)
  }
  const input = process.stdin.isTTY ? undefined : await readSecretFromStdin(COPIED_LIMIT)
  if (input) return readCopiedPair([{text: input}], IMPORT)
  throw new UserError({
    kind: 'usage',
    code: 'INPUT_REQUIRED',
    message: 'The credentials are missing',
    why: 'zt reads them from stdin, or prompts for them on a terminal.',
    next: [reading('zt token import')],
  })
}
