import type {StoreStatus} from '../types.js'
import type {HelperAnswer} from './run-helper.js'

/** What is wrong with a helper, in our words. */
export interface Complaint {
  code: 'no-entry' | 'not-initialised' | 'other'
  state: StoreStatus['state']
  /** A sentence, or what stands behind "It says:". */
  why: string
  next?: string[]
}

/** Messages of the helpers that Docker and Debian ship. Each is matched, and never shown. */
const KNOWN: [RegExp, Complaint][] = [
  [/^credentials not found in native keychain$/, {code: 'no-entry', state: 'ready', why: ''}],
  [
    /password store is empty|pass not initialized/i,
    {
      code: 'not-initialised',
      state: 'broken',
      why: 'pass has not been initialised.',
      next: [
        'Make its store, with the id of a gpg key: pass init GPG-ID',
        'Use another store: zt store list',
      ],
    },
  ],
  [
    /encryption failed|No public key|unusable public key/i,
    {
      code: 'other',
      state: 'broken',
      why: 'gpg cannot encrypt for the key that pass was initialised with.',
      next: ['Look at the key: gpg --list-keys', 'pass init GPG-ID'],
    },
  ],
  [
    /No secret key|decryption failed|pinentry|Inappropriate ioctl|Operation cancelled|Timeout|Bad passphrase/i,
    {
      code: 'other',
      state: 'locked',
      why: 'gpg could not decrypt: its secret key is not there or is locked.',
      next: [
        'Unlock the key in a terminal, for example by pass show with any entry, and try again',
        'Use another store: zt store list',
      ],
    },
  ],
  [
    /locked collection|Cannot (create|get) .* locked|prompt.*dismissed|is locked/i,
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

/** What a helper that failed means, in our own words. */
export function complaintOf(answer: HelperAnswer): Complaint {
  const {code, end, stdout, stderr} = answer
  if (end === 'no-start') return {code: 'other', state: 'broken', why: 'It could not be started.'}
  if (end === 'too-long') return {code: 'other', state: 'broken', why: 'It wrote without end.'}
  if (end === 'signal') return {code: 'other', state: 'broken', why: 'It died before it had answered.'}
  // The protocol has errors on stdout; not every helper keeps to it.
  const texts = [stdout, stderr].map((text) => text.trim())
  for (const [pattern, complaint] of KNOWN) if (texts.some((text) => pattern.test(text))) return complaint
  return {
    code: 'other',
    state: 'broken',
    // Nothing of it is shown: an answer may hold the secret, in whatever form.
    why: `It ended with code ${code ?? 'none'}. What it said is not known to zt, and not shown: it may hold a secret.`,
  }
}
