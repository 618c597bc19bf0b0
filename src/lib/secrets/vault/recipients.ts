import {UserError} from '../../core/errors.js'

/**
 * Refuses recipients that age cannot encrypt to.
 *
 * @throws UserError `usage` / `BAD_RECIPIENT`, which does not repeat an identity that was given by mistake
 */
export async function checkRecipients(recipients: readonly string[]): Promise<void> {
  if (recipients.length === 0) return
  const age = await import('age-encryption')
  for (const recipient of recipients) {
    try {
      new age.Encrypter().addRecipient(recipient)
    } catch {
      throw badRecipient(recipient)
    }
  }
}

function badRecipient(text: string): UserError {
  const identity = /age-secret-key-/i.test(text)
  return new UserError({
    kind: 'usage',
    code: 'BAD_RECIPIENT',
    message: identity
      ? 'An identity was given instead of a recipient'
      : `"${/^age1[0-9a-z]*$/.test(text) ? text.slice(0, 80) : '[hidden]'}" is not an age recipient`,
    why: identity
      ? 'AGE-SECRET-KEY-... is the secret half. The recipient begins with age1 and is public.'
      : 'A recipient begins with age1; age-keygen prints it as "Public key". Nothing was written.',
    next: ['To show the recipient of an identity: age-keygen -y FILE'],
  })
}
