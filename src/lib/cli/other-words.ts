/**
 * What users of other programs type (gh, aws, aws-vault, kubectl, gcloud, git, docker, cloudflared), and how zt says it.
 * Words that are only misspelled are found by their spelling.
 */
const TOPICS: Readonly<Record<string, string>> = {
  tokens: 'token',
  'service-token': 'token',
  'service-tokens': 'token',
  secret: 'token',
  secrets: 'token',
  apps: 'app',
  application: 'app',
  applications: 'app',
  policies: 'policy',
  groups: 'group',
  profiles: 'profile',
  context: 'profile',
  contexts: 'profile',
  stores: 'store',
  vault: 'store',
  keychain: 'store',
  dev: 'sandbox',
}

/** In the order in which they are tried: a topic may have none, or several. */
const VERBS: Readonly<Record<string, readonly string[]>> = {
  ls: ['list'],
  get: ['show', 'list'],
  describe: ['show'],
  view: ['show'],
  info: ['show', 'status'],
  inspect: ['show'],
  cat: ['show'],
  read: ['show'],
  delete: ['delete', 'revoke', 'reset'],
  rm: ['delete', 'revoke', 'reset'],
  remove: ['delete', 'revoke', 'reset'],
  del: ['delete', 'revoke', 'reset'],
  destroy: ['delete', 'revoke', 'reset'],
  new: ['create'],
  add: ['create', 'import'],
  generate: ['create'],
  mv: ['rename', 'move'],
  edit: ['set'],
  update: ['set'],
  modify: ['set'],
  switch: ['use'],
  select: ['use'],
  set: ['use'],
  current: ['show'],
  roll: ['rotate'],
  regenerate: ['rotate'],
  renew: ['refresh'],
  up: ['start'],
  run: ['start'],
  down: ['stop'],
  verify: ['check'],
  doctor: ['check'],
}

/** Command lines whose first one or two words say all. */
const LINES: Readonly<Record<string, string>> = {
  'auth login': 'login',
  'auth logout': 'logout',
  'auth status': 'whoami',
  'auth list': 'profile list',
  auth: 'login',
  configure: 'login',
  init: 'login',
  '-v': 'version',
  status: 'whoami',
  'sts get-caller-identity': 'whoami',
  'config use-context': 'profile use',
  'config get-contexts': 'profile list',
  'config current-context': 'profile show',
  'config list-profiles': 'profile list',
  'profile create': 'login --profile',
  'profile add': 'login --profile',
  connect: 'ssh',
  'port-forward': 'forward',
  tunnel: 'forward',
  fetch: 'curl',
  run: 'exec',
  ls: 'token list',
  list: 'token list',
  rotate: 'token rotate',
  revoke: 'token revoke',
  import: 'token import',
  recover: 'token recover',
}

/**
 * The command line in zt's words.
 *
 * @param commands the words of each
 * @returns undefined if no other program's words are recognised; without a command if zt has none that does this
 */
export function inOwnWords(
  words: readonly string[],
  commands: readonly string[][],
): {command: string[] | undefined; topic?: string; rest: readonly string[]} | undefined {
  const [first = '', second] = words
  const pair = line(`${first} ${second ?? ''}`, words.slice(2))
  if (pair) return pair
  const isTopic = (word: string): boolean =>
    commands.some(([topic, verb]) => topic === word && verb !== undefined)
  const topicOf = (word = ''): string | undefined =>
    Object.hasOwn(TOPICS, word) ? TOPICS[word] : isTopic(word) ? word : undefined
  // As kubectl says it: `get tokens`.
  const verbFirst = topicOf(first) === undefined && topicOf(second) !== undefined
  const [noun, verb] = verbFirst ? [second, first] : [first, second]
  const topic = topicOf(noun)
  if (topic === undefined) return line(first, words.slice(1))
  const has = (own: string): boolean => commands.some((one) => one[0] === topic && one[1] === own)
  const rest = words.slice(2)
  if (verb === undefined || verb.startsWith('-'))
    return noun === topic
      ? undefined
      : {command: [topic, ...(has('list') ? ['list'] : [])], topic, rest: words.slice(1)}
  if (has(verb)) return noun === topic && !verbFirst ? undefined : {command: [topic, verb], topic, rest}
  if (!Object.hasOwn(VERBS, verb)) return undefined
  const named = rest[0] !== undefined && !rest[0].startsWith('-')
  const meant = (VERBS[verb] ?? []).filter((own) => has(own) && (own !== 'show' || named || verb !== 'get'))
  return {command: meant[0] === undefined ? undefined : [topic, meant[0]], topic, rest}
}

function line(
  typed: string,
  rest: readonly string[],
): {command: string[]; rest: readonly string[]} | undefined {
  const meant = Object.hasOwn(LINES, typed) ? LINES[typed] : undefined
  return meant === undefined ? undefined : {command: meant.split(' '), rest}
}
