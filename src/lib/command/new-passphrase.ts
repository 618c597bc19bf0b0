import type {Prompts} from '../cli/prompts.js'
import {UserError} from '../core/errors.js'
import type {Secret} from '../core/secret.js'

/** A passphrase for something new: typed twice, since nobody could find out what was mistyped. */
export async function askNewPassphrase(prompts: Prompts): Promise<Secret> {
  if (!prompts.possible) {
    throw new UserError({
      kind: 'usage',
      code: 'INPUT_REQUIRED',
      message: 'The passphrase is missing',
      why: 'There is nobody to ask for it.',
      next: ['Set ZT_VAULT_PASSPHRASE_FILE to a file that holds it (mode 0600)'],
    })
  }
  const passphrase = await prompts.secret('Passphrase of the new identity')
  if (passphrase.isEmpty || (await prompts.secret('The same again')).equals(passphrase)) return passphrase
  throw new UserError({
    kind: 'usage',
    code: 'PASSPHRASES_DIFFER',
    message: 'The two passphrases are not the same',
    why: 'One of them was mistyped. Nothing was made.',
    next: ['zt store use vault --passphrase'],
  })
}
