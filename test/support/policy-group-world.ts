import type {AccessContext} from '../../src/lib/access/account/context.js'
import {planAddToken, planCreateGroup, planDeleteGroup, planRemoveToken} from '../../src/lib/access/groups/edits.js' // prettier-ignore
import type {PlannedEdit} from '../../src/lib/access/edit/planned.js'
import {planAttach, planCreatePolicy, planDeletePolicy, planDetachPolicy, planMakeReusable} from '../../src/lib/access/policies/edits.js' // prettier-ignore
import type {RuleInput} from '../../src/lib/access/rules/input.js'
import type {Decision} from '../../src/lib/api/types.js'
import type {JsonObject} from '../../src/lib/core/json.js'
import type {Exchange} from '../../src/lib/sandbox/api/server.js'
import type {SandboxState} from '../../src/lib/sandbox/state.js'
import {World} from './access-world.js'

const SELECTORS = {tokens: 'service_token', groups: 'group', anyToken: 'any_valid_service_token', everyone: 'everyone', emails: 'email', emailDomains: 'email_domain', ips: 'ip', countries: 'geo'} // prettier-ignore
type Part = Partial<Record<keyof typeof SELECTORS, readonly string[] | true>> & {
  /** Any others, by their names in the API. */
  selectors?: Readonly<Record<string, readonly string[]>>
}

/** Rules as a person asks for them; what is left out asks for nothing. */
export function asked({
  require = {},
  exclude = {},
  ...include
}: Part & {require?: Part; exclude?: Part}): RuleInput {
  const part = ({selectors, ...wanted}: Part): RuleInput['include'] => ({
    ...Object.fromEntries(
      Object.entries(wanted).map(([name, values]) => [
        SELECTORS[name as keyof typeof SELECTORS],
        values === true ? [''] : values,
      ]),
    ),
    ...selectors,
  })
  return {include: part(include), require: part(require), exclude: part(exclude)}
}

const token = (name: string): JsonObject => ({service_token: {token_id: `token-${name}`}})
const group = (name: string): JsonObject => ({group: {id: `group-${name}`}})

/**
 * Three service tokens (`ci`, `cd`, `off`), six Access groups and five applications: Git and Strict with shared
 * policies, Old with its own, Mixed with both, Mark a bookmark. Strict answers 401 to machines.
 */
export async function openWorld(
  onRequest?: (exchange: Exchange, state: SandboxState) => void,
): Promise<World> {
  const own = (name: string, precedence: number): JsonObject => ({id: `own-${name}`, name, decision: 'allow', include: [{everyone: {}}], precedence, x_unknown: {kept: [null]}}) // prettier-ignore
  const world = await World.open(
    {
      // The group "odd" has a rule with two selectors, and undoing its deletion sends it again.
      settings: {unknown_selectors: 'accept'},
      zones: [{name: 'example.com'}],
      service_tokens: [
        {id: 'token-ci', name: 'ci', client_id: 'ci.access'},
        {id: 'token-cd', name: 'cd', client_id: 'cd.access'},
        {id: 'token-off', name: 'off', client_id: 'off.access', enabled: false},
      ],
      groups: [
        {id: 'group-robots', name: 'robots', include: [token('ci'), token('off')], x_unknown: {kept: 1}},
        {id: 'group-nested', name: 'nested', include: [group('robots')]},
        {id: 'group-solo', name: 'solo', include: [token('ci')]},
        {id: 'group-picky', name: 'picky', include: [{everyone: {}}], require: [token('ci')]},
        {id: 'group-odd', name: 'odd', include: [{...token('ci'), ip: {ip: '10.0.0.0/8'}}, {everyone: {}}]},
        {id: 'group-barred', name: 'barred', include: [{everyone: {}}], exclude: [token('ci')]},
      ],
      policies: [
        {id: 'policy-robots', name: 'Robots', decision: 'non_identity', include: [group('robots')], x_unknown: 1},
        {id: 'policy-nested', name: 'Nested', decision: 'non_identity', include: [group('nested')]},
        {id: 'policy-staff', name: 'Staff', decision: 'allow', include: [{email_domain: {domain: 'example.com'}}, group('robots')]},
        {id: 'policy-free', name: 'Free', decision: 'bypass', include: [{everyone: {}}]},
        {id: 'policy-cd', name: 'CD', decision: 'non_identity', include: [token('cd')]},
        {id: 'policy-own', name: 'first', decision: 'allow', include: [{everyone: {}}]},
      ],
      apps: [
        {id: 'app-git', name: 'Git', type: 'self_hosted', domain: 'git.example.com', x_unknown: {deep: [1, {er: null}]}, policies: [{id: 'policy-staff', precedence: 1}, {id: 'policy-robots', precedence: 2}]},
        {id: 'app-strict', name: 'Strict', type: 'self_hosted', domain: 'strict.example.com', service_auth_401_redirect: true, policies: [{id: 'policy-nested', precedence: 4}]},
        {id: 'app-old', name: 'Old', type: 'self_hosted', domain: 'old.example.com', policies: [own('first', 3), own('second', 7)]},
        {id: 'app-mixed', name: 'Mixed', type: 'self_hosted', domain: 'mixed.example.com', policies: [own('third', 1), {id: 'policy-staff', precedence: 2}]},
        {id: 'app-mark', name: 'Mark', type: 'bookmark', domain: 'mark.example.com', policies: []},
      ],
    },
    onRequest,
  ) // prettier-ignore
  // The durability of the sandbox is not tested here, and would take most of the time.
  world.state.save = () => Promise.resolve()
  return world
}

/** As if a store on this machine had the token's secret. */
export async function keepHere({ctx}: World, name: string): Promise<void> {
  const {profile, accountId = ''} = ctx
  await ctx.index.put({profile, accountId, tokenId: `token-${name}`, name, clientId: `${name}.access`, store: 'vault', storedAt: '2026-01-01T00:00:00.000Z', expiresAt: undefined}) // prettier-ignore
}

/** What a command of policies and groups asks for. */
export type Wanted =
  | {do: 'create-policy'; name: string; decision: Decision; rules: Parameters<typeof asked>[0]}
  | {do: 'attach'; policy: string; application: string; before?: string; precedence?: number}
  | {do: 'detach'; policy: string; application: string}
  | {do: 'delete-policy'; policy: string}
  | {do: 'make-reusable'; application: string; rule?: string}
  | {do: 'create-group'; name: string; rules: Parameters<typeof asked>[0]}
  | {do: 'add-token' | 'remove-token'; group: string; token: string}
  | {do: 'delete-group'; group: string}

export function plan(ctx: AccessContext, wanted: Wanted): Promise<PlannedEdit> {
  switch (wanted.do) {
    case 'create-policy':
      return planCreatePolicy(ctx, {...wanted, rules: asked(wanted.rules)})
    case 'attach': {
      const {before, precedence} = wanted
      return planAttach(ctx, {...wanted, place: {before, precedence}})
    }
    case 'detach':
      return planDetachPolicy(ctx, wanted)
    case 'delete-policy':
      return planDeletePolicy(ctx, wanted.policy)
    case 'make-reusable':
      return planMakeReusable(ctx, {application: wanted.application, rule: wanted.rule})
    case 'create-group':
      return planCreateGroup(ctx, {...wanted, rules: asked(wanted.rules)})
    case 'add-token':
      return planAddToken(ctx, wanted)
    case 'remove-token':
      return planRemoveToken(ctx, wanted)
    case 'delete-group':
      return planDeleteGroup(ctx, wanted.group)
  }
}
