/** A variable of the environment that zt reads. */
export interface EnvironmentVariable {
  /** As it is written; some are read in lower case, too, and their meaning says so. */
  name: string
  /** `secret`: its value is one. `internal`: set by zt for a process of its own. */
  kind: 'secret' | 'setting' | 'network' | 'place' | 'output' | 'node' | 'system' | 'internal'
  meaning: string
}

/**
 * What `zt help environment` prints, in that order. A test compares it with what src/ and bin/ read. What only node, a
 * library or a program that zt starts reads is not in it.
 */
export const ENVIRONMENT_VARIABLES: readonly EnvironmentVariable[] = [
  {name: 'CLOUDFLARE_API_TOKEN', kind: 'secret', meaning: "API token, instead of the profile's"},
  {
    name: 'CF_ACCESS_CLIENT_SECRET',
    kind: 'secret',
    meaning: 'Client Secret of a service token to use, with CF_ACCESS_CLIENT_ID: the store env',
  },

  {name: 'CF_ACCESS_CLIENT_ID', kind: 'setting', meaning: 'Client ID of that service token'},
  {name: 'ZT_PROFILE', kind: 'setting', meaning: 'profile to work with; --profile goes first'},
  {
    name: 'CLOUDFLARE_ACCOUNT_ID',
    kind: 'setting',
    meaning: 'id of the account to work with; --account goes first',
  },
  {
    name: 'ZT_STORE',
    kind: 'setting',
    meaning: 'where secrets are kept: keychain, vault, helper:NAME or env; --store goes first',
  },
  {
    name: 'ZT_CREDENTIAL_HELPER',
    kind: 'setting',
    meaning: 'NAME of docker-credential-NAME for a profile without a store on a machine without a keychain',
  },
  {name: 'ZT_VAULT_IDENTITY', kind: 'setting', meaning: "file with the vault's age identity"},
  {
    name: 'ZT_VAULT_PASSPHRASE_FILE',
    kind: 'setting',
    meaning: 'file with the passphrase of that identity, for runs without a person',
  },
  {
    name: 'ZT_VAULT_RECIPIENT',
    kind: 'setting',
    meaning:
      'age recipients to encrypt to, with commas between them: writes a vault that cannot be read here',
  },

  {
    name: 'ZT_CONNECT_TO',
    kind: 'network',
    meaning: "HOST:PORT to reach the edge at, instead of the host's own address",
  },
  {name: 'ZT_CA_FILE', kind: 'network', meaning: 'PEM file of a CA to trust for the edge'},
  {
    name: 'ZT_RATE_LIMIT_WAIT',
    kind: 'network',
    meaning:
      'how long to wait where Cloudflare asks for a pause: 30s, 5m; 0 waits for none (default: a minute)',
  },
  {
    name: 'ZT_PATIENCE',
    kind: 'network',
    meaning:
      'how many times as long as usual to wait for other programs, the API and the edge, 1 to 100: for slow machines',
  },
  {
    name: 'HTTPS_PROXY',
    kind: 'network',
    meaning: 'proxy to reach the edge through; may hold a password. Also https_proxy, which goes first',
  },
  {
    name: 'NO_PROXY',
    kind: 'network',
    meaning: 'hosts to reach without the proxy, with commas between them; * for all. Also no_proxy',
  },
  {
    name: 'RES_OPTIONS',
    kind: 'network',
    meaning:
      "options of the system's resolver; where it is not set, name servers get as long as --timeout allows",
  },
  {
    name: 'NODE_EXTRA_CA_CERTS',
    kind: 'network',
    meaning: 'PEM file of CAs to trust besides; read by node as well',
  },
  {
    name: 'NODE_USE_SYSTEM_CA',
    kind: 'network',
    meaning: "1: trust the system's CAs too, on node 24 and newer; not in the single executable",
  },
  {name: 'SSL_CERT_FILE', kind: 'network', meaning: "OpenSSL's file of CAs, instead of the system's"},
  {name: 'SSL_CERT_DIR', kind: 'network', meaning: "OpenSSL's directory of CAs, instead of the system's"},
  {name: 'CLOUDFLARED', kind: 'network', meaning: 'path of cloudflared, for --client cloudflared'},

  {
    name: 'XDG_CONFIG_HOME',
    kind: 'place',
    meaning: "directory of zt/config.json and the vault's identity (default: ~/.config)",
  },
  {
    name: 'XDG_DATA_HOME',
    kind: 'place',
    meaning: 'directory of zt/vault, zt/index and zt/hosts (default: ~/.local/share)',
  },
  {
    name: 'XDG_STATE_HOME',
    kind: 'place',
    meaning: 'directory of zt/undo, locks and the sandbox (default: ~/.local/state)',
  },
  {
    name: 'XDG_CACHE_HOME',
    kind: 'place',
    meaning: 'directory of what may be lost (default: ~/.cache)',
  },
  {name: 'APPDATA', kind: 'place', meaning: 'on Windows: instead of ~/.config'},
  {name: 'LOCALAPPDATA', kind: 'place', meaning: 'on Windows: instead of the other three'},
  {
    name: 'ZT_CODE_CACHE',
    kind: 'place',
    meaning: 'off: keep no compiled code in the cache directory',
  },
  {
    name: 'ZT_COMPLETION_NAMES',
    kind: 'place',
    meaning: "off: complete no names of the account's objects, and keep none in the cache directory",
  },

  {name: 'NO_COLOR', kind: 'output', meaning: 'set and not empty: no colours'},
  {name: 'FORCE_COLOR', kind: 'output', meaning: '1: colours even where nobody looks at a terminal; 0: none'},
  {name: 'TERM', kind: 'output', meaning: 'dumb: no colours'},
  {name: 'COLORTERM', kind: 'output', meaning: 'set: the terminal has colours'},
  {
    name: 'COLUMNS',
    kind: 'output',
    meaning: 'how wide to make tables and messages where they are piped',
  },
  {name: 'OCLIF_COLUMNS', kind: 'output', meaning: 'how wide to make help'},
  {name: 'ZT_DEBUG', kind: 'output', meaning: 'set: where an unexpected error was thrown; no data'},
  {
    name: 'GITHUB_ACTIONS',
    kind: 'output',
    meaning: 'true: --reveal masks the secret in the log of the workflow',
  },

  {name: 'NODE_DEBUG', kind: 'node', meaning: 'set aside: node would print credentials'},
  {name: 'NODE_DEBUG_NATIVE', kind: 'node', meaning: 'set aside: node would print credentials'},
  {
    name: 'NODE_OPTIONS',
    kind: 'node',
    meaning: 'switches for node; those that would print, write or open credentials are set aside',
  },
  {
    name: 'NODE_TLS_REJECT_UNAUTHORIZED',
    kind: 'node',
    meaning: '0 is refused: certificates are always checked',
  },

  {
    name: 'PATH',
    kind: 'system',
    meaning: 'where ssh, curl, cloudflared and credential helpers are looked for',
  },
  {name: 'SUDO_UID', kind: 'system', meaning: "whose .zt.json root uses besides its own: sudo's caller's"},
  {name: 'SHELL', kind: 'system', meaning: 'for which shell zt completion says how to install it'},
  {
    name: 'PASSWORD_STORE_GPG_OPTS',
    kind: 'system',
    meaning: 'options of pass for gpg; at TAB one is added by which gpg asks nobody',
  },
  {name: 'PATHEXT', kind: 'system', meaning: 'on Windows: how the names of programs end'},
  {name: 'DBUS_SESSION_BUS_ADDRESS', kind: 'system', meaning: 'the bus of the Secret Service, on Linux'},
  {
    name: 'XDG_RUNTIME_DIR',
    kind: 'system',
    meaning: 'directory with that bus, where DBUS_SESSION_BUS_ADDRESS is not set',
  },

  {
    name: 'ZT_SSH_REPORT',
    kind: 'internal',
    meaning: 'file by which zt ssh learns why its proxy failed',
  },
]
