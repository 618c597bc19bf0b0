/** An environment variable that zt reads. */
export interface EnvironmentVariable {
  /** Some are read in lower case as well; their meaning says so. */
  name: string
  /** `secret`: the value is a secret. `internal`: zt sets it for a process that it starts. */
  kind: 'secret' | 'setting' | 'network' | 'place' | 'output' | 'node' | 'system' | 'internal'
  meaning: string
}

/**
 * What `zt help environment` prints, in this order. A test compares it with what src/ and bin/ read. Variables that only
 * node, a library or a program started by zt reads are not listed.
 */
export const ENVIRONMENT_VARIABLES: readonly EnvironmentVariable[] = [
  {name: 'CLOUDFLARE_API_TOKEN', kind: 'secret', meaning: "API token to use instead of the profile's"},
  {
    name: 'CF_ACCESS_CLIENT_SECRET',
    kind: 'secret',
    meaning: 'client secret of the service token to use, with CF_ACCESS_CLIENT_ID (the store "env")',
  },

  {name: 'CF_ACCESS_CLIENT_ID', kind: 'setting', meaning: 'client ID of that service token'},
  {name: 'ZT_PROFILE', kind: 'setting', meaning: 'profile to use; --profile overrides it'},
  {
    name: 'CLOUDFLARE_ACCOUNT_ID',
    kind: 'setting',
    meaning: 'ID of the account to use; --account overrides it',
  },
  {
    name: 'ZT_STORE',
    kind: 'setting',
    meaning: 'secret store: keychain, vault, helper:NAME or env; --store overrides it',
  },
  {
    name: 'ZT_CREDENTIAL_HELPER',
    kind: 'setting',
    meaning: 'NAME of docker-credential-NAME for profiles without a store if the machine has no keychain',
  },
  {name: 'ZT_VAULT_IDENTITY', kind: 'setting', meaning: "file with the vault's age identity"},
  {
    name: 'ZT_VAULT_PASSPHRASE_FILE',
    kind: 'setting',
    meaning: 'file with the passphrase of that identity, for unattended runs',
  },
  {
    name: 'ZT_VAULT_RECIPIENT',
    kind: 'setting',
    meaning: 'age recipients to encrypt to, separated by commas: zt can then write the vault but not read it',
  },

  {
    name: 'ZT_CONNECT_TO',
    kind: 'network',
    meaning: "HOST:PORT of the edge, instead of the host's own address",
  },
  {name: 'ZT_CA_FILE', kind: 'network', meaning: 'PEM file of a CA to trust for connections to the edge'},
  {
    name: 'ZT_RATE_LIMIT_WAIT',
    kind: 'network',
    meaning: 'how long to wait when Cloudflare asks for a pause: 30s, 5m; 0 never waits (default: 1m)',
  },
  {
    name: 'ZT_PATIENCE',
    kind: 'network',
    meaning:
      'factor for all time limits on other programs, the API and the edge, 1 to 100: for slow machines',
  },
  {
    name: 'HTTPS_PROXY',
    kind: 'network',
    meaning: 'proxy for connections to the edge; may contain a password. https_proxy overrides it',
  },
  {
    name: 'NO_PROXY',
    kind: 'network',
    meaning: 'hosts to reach without the proxy, separated by commas; * for all. Also no_proxy',
  },
  {
    name: 'RES_OPTIONS',
    kind: 'network',
    meaning: "options of the system's resolver; if not set, name servers get as long as --timeout allows",
  },
  {
    name: 'NODE_EXTRA_CA_CERTS',
    kind: 'network',
    meaning: 'PEM file of additional CAs to trust; node reads it as well',
  },
  {
    name: 'NODE_USE_SYSTEM_CA',
    kind: 'network',
    meaning: "1: also trust the system's CAs, with node 24 or newer; not in the single executable",
  },
  {name: 'SSL_CERT_FILE', kind: 'network', meaning: "OpenSSL's CA file, instead of the system's"},
  {name: 'SSL_CERT_DIR', kind: 'network', meaning: "OpenSSL's CA directory, instead of the system's"},
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
    meaning: 'directory of the cache, which can be deleted at any time (default: ~/.cache)',
  },
  {name: 'APPDATA', kind: 'place', meaning: 'on Windows, instead of ~/.config'},
  {name: 'LOCALAPPDATA', kind: 'place', meaning: 'on Windows, instead of the other three'},
  {
    name: 'ZT_CODE_CACHE',
    kind: 'place',
    meaning: 'off: keep no compiled code in the cache directory',
  },
  {
    name: 'ZT_COMPLETION_NAMES',
    kind: 'place',
    meaning: "off: do not complete names of the account's objects, and keep none in the cache directory",
  },

  {name: 'NO_COLOR', kind: 'output', meaning: 'set and not empty: no colours'},
  {name: 'FORCE_COLOR', kind: 'output', meaning: '1: colours even without a terminal; 0: none'},
  {name: 'TERM', kind: 'output', meaning: 'dumb: no colours'},
  {name: 'COLORTERM', kind: 'output', meaning: 'set: the terminal has colours'},
  {
    name: 'COLUMNS',
    kind: 'output',
    meaning: 'width of tables and messages when output is piped',
  },
  {name: 'OCLIF_COLUMNS', kind: 'output', meaning: 'width of help'},
  {
    name: 'ZT_DEBUG',
    kind: 'output',
    meaning: 'set: show where an unexpected error was thrown; prints no data',
  },
  {
    name: 'GITHUB_ACTIONS',
    kind: 'output',
    meaning: "true: --reveal masks the secret in the workflow's log",
  },

  {name: 'NODE_DEBUG', kind: 'node', meaning: 'ignored: node would print credentials'},
  {name: 'NODE_DEBUG_NATIVE', kind: 'node', meaning: 'ignored: node would print credentials'},
  {
    name: 'NODE_OPTIONS',
    kind: 'node',
    meaning: 'switches for node; those that would expose credentials are ignored',
  },
  {
    name: 'NODE_TLS_REJECT_UNAUTHORIZED',
    kind: 'node',
    meaning: '0 is an error: certificates are always checked',
  },

  {
    name: 'PATH',
    kind: 'system',
    meaning: 'where zt finds ssh, curl, cloudflared and credential helpers',
  },
  {name: 'SUDO_UID', kind: 'system', meaning: "user ID of sudo's caller, whose .zt.json root also accepts"},
  {name: 'SHELL', kind: 'system', meaning: 'shell that zt completion gives instructions for'},
  {
    name: 'PASSWORD_STORE_GPG_OPTS',
    kind: 'system',
    meaning: 'options that pass gives to gpg; at TAB zt adds one that keeps gpg from prompting',
  },
  {name: 'PATHEXT', kind: 'system', meaning: 'on Windows, the extensions of programs'},
  {
    name: 'DBUS_SESSION_BUS_ADDRESS',
    kind: 'system',
    meaning: 'on Linux, the D-Bus session bus of the Secret Service',
  },
  {
    name: 'XDG_RUNTIME_DIR',
    kind: 'system',
    meaning: 'directory of that bus, if DBUS_SESSION_BUS_ADDRESS is not set',
  },

  {
    name: 'ZT_SSH_REPORT',
    kind: 'internal',
    meaning: 'file in which the proxy tells zt ssh why it failed',
  },
]
