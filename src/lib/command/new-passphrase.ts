import type {Prompts} from '../cli/prompts.js'
import {UserError} from '../core/errors.js'
import type {Secret} from '../core/secret.js'

/** A new passphrase, typed twice: a typing mistake could not be found later. */
export async function askNewPassphrase(prompts: Prompts): Promise<Secret> {
  if (!prompts.possible) {
    throw new UserError({
      kind: 'usage',
      code: 'INPUT_REQUIRED',
      message: 'The passphrase is missing',
      why: 'zt cannot prompt for it here.',
      next: ['Set ZT_VAULT_PASSPHRASE_FILE to a file with the passphrase (mode 0600)'],
    })
  }
  const passphrase = await prompts.secret('Passphrase of the new identity')
  if (passphrase.isEmpty || (await prompts.secret('Passphrase again')).equals(passphrase)) return passphrase
  throw new UserError({
    kind: 'usage',
    code: 'PASSPHRASES_DIFFER',
    message: 'The two passphrases are not the same',
    why: 'One of them was mistyped. No identity was made.',
    next: ['zt store use vault --passphrase'],
  })
}
