import {UserError} from '../../core/errors.js'

/**
 * Refuses what age cannot encrypt to.
 *
 * @throws UserError `usage` / `BAD_RECIPIENT`; an identity that was given by mistake is not repeated
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
      ? 'An identity was given where a recipient belongs'
      : `"${/^age1[0-9a-z]*$/.test(text) ? text.slice(0, 80) : '[hidden]'}" is not an age recipient`,
    why: identity
      ? 'AGE-SECRET-KEY-… is the secret half. The recipient begins with age1, and anybody may know it.'
      : 'A recipient is what age-keygen prints as "Public key", and begins with age1. Nothing was written.',
    next: ['The recipient of an identity: age-keygen -y FILE'],
  })
}
