// Texts of the man pages that are neither in the manifest nor in the tables in src/lib/core.

export const DESCRIPTION = [
  'zt administers Cloudflare Access for machines. It creates service tokens and keeps the one-time secret in the OS keychain, a credential helper or an age vault. It lets service tokens into applications with Service Auth rules, and opens SSH through the tunnel with them.',
  'Settings come from flags, then the environment, then the .zt.json of the project, then the profile. Results go to stdout, messages to stderr. Every command has --json, with --fields and --jq to choose from it, and never prompts with --no-input or without a terminal.',
  'An error says what failed (error:), why (why:) and what to do next (next:). Its kind determines the exit status.',
]

/** Every path and what it contains. ~/.config and the like are the defaults of the XDG variables. */
export const FILES = [
  ['~/.config/zt/config.json', 'Profiles: account, store, addresses. No secrets.'],
  [
    '~/.config/zt/identity.txt',
    'The age identity of the vault, a secret. Without it the vault cannot be opened: back it up.',
  ],
  [
    '.zt.json',
    'The profile and account that a project uses. zt looks in the current directory and its parents.',
  ],
  ['~/.local/share/zt/vault/', 'The age vault: one encrypted file per secret.'],
  ['~/.local/share/zt/index/', "Which store has which service token's secret. No secrets."],
  ['~/.local/share/zt/hosts/', 'Which service token each host may receive. No secrets.'],
  ['~/.local/share/zt/journal/', 'Unfinished operations: see zt token recover. No secrets.'],
  ['~/.local/state/zt/undo/', 'The edits that zt undo can revert. No secrets.'],
  ['~/.local/state/zt/sandbox/', 'The local Access of zt sandbox start.'],
  ['~/.cache/zt/', 'The cache. It can be deleted at any time.'],
  ['~/.ssh/config', 'Where zt ssh config --write adds a block.'],
]

export const SECURITY = [
  'zt reads a secret from stdin, a hidden prompt, the store or the environment, never from a flag: every process can read a command line. It keeps a secret in the chosen store and in no other file. It sends a secret only to the API, or to a host that its service token is bound to, over TLS with a checked certificate.',
  'Any program that runs as the same user can read the vault, an unlocked keychain, and the environment and memory of a process. Programs inherit a secret in the environment, so the store is the safer place.',
  'zt restarts itself without node switches that would print or write secrets (NODE_DEBUG, --report-on-signal in NODE_OPTIONS, and others).',
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
  ['Replace its secret; both secrets work for a day:', ['zt token rotate gitlab-admin --grace 24h']],
  ['Try everything locally, without an account:', ['zt sandbox start', 'zt token list --profile sandbox']],
]

/** Commands that pass the words after `--` to another program, and what those words are. */
export const BEHIND_DASHES = {
  curl: {what: 'CURL-OPTION', required: false},
  exec: {what: 'COMMAND', required: true},
  forward: {what: 'COMMAND', required: false},
  ssh: {what: 'SSH-ARGUMENT', required: false},
}
