import type {StoreStatus} from '../types.js'
import type {HelperAnswer} from './run-helper.js'

/** What is wrong with a helper, in zt's words. */
export interface Complaint {
  code: 'no-entry' | 'not-initialised' | 'other'
  state: StoreStatus['state']
  /** A sentence, or the text after "It says:". */
  why: string
  next?: string[]
}

/** Messages of the helpers that Docker and Debian ship. They are matched, and never shown. */
const KNOWN: [RegExp, Complaint][] = [
  [/^credentials not found in native keychain$/, {code: 'no-entry', state: 'ready', why: ''}],
  [
    /password store is empty|pass not initialized/i,
    {
      code: 'not-initialised',
      state: 'broken',
      why: 'pass has not been initialised.',
      next: ['Initialise it with the ID of a gpg key: pass init GPG-ID', 'Use another store: zt store list'],
    },
  ],
  [
    /encryption failed|No public key|unusable public key/i,
    {
      code: 'other',
      state: 'broken',
      why: 'gpg cannot encrypt for the key that pass was initialised with.',
      next: ['Check the key: gpg --list-keys', 'Give pass the ID of that key: pass init GPG-ID'],
    },
  ],
  [
    /No secret key|decryption failed|pinentry|Inappropriate ioctl|Operation cancelled|Timeout|Bad passphrase/i,
    {
      code: 'other',
      state: 'locked',
      why: 'gpg could not decrypt: its secret key is missing or locked.',
      next: [
        'Unlock the key in a terminal, for example with pass show and any entry, then try again',
        'Use another store: zt store list',
      ],
    },
  ],
  [
    /locked collection|Cannot (create|get) .{0,200} locked|prompt.{0,200}dismissed|is locked/i,
    {
      code: 'other',
      state: 'locked',
      why: 'The keyring behind it is locked.',
      next: ['Unlock the keyring', 'Use another store: zt store list'],
    },
  ],
  [
    /org\.freedesktop\.secrets was not provided|Cannot autolaunch D-Bus|Object does not exist at path/i,
    {
      code: 'other',
      state: 'broken',
      why: 'The keyring behind it does not run, or has no default collection.',
      next: ['Use another store: zt store list'],
    },
  ],
]

/** What a failed answer of a helper means, in zt's own words. */
export function complaintOf(answer: HelperAnswer): Complaint {
  const {code, end, stdout, stderr} = answer
  if (end === 'no-start') return {code: 'other', state: 'broken', why: 'It could not be started.'}
  if (end === 'too-long') return {code: 'other', state: 'broken', why: 'It did not stop writing.'}
  if (end === 'signal') return {code: 'other', state: 'broken', why: 'It died before it answered.'}
  // The protocol puts errors on stdout, but not every helper does.
  const texts = [stdout, stderr].map((text) => text.trim())
  for (const [pattern, complaint] of KNOWN) if (texts.some((text) => pattern.test(text))) return complaint
  return {
    code: 'other',
    state: 'broken',
    // Nothing of it is shown: the answer may hold the secret, in any form.
    why: `It ended with code ${code ?? 'none'}. zt does not know its message and does not show it, as it may hold a secret.`,
  }
}
