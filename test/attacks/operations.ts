import type {ChangeName} from '../../src/lib/api/operations.js'
import type {JsonObject} from '../../src/lib/core/json.js'
import type {Rule} from '../faults/faulty-api.js'
import type {StoredToken} from '../../src/lib/sandbox/state.js'
import type {Scene} from '../faults/scene.js'

/** One command whose request is answered with a lie. */
export interface Attack {
  title: string
  operation: ChangeName
  args: string[]
  rule: Pick<Rule, 'method' | 'path'>
  /** The fields of the answer that a lie can change. */
  fields: readonly string[]
  /** Someone else's object of the same kind. */
  another: string
  /** Changes the initial state. */
  prepare?: (scene: Scene) => void
  /** Run first, without any lie. */
  before?: string[]
  /** Run before that, and interrupted by this. */
  broken?: {args: string[]; rules: Rule[]}
  /** Whether the command has done what it should. */
  isDone: (scene: Scene) => boolean
}

const id = (kind: number, number: number): string => `00000000-0000-4000-8000-00000000${kind}00${number}`
export const IDS = {
  git: id(1, 1), old: id(1, 2), theirApp: id(1, 9),
  staff: id(2, 1), free: id(2, 2), first: id(2, 3), second: id(2, 4), shared: id(2, 5), theirPolicy: id(2, 9),
  robots: id(3, 1), unused: id(3, 2), theirGroup: id(3, 9),
} // prettier-ignore

const token = (scene: Scene, name: string): JsonObject =>
  scene.state.data.serviceTokens.find(({object}) => object['name'] === name)?.object ?? {}
const rule = (who: unknown): JsonObject => ({service_token: {token_id: who}})
const stamps = {created_at: '2026-01-01T00:00:00Z', updated_at: '2026-01-01T00:00:00Z'}

/** Applications, policies and groups; the last of each kind belong to someone else. */
export function seed(scene: Scene): void {
  const {data} = scene.state
  const theirs = rule(token(scene, 'of somebody else')['id'])
  const policy = (one: string, name: string, include: JsonObject[]): JsonObject => ({id: one, name, decision: 'non_identity', include, require: [], exclude: [], x_unknown: {kept: 1}, ...stamps}) // prettier-ignore
  const app = (one: string, name: string, policies: object[]): JsonObject => ({id: one, name, type: 'self_hosted', domain: `${name.toLowerCase()}.example.com`, session_duration: '24h', policies, x_unknown: {kept: [null]}, ...stamps}) // prettier-ignore
  data.zones = [{id: 'f'.repeat(32), name: 'example.com', account: {id: scene.state.accountId}}]
  data.policies = [
    policy(IDS.staff, 'Staff', [theirs]),
    policy(IDS.free, 'Free', [theirs]),
    policy(IDS.shared, 'Shared', [theirs]),
    policy(IDS.theirPolicy, 'Theirs', [theirs]),
  ]
  data.inlinePolicies = [policy(IDS.first, 'first', [theirs]), policy(IDS.second, 'second', [theirs])]
  data.apps = [
    app(IDS.git, 'Git', [{id: IDS.staff, precedence: 1}]),
    app(IDS.old, 'Old', [
      {id: IDS.first, precedence: 1},
      {id: IDS.second, precedence: 2},
    ]),
    app(IDS.theirApp, 'Theirs', [{id: IDS.theirPolicy, precedence: 1}]),
  ]
  data.groups = [
    {id: IDS.robots, name: 'robots', include: [theirs], require: [], exclude: [], x_unknown: 1, ...stamps},
    {id: IDS.unused, name: 'unused', include: [theirs], require: [], exclude: [], ...stamps},
    {id: IDS.theirGroup, name: 'theirs', include: [theirs], require: [], exclude: [], ...stamps},
  ]
}

type Kind = 'apps' | 'policies' | 'inlinePolicies' | 'groups'
const named = (scene: Scene, kind: Kind, name: string): JsonObject[] =>
  scene.state.data[kind].filter((one) => one['name'] === name)
const one = (scene: Scene, kind: Kind, name: string): boolean => named(scene, kind, name).length === 1
const links = (scene: Scene, name: string): number => {
  const policies = named(scene, 'apps', name)[0]?.['policies']
  return Array.isArray(policies) ? policies.length : 0
}
const includes = (scene: Scene, kind: Kind, name: string): number => {
  const include = named(scene, kind, name)[0]?.['include']
  return Array.isArray(include) ? include.length : 0
}
/** Adds "ci" to a rule. */
function admit(scene: Scene, kind: Kind, name: string): void {
  const [policy] = named(scene, kind, name)
  if (policy) policy['include'] = [...(policy['include'] as JsonObject[]), rule(token(scene, 'ci')['id'])]
}
const version = (scene: Scene): number => Number(token(scene, 'ci')['client_secret_version'])
const ends = (scene: Scene): number => Date.parse(String(token(scene, 'ci')['expires_at'])) - Date.now()
const DAY_MS = 24 * 3600_000
const stored = (scene: Scene): StoredToken | undefined =>
  scene.state.data.serviceTokens.find(({object}) => object['name'] === 'ci')
/** When the previous secret stops working. */
const previousEnd = (scene: Scene): number => Date.parse(stored(scene)?.previous?.until ?? '')
const wholeLife = (scene: Scene): boolean =>
  previousEnd(scene) === Date.parse(String(stored(scene)?.object['expires_at']))
const unnamed = (scene: Scene): boolean => {
  const {policies, inlinePolicies, groups, apps} = scene.state.data
  return !JSON.stringify([policies, inlinePolicies, groups, apps]).includes(String(scene.ours['id']))
}

/** "ci" in its own rule, with others in a shared and an inline one, and in a group. */
function involve(scene: Scene): void {
  admit(scene, 'policies', 'Staff')
  admit(scene, 'inlinePolicies', 'first')
  admit(scene, 'groups', 'robots')
  const [free] = named(scene, 'policies', 'Free')
  const [git] = named(scene, 'apps', 'Git')
  if (!free || !git) throw new Error('the seed has neither')
  free['include'] = [rule(token(scene, 'ci')['id'])]
  git['policies'] = [...(git['policies'] as JsonObject[]), {id: IDS.free, precedence: 2}]
}

const TOKEN = ['name', 'enabled', 'client_id']
const SECRET = [...TOKEN, 'client_secret']
const T = '/service_tokens'
const THEIR_TOKEN = 'their token'

export const ATTACKS: readonly Attack[] = [
  {title: 'token create', operation: 'createServiceToken', args: ['token', 'create', 'new'], rule: {method: 'POST', path: T}, fields: SECRET, another: THEIR_TOKEN,
    isDone: (scene) => token(scene, 'new')['enabled'] === true},
  {title: 'token create, its enabling', operation: 'updateServiceToken', args: ['token', 'create', 'new'], rule: {method: 'PUT', path: `${T}/{id}`}, fields: TOKEN, another: THEIR_TOKEN,
    isDone: (scene) => token(scene, 'new')['enabled'] === true},
  {title: 'token rotate', operation: 'rotateServiceToken', args: ['token', 'rotate', 'ci', '--grace', '24h'], rule: {method: 'POST', path: `${T}/{id}/rotate`}, fields: SECRET, another: THEIR_TOKEN,
    isDone: (scene) => version(scene) === 2},
  {title: 'token rotate --grace 0', operation: 'rotateServiceToken', args: ['token', 'rotate', 'ci', '--grace', '0'], rule: {method: 'POST', path: `${T}/{id}/rotate`}, fields: SECRET, another: THEIR_TOKEN,
    isDone: (scene) => version(scene) > 1},
  {title: 'token refresh', operation: 'refreshServiceToken', args: ['token', 'refresh', 'ci'], rule: {method: 'POST', path: `${T}/{id}/refresh`}, fields: TOKEN, another: THEIR_TOKEN,
    isDone: (scene) => ends(scene) > 725 * DAY_MS && ends(scene) < 740 * DAY_MS},
  {title: 'token rename', operation: 'updateServiceToken', args: ['token', 'rename', 'ci', 'deploy'], rule: {method: 'PUT', path: `${T}/{id}`}, fields: TOKEN, another: THEIR_TOKEN,
    isDone: (scene) => token(scene, 'deploy')['enabled'] === true},
  {title: 'token disable', operation: 'updateServiceToken', args: ['token', 'disable', 'ci'], rule: {method: 'PUT', path: `${T}/{id}`}, fields: TOKEN, another: THEIR_TOKEN,
    isDone: (scene) => token(scene, 'ci')['enabled'] === false},
  {title: 'token revoke', operation: 'deleteServiceToken', args: ['token', 'revoke', 'ci', '--yes'], rule: {method: 'DELETE', path: `${T}/{id}`}, fields: TOKEN, another: THEIR_TOKEN,
    isDone: (scene) => token(scene, 'ci')['id'] === undefined},
  {title: 'app create', operation: 'createApplication', args: ['app', 'create', 'New', '--domain', 'new.example.com', '--yes'], rule: {method: 'POST', path: '/apps'}, fields: ['name'], another: IDS.theirApp,
    isDone: (scene) => one(scene, 'apps', 'New')},
  {title: 'app set', operation: 'replaceApplication', args: ['app', 'set', 'Git', '--session-duration', '8h', '--yes'], rule: {method: 'PUT', path: '/apps/{id}'}, fields: ['name'], another: IDS.theirApp,
    isDone: (scene) => named(scene, 'apps', 'Git')[0]?.['session_duration'] === '8h'},
  {title: 'undo of app create', operation: 'deleteApplication', before: ['app', 'create', 'New', '--domain', 'new.example.com', '--yes'], args: ['undo', '--last', '--yes'], rule: {method: 'DELETE', path: '/apps/{id}'}, fields: [], another: IDS.theirApp,
    isDone: (scene) => named(scene, 'apps', 'New').length === 0},
  {title: 'app add-rule, inline', operation: 'createApplicationPolicy', args: ['app', 'add-rule', 'Old', '--service-auth', '--token', 'ci', '--name', 'third', '--yes'], rule: {method: 'POST', path: '/apps/{id}/policies'}, fields: ['name'], another: IDS.theirPolicy,
    isDone: (scene) => one(scene, 'inlinePolicies', 'third') && links(scene, 'Old') === 3},
  {title: 'app remove-rule --token, inline', operation: 'replaceApplicationPolicy', prepare: (scene) => admit(scene, 'inlinePolicies', 'first'), args: ['app', 'remove-rule', 'Old', 'first', '--token', 'ci', '--yes'], rule: {method: 'PUT', path: '/apps/{id}/policies/{id}'}, fields: ['name'], another: IDS.theirPolicy,
    isDone: (scene) => includes(scene, 'inlinePolicies', 'first') === 1},
  {title: 'app remove-rule, inline', operation: 'deleteApplicationPolicy', args: ['app', 'remove-rule', 'Old', 'second', '--yes'], rule: {method: 'DELETE', path: '/apps/{id}/policies/{id}'}, fields: [], another: IDS.theirPolicy,
    isDone: (scene) => links(scene, 'Old') === 1 && named(scene, 'inlinePolicies', 'second').length === 0},
  {title: 'policy make-reusable', operation: 'makePolicyReusable', args: ['policy', 'make-reusable', 'Old', 'first', '--yes'], rule: {method: 'PUT', path: '/apps/{id}/policies/{id}/make_reusable'}, fields: ['name'], another: IDS.theirPolicy,
    isDone: (scene) => one(scene, 'policies', 'first') && links(scene, 'Old') === 2},
  {title: 'policy create', operation: 'createPolicy', args: ['policy', 'create', 'New', '--token', 'ci', '--yes'], rule: {method: 'POST', path: '/policies'}, fields: ['name'], another: IDS.theirPolicy,
    isDone: (scene) => one(scene, 'policies', 'New')},
  {title: 'app remove-rule --token, shared', operation: 'replacePolicy', prepare: (scene) => admit(scene, 'policies', 'Staff'), args: ['app', 'remove-rule', 'Git', 'Staff', '--token', 'ci', '--yes'], rule: {method: 'PUT', path: '/policies/{id}'}, fields: ['name'], another: IDS.theirPolicy,
    isDone: (scene) => includes(scene, 'policies', 'Staff') === 1},
  {title: 'policy delete', operation: 'deletePolicy', args: ['policy', 'delete', 'Free', '--yes'], rule: {method: 'DELETE', path: '/policies/{id}'}, fields: [], another: IDS.theirPolicy,
    isDone: (scene) => named(scene, 'policies', 'Free').length === 0},
  {title: 'group create', operation: 'createGroup', args: ['group', 'create', 'new', '--token', 'ci', '--yes'], rule: {method: 'POST', path: '/groups'}, fields: ['name'], another: IDS.theirGroup,
    isDone: (scene) => one(scene, 'groups', 'new')},
  {title: 'group add-token', operation: 'replaceGroup', args: ['group', 'add-token', 'robots', 'ci', '--yes'], rule: {method: 'PUT', path: '/groups/{id}'}, fields: ['name'], another: IDS.theirGroup,
    isDone: (scene) => includes(scene, 'groups', 'robots') === 2},
  {title: 'group delete', operation: 'deleteGroup', args: ['group', 'delete', 'unused', '--yes'], rule: {method: 'DELETE', path: '/groups/{id}'}, fields: [], another: IDS.theirGroup,
    isDone: (scene) => named(scene, 'groups', 'unused').length === 0},
  {title: 'token rotate --grace 0, its end of the secret before', operation: 'updateServiceToken', args: ['token', 'rotate', 'ci', '--grace', '0'], rule: {method: 'PUT', path: `${T}/{id}`}, fields: TOKEN, another: THEIR_TOKEN,
    isDone: (scene) => version(scene) === 2 && previousEnd(scene) < Date.now()},
  {title: 'token rotate --finish', operation: 'updateServiceToken', before: ['token', 'rotate', 'ci', '--grace', '24h'], args: ['token', 'rotate', 'ci', '--finish'], rule: {method: 'PUT', path: `${T}/{id}`}, fields: TOKEN, another: THEIR_TOKEN,
    isDone: (scene) => previousEnd(scene) < Date.now()},
  {title: 'token rotate --undo', operation: 'updateServiceToken', before: ['token', 'rotate', 'ci', '--grace', '24h'], args: ['token', 'rotate', 'ci', '--undo'], rule: {method: 'PUT', path: `${T}/{id}`}, fields: TOKEN, another: THEIR_TOKEN,
    isDone: wholeLife},
  {title: 'token enable', operation: 'updateServiceToken', before: ['token', 'disable', 'ci'], args: ['token', 'enable', 'ci'], rule: {method: 'PUT', path: `${T}/{id}`}, fields: TOKEN, another: THEIR_TOKEN,
    isDone: (scene) => token(scene, 'ci')['enabled'] === true},
  {title: 'policy attach', operation: 'replaceApplication', args: ['policy', 'attach', 'Free', 'Git', '--yes'], rule: {method: 'PUT', path: '/apps/{id}'}, fields: ['name'], another: IDS.theirApp,
    isDone: (scene) => links(scene, 'Git') === 2},
  {title: 'policy detach', operation: 'replaceApplication', args: ['policy', 'detach', 'Staff', 'Git', '--yes'], rule: {method: 'PUT', path: '/apps/{id}'}, fields: ['name'], another: IDS.theirApp,
    isDone: (scene) => links(scene, 'Git') === 0},
  {title: 'group remove-token', operation: 'replaceGroup', prepare: (scene) => admit(scene, 'groups', 'robots'), args: ['group', 'remove-token', 'robots', 'ci', '--yes'], rule: {method: 'PUT', path: '/groups/{id}'}, fields: ['name'], another: IDS.theirGroup,
    isDone: (scene) => includes(scene, 'groups', 'robots') === 1},
  ...([
    ['its disabling', 'updateServiceToken', 'PUT', `${T}/{id}`, THEIR_TOKEN],
    ['an application', 'replaceApplication', 'PUT', '/apps/{id}', IDS.theirApp],
    ['a shared rule', 'replacePolicy', 'PUT', '/policies/{id}', IDS.theirPolicy],
    ['its own rule', 'deletePolicy', 'DELETE', '/policies/{id}', IDS.theirPolicy],
    ['an inline rule', 'replaceApplicationPolicy', 'PUT', '/apps/{id}/policies/{id}', IDS.theirPolicy],
    ['a group', 'replaceGroup', 'PUT', '/groups/{id}', IDS.theirGroup],
    ['its deletion', 'deleteServiceToken', 'DELETE', `${T}/{id}`, THEIR_TOKEN],
  ] as const).map(([what, operation, method, path, another]): Attack => (
    {title: `token revoke --detach, ${what}`, operation, prepare: involve, args: ['token', 'revoke', 'ci', '--detach', '--yes'], rule: {method, path}, fields: ['name'], another,
      isDone: (scene) => token(scene, 'ci')['id'] === undefined && unnamed(scene)})),
  {title: 'token recover of a token that is not enabled', operation: 'updateServiceToken', broken: {args: ['token', 'create', 'new'], rules: [{method: 'PUT', path: `${T}/{id}`, action: {do: 'refuse', status: 500}}]}, args: ['token', 'recover'], rule: {method: 'PUT', path: `${T}/{id}`}, fields: TOKEN, another: THEIR_TOKEN,
    isDone: (scene) => token(scene, 'new')['enabled'] === true},
  {title: 'token recover of a token whose secret was lost', operation: 'deleteServiceToken', broken: {args: ['token', 'create', 'new'], rules: [{method: 'POST', path: T, action: {do: 'lose-answer'}}, {method: 'DELETE', path: `${T}/{id}`, action: {do: 'refuse', status: 500}}]}, args: ['token', 'recover'], rule: {method: 'DELETE', path: `${T}/{id}`}, fields: TOKEN, another: THEIR_TOKEN,
    isDone: (scene) => scene.state.data.serviceTokens.length === 2},
  {title: 'token recover of a rotation whose secret was lost', operation: 'updateServiceToken', broken: {args: ['token', 'rotate', 'ci', '--grace', '24h'], rules: [{method: 'POST', path: `${T}/{id}/rotate`, action: {do: 'lose-answer'}}]}, args: ['token', 'recover'], rule: {method: 'PUT', path: `${T}/{id}`}, fields: TOKEN, another: THEIR_TOKEN,
    isDone: wholeLife},
  {title: 'token recover of a secret before that was not ended', operation: 'updateServiceToken', broken: {args: ['token', 'rotate', 'ci', '--grace', '0'], rules: [{method: 'PUT', path: `${T}/{id}`, action: {do: 'refuse', status: 500}}]}, args: ['token', 'recover'], rule: {method: 'PUT', path: `${T}/{id}`}, fields: TOKEN, another: THEIR_TOKEN,
    isDone: (scene) => previousEnd(scene) < Date.now()},
] // prettier-ignore

/** The ID of someone else's object of this kind. */
export function anotherOf(scene: Scene, {another}: Attack): string {
  return another === THEIR_TOKEN ? String(token(scene, 'of somebody else')['id']) : another
}
