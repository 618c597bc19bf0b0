type Kind = 'secret' | 'setting' | 'network' | 'place' | 'output' | 'node' | 'system' | 'internal'

/** A variable of the environment that zt reads. */
export interface EnvironmentVariable {
  /** As it is written; some are also read in lower case, which their meaning says. */
  name: string
  /** `secret`: its value is one. `internal`: zt sets it for one of its own processes. */
  kind: Kind
  meaning: string
}

const MEANINGS: Record<Kind, Record<string, string>> = {
  secret: {
    CLOUDFLARE_API_TOKEN: "API token, instead of the profile's",
    CF_ACCESS_CLIENT_SECRET:
      'client secret of a service token to use, with CF_ACCESS_CLIENT_ID: the store env',
    TUNNEL_SERVICE_TOKEN_SECRET: "the same under cloudflared's name, with TUNNEL_SERVICE_TOKEN_ID",
  },
  setting: {
    CF_ACCESS_CLIENT_ID: 'client ID of that service token',
    TUNNEL_SERVICE_TOKEN_ID: "the same under cloudflared's name",
    ZT_HOSTS:
      'hosts that this service token is for, separated by commas: build.example.com, *.ci.example.com; if unset, the host of the command line',
    ZT_PROFILE: 'profile to work with; --profile overrides it',
    CLOUDFLARE_ACCOUNT_ID: 'ID of the account to work with; --account overrides it',
    ZT_STORE: 'where secrets are kept: one of the stores of zt store list, or env; --store overrides it',
    ZT_CREDENTIAL_HELPER:
      'NAME of docker-credential-NAME for a profile without a store on a machine without a keychain',
    ZT_VAULT_IDENTITY: "file with the vault's age identity",
    ZT_VAULT_PASSPHRASE_FILE: 'file with the passphrase of that identity, for unattended runs',
    ZT_VAULT_RECIPIENT:
      'age recipients to encrypt to, separated by commas: writes a vault that this machine cannot read',
  },
  network: {
    ZT_CONNECT_TO: "HOST:PORT to reach the edge at, instead of the host's own address",
    ZT_CA_FILE: 'PEM file of a CA to trust for the edge',
    ZT_RATE_LIMIT_WAIT:
      'how long to wait when Cloudflare asks for a pause: 30s, 5m; 0 never waits (default: one minute)',
    ZT_PATIENCE:
      'factor, 1 to 100, for how long zt waits for other programs, the API and the edge: for slow machines',
    HTTPS_PROXY:
      'proxy to reach the edge and the API through; may hold a password. Also https_proxy, which takes precedence',
    NO_PROXY: 'hosts to reach without the proxy, separated by commas; * for all. Also no_proxy',
    RES_OPTIONS: "options of the system's resolver; if unset, name servers get as long as --timeout allows",
    NODE_EXTRA_CA_CERTS: 'PEM file of further CAs to trust; node reads it too',
    NODE_USE_SYSTEM_CA: "1: also trust the system's CAs, on node 24 and newer; not in the single executable",
    SSL_CERT_FILE: "OpenSSL's file of CAs, instead of the system's",
    SSL_CERT_DIR: "OpenSSL's directory of CAs, instead of the system's",
    TUNNEL_SERVICE_HOSTNAME: 'host of zt access ssh, without --hostname',
    TUNNEL_SERVICE_DESTINATION: 'destination of zt access ssh, without --destination',
    TUNNEL_SERVICE_URL: 'address that zt access ssh listens on, without --url',
    CLOUDFLARED: 'path of cloudflared, for --client cloudflared',
  },
  place: {
    XDG_CONFIG_HOME: "directory of zt/config.json and the vault's identity (default: ~/.config)",
    XDG_DATA_HOME: 'directory of zt/vault, zt/index and zt/hosts (default: ~/.local/share)',
    XDG_STATE_HOME: 'directory of zt/undo, locks and the sandbox (default: ~/.local/state)',
    XDG_CACHE_HOME: 'directory of the caches (default: ~/.cache)',
    APPDATA: 'on Windows: instead of ~/.config',
    LOCALAPPDATA: 'on Windows: instead of the other three',
    ZT_CODE_CACHE: 'off: keep no compiled code in the cache directory',
    ZT_COMPLETION_NAMES:
      "off: do not complete names of the account's objects, and keep none in the cache directory",
  },
  output: {
    NO_COLOR: 'set and not empty: no colours',
    FORCE_COLOR: '1: colours even if the output is not a terminal; 0: none',
    TERM: 'dumb: no colours',
    COLORTERM: 'set: the terminal has colours',
    COLUMNS: 'width of tables and messages that are piped',
    LC_ALL:
      'a locale without UTF-8, such as C: zt prints ASCII, and names as they are; LC_CTYPE and LANG count if it is not set',
    LC_CTYPE: 'the same, after LC_ALL',
    LANG: 'the same, after LC_CTYPE',
    OCLIF_COLUMNS: 'width of help',
    ZT_DEBUG: 'set: show where an unexpected error was thrown; no data',
    GITHUB_ACTIONS: "true: --reveal masks the secret in the workflow's log",
  },
  node: {
    NODE_DEBUG: 'ignored: node would print credentials',
    NODE_DEBUG_NATIVE: 'ignored: node would print credentials',
    NODE_OPTIONS: 'switches for node; those that would print, write or expose credentials are ignored',
    NODE_TLS_REJECT_UNAUTHORIZED: '0 is refused: certificates are always checked',
  },
  system: {
    PATH: 'where ssh, curl, cloudflared and credential helpers are found',
    SUDO_UID: "the user who called sudo, whose .zt.json root reads in addition to root's",
    SHELL: 'shell that zt completion gives instructions for, and by which ssh starts zt',
    PASSWORD_STORE_GPG_OPTS: 'options of pass for gpg; at TAB zt adds one that keeps gpg from prompting',
    LISTEN_FDS: 'how many sockets systemd has opened for zt forward --listen systemd',
    LISTEN_FDNAMES: 'their names',
    LISTEN_PID: 'the process that they are for',
    PATHEXT: 'on Windows: suffixes of program names',
    DBUS_SESSION_BUS_ADDRESS: 'bus of the Secret Service, on Linux',
    XDG_RUNTIME_DIR: 'directory with that bus, if DBUS_SESSION_BUS_ADDRESS is not set',
  },
  internal: {
    ZT_SSH_REPORT: 'file in which the proxy tells zt ssh why it failed',
  },
}

/**
 * What `zt help environment` prints, in this order. A test compares it with what src/ and bin/ read. It does not list what
 * only node, a library or a program that zt starts reads.
 */
export const ENVIRONMENT_VARIABLES: readonly EnvironmentVariable[] = Object.entries(MEANINGS).flatMap(
  ([kind, variables]) =>
    Object.entries(variables).map(([name, meaning]) => ({name, kind: kind as Kind, meaning})),
)
