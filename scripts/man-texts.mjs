// What the man pages say that is in neither the manifest nor the tables of the sources.

export const DESCRIPTION = [
  'zt administers Cloudflare Access for machines: it creates service tokens and keeps the one-time secret in the OS keychain, a credential helper or an age vault, lets them into applications by Service Auth rules, and opens SSH through the tunnel with them.',
  "Settings come from flags, then the environment, then the project's .zt.json, then the profile. What was asked for goes to stdout, what is said about it to stderr. Every command has --json, and asks nothing with --no-input or without a terminal.",
  'An error says what happened (error:), why (why:) and what to do (next:); its kind decides the exit status.',
]

/** Every path with what is there; ~/.config and the like are where the XDG variables do not say otherwise. */
export const FILES = [
  ['~/.config/zt/config.json', 'Profiles: account, store, addresses. No secrets.'],
  [
    '~/.config/zt/identity.txt',
    "The vault's age identity: secret. Without it the vault cannot be opened: back it up.",
  ],
  [
    '.zt.json',
    'The project: which profile and account to work with. Looked for in this directory and those above it.',
  ],
  ['~/.local/share/zt/vault/', 'The age vault: one file for each secret, encrypted.'],
  ['~/.local/share/zt/index/', "Which service token's secret is in which store. No secrets."],
  ['~/.local/share/zt/hosts/', 'Which service token a host may receive. No secrets.'],
  ['~/.local/share/zt/journal/', 'What was begun and is not done: see zt token recover. No secrets.'],
  ['~/.local/state/zt/undo/', 'The edits that zt undo can take back. No secrets.'],
  ['~/.local/state/zt/sandbox/', 'The local Access of zt sandbox start.'],
  ['~/.cache/zt/', 'What may be lost.'],
  ['~/.ssh/config', 'Where zt ssh config --write puts its block.'],
]

export const SECURITY = [
  'A secret is read from stdin, a hidden prompt, the store or the environment, never from a flag: every process can read a command line. It is kept in the store that was chosen and in no other file. It goes to the API, or to a host that its service token is bound to, over TLS with a checked certificate.',
  'Any program that runs as the same user can read the vault, an unlocked keychain, and the environment and memory of a process. A secret in the environment is inherited by every program that is started there: the store is the safer place.',
  'zt starts itself again without the switches of node that would print or write secrets (NODE_DEBUG, --report-on-signal in NODE_OPTIONS and their like).',
]

export const EXAMPLES = [
  [
    'Let a new service token into an application, and open SSH with it:',
    [
      'zt token create gitlab-admin',
      'zt app add-rule GitLab --service-auth --token gitlab-admin',
      'zt ssh git@gitlab-ssh.widgetcorp.tech',
    ],
  ],
  ['Replace its secret; both work for a day:', ['zt token rotate gitlab-admin --grace 24h']],
  [
    'Try everything on this machine, without an account:',
    ['zt sandbox start', 'zt token list --profile sandbox'],
  ],
]

/** Commands that give the words behind `--` to another program, and what these are. */
export const BEHIND_DASHES = {
  curl: {what: 'CURL-OPTION', required: false},
  exec: {what: 'COMMAND', required: true},
  ssh: {what: 'SSH-ARGUMENT', required: false},
}
