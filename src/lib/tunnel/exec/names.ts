import {UserError} from '../../core/errors.js'
import type {PairNames} from '../../core/pair-variables.js'

/** Variables that decide which program runs, what it loads or whom it trusts, so they cannot hold a credential. */
const TAKEN = new Set(
  `PATH HOME SHELL USER LOGNAME PWD OLDPWD TERM TMPDIR TEMP TMP LANG TZ IFS ENV BASH_ENV SHELLOPTS BASHOPTS PS1 PS2 PS4
  PROMPT_COMMAND CDPATH FPATH ZDOTDIR EDITOR VISUAL PAGER BROWSER DISPLAY GCONV_PATH LOCPATH NLSPATH HOSTALIASES
  RES_OPTIONS MALLOC_CHECK_ CLASSPATH JAVA_TOOL_OPTIONS JDK_JAVA_OPTIONS _JAVA_OPTIONS PERL5LIB PERLLIB PERL5OPT PERL5DB
  RUBYOPT RUBYLIB LUA_PATH LUA_CPATH LUA_INIT PHPRC PHP_INI_SCAN_DIR HTTP_PROXY HTTPS_PROXY ALL_PROXY NO_PROXY FTP_PROXY
  SSL_CERT_FILE SSL_CERT_DIR CURL_CA_BUNDLE REQUESTS_CA_BUNDLE SSLKEYLOGFILE OPENSSL_CONF OPENSSL_MODULES OPENSSL_ENGINES
  KUBECONFIG COMSPEC PATHEXT SYSTEMROOT SYSTEMDRIVE WINDIR APPDATA LOCALAPPDATA USERPROFILE HOMEDRIVE HOMEPATH PROGRAMDATA
  ALLUSERSPROFILE PROGRAMFILES COMMONPROGRAMFILES PUBLIC PSMODULEPATH CLOUDFLARE_API_TOKEN CLOUDFLARE_ACCOUNT_ID`.split(
    /\s+/,
  ),
)
const TAKEN_FAMILIES =
  /^(LD|DYLD|NODE|NPM_CONFIG|PYTHON|GIT|SSH|ZT|XDG|LC|BASH_FUNC|DBUS|GLIBC|COR|CORECLR|COMPLUS|DOTNET)_|^PYTHON/

/**
 * Checks the names under which a child gets the pair.
 *
 * @throws UserError `usage` / `BAD_VARIABLE_NAME`, `VARIABLE_TAKEN`, `VARIABLES_EQUAL`
 */
export function checkNames({id, secret}: PairNames): PairNames {
  for (const [flag, name] of [
    ['--id-var', id],
    ['--secret-var', secret],
  ] as const) {
    if (!/^[A-Za-z_][A-Za-z0-9_]{0,254}$/.test(name)) {
      throw new UserError({
        kind: 'usage',
        code: 'BAD_VARIABLE_NAME',
        message: `The value of ${flag} is not the name of an environment variable`,
        why: 'A name consists of letters, digits and underscores, and does not begin with a digit.',
      })
    }
    const upper = name.toUpperCase()
    if (TAKEN.has(upper) || TAKEN_FAMILIES.test(upper)) {
      throw new UserError({
        kind: 'usage',
        code: 'VARIABLE_TAKEN',
        message: `${flag} cannot be ${name}`,
        why: 'It tells programs what to run, what to load or whom to trust.',
        next: ['Choose another name, such as API_CLIENT_SECRET'],
      })
    }
  }
  // Windows ignores the case of names.
  if (id.toUpperCase() !== secret.toUpperCase()) return {id, secret}
  throw new UserError({
    kind: 'usage',
    code: 'VARIABLES_EQUAL',
    message: '--id-var and --secret-var are the same name',
    why: 'The client ID and the client secret each need their own variable.',
  })
}
