import type {FlagWords, Kind, Words} from '../completion/types.js'

/**
 * What each argument and each flag's value is, by name: what the shells offer for it (docs/completion.md). The manifest
 * cannot say it. One that is missing here fails the build.
 */
const ARGUMENTS: Record<string, Kind> = {
  application: 'application',
  command: 'command',
  group: 'group',
  host: 'host',
  id: 'none',
  name: 'none',
  policy: 'policy',
  rule: 'none',
  shell: 'none',
  store: 'store',
  token: 'token',
  url: 'url',
}
const FLAGS: Record<string, Kind> = {
  account: 'account',
  action: 'none',
  'allow-origin': 'none',
  'api-url': 'none',
  before: 'none',
  'ca-file': 'file',
  client: 'none',
  'connect-to': 'none',
  country: 'none',
  destination: 'none',
  domain: 'none',
  duration: 'none',
  email: 'none',
  'email-domain': 'none',
  'exclude-country': 'none',
  'exclude-group': 'group',
  'exclude-ip': 'none',
  file: 'file',
  from: 'store',
  grace: 'none',
  group: 'group',
  host: 'host',
  'id-var': 'none',
  'include-country': 'none',
  'include-ip': 'none',
  ip: 'none',
  limit: 'none',
  listen: 'none',
  name: 'none',
  origin: 'none',
  precedence: 'none',
  profile: 'profile',
  recipient: 'none',
  'require-country': 'none',
  'require-group': 'group',
  'require-ip': 'none',
  'rule-name': 'none',
  search: 'none',
  'secret-var': 'none',
  seed: 'file',
  'session-duration': 'none',
  'single-header': 'none',
  store: 'store',
  timeout: 'none',
  token: 'token',
  zone: 'none',
}
/** Where a command means something else by that name: `COMMAND NAME`, `COMMAND --NAME`. */
const EXCEPTIONS: Record<string, Kind> = {
  'profile:show name': 'profile',
  'profile:use name': 'profile',
  'ssh host': 'destination',
  'ssh:config host': 'destination',
  // These look for the secret, and not for the token.
  'curl --token': 'stored-token',
  'exec token': 'stored-token',
  'forward --token': 'stored-token',
  'ssh --token': 'stored-token',
  'ssh:check --token': 'stored-token',
  'ssh:proxy --token': 'stored-token',
  'store:move --token': 'stored-token',
  'token:list --name': 'token',
  'app:list --name': 'application',
}

/** What of oclif's manifest is read. */
export interface Manifest {
  commands: Record<string, ManifestCommand>
}

interface ManifestCommand {
  summary?: string
  hidden?: boolean
  args: Record<string, {name: string; options?: string[]}>
  flags: Record<string, ManifestFlag>
}

interface ManifestFlag {
  name: string
  type: string
  description?: string
  char?: string
  hidden?: boolean
  multiple?: boolean
  allowNo?: boolean
  options?: string[]
  exclusive?: string[]
}

/**
 * The kind of an argument (`token`) or of a flag's value (`--token`) of a command.
 *
 * @param id as the manifest has it: `token:create`
 * @returns undefined: it is not declared
 */
export function kindOf(id: string, name: string): Kind | undefined {
  const [table, key] = name.startsWith('--') ? [FLAGS, name.slice(2)] : [ARGUMENTS, name]
  return EXCEPTIONS[`${id} ${name}`] ?? (Object.hasOwn(table, key) ? table[key] : undefined)
}

/**
 * All that can be typed, as the completer reads it.
 *
 * @param topics descriptions by topic, from package.json
 * @throws Error for an argument or flag whose kind is not declared
 */
export function completionWords(manifest: Manifest, topics: Record<string, {description: string}>): Words {
  const declared = (id: string, name: string): Kind => {
    const kind = kindOf(id, name)
    if (kind === undefined)
      throw new Error(`src/lib/command/completion-words.ts does not say what ${id} ${name} is`)
    return kind
  }
  const shown = Object.entries(manifest.commands).filter(([, {hidden}]) => hidden !== true)
  const commands = shown.map(([id, command]): [string, Words['commands'][string]] => [
    id.replaceAll(':', ' '),
    {
      about: command.summary ?? '',
      args: Object.values(command.args).map(({name, options}) => ({
        kind: declared(id, name),
        values: options,
      })),
      flags: Object.values(command.flags)
        .filter(({hidden}) => hidden !== true)
        .flatMap((flag) => flagWords(flag, () => declared(id, `--${flag.name}`))),
    },
  ])
  return {
    topics: Object.fromEntries(Object.entries(topics).map(([name, {description}]) => [name, description])),
    commands: Object.fromEntries(commands),
  }
}

function flagWords(flag: ManifestFlag, declared: () => Kind): FlagWords[] {
  const {name, type, description, char, multiple, allowNo, options, exclusive = []} = flag
  const words: FlagWords = {
    name,
    about: description,
    char,
    kind: type === 'boolean' ? undefined : declared(),
    values: options,
    many: multiple === true ? true : undefined,
    not: exclusive.length > 0 ? exclusive : undefined,
  }
  return allowNo === true ? [words, {...words, name: `no-${name}`, char: undefined}] : [words]
}
