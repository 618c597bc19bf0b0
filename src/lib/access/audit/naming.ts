import type {Group, Policy, Rule} from '../../api/types.js'
import {isJsonObject} from '../../core/json.js'
import {allRules, inlinePolicies, scimTokens, type AccountRules} from '../../policy/references.js'
import type {Ref} from './types.js'

/**
 * What a command can name things by: the name, or the ID where another has the same name or is meant by it, because it is
 * its ID or client ID, which count first. `unambiguous`
 * (explain/explain.ts) says the same of one thing.
 */
export function referrer(
  all: readonly (Ref & {clientId?: string | undefined})[],
): (thing: Ref) => string | Ref {
  const times = new Map<string, number>()
  for (const {name} of all) times.set(name, (times.get(name) ?? 0) + 1)
  const ids = new Set(all.flatMap(({id, clientId}) => [id, clientId]))
  return ({id, name}) => (times.get(name) === 1 && !ids.has(name) ? {id, name} : id)
}

/** The service token in `{service_token: {token_id}}`; undefined for any other rule. */
export function tokenIdOf(rule: Rule): string | undefined {
  const body = rule['service_token']
  const id = isJsonObject(body) ? body['token_id'] : undefined
  return typeof id === 'string' ? id : undefined
}

/** All policies of an account, each once: the shared ones, and those inside an application. */
export function policiesOf({policies, applications}: AccountRules): Policy[] {
  return [...policies, ...inlinePolicies(policies, applications).map(({policy}) => policy)]
}

/** Which service tokens an account's rules and SCIM configurations name themselves, without the way through groups. */
export class Naming {
  readonly #named = new Set<string>()
  readonly #obstacles = new Map<string, string>()
  readonly #clientIds = new Map<string, string>()

  /** @param zoneOf an object: `zt token revoke --detach` takes nothing out of what belongs to a zone */
  constructor(account: AccountRules, zoneOf: (id: string) => string | undefined = () => undefined) {
    for (const {raw, name} of account.applications)
      for (const clientId of scimTokens(raw)) this.#clientIds.set(clientId, name)
    for (const policy of account.policies) this.#read(policy, `the rule "${policy.name}"`, false)
    for (const {application, policy} of inlinePolicies(account.policies, account.applications))
      this.#readIn(zoneOf(application.id), policy, `the rule "${policy.name}"`, false)
    for (const group of account.groups)
      this.#readIn(zoneOf(group.id), group, `the Access group "${group.name}"`, true)
  }

  /** Whether anything names the token. */
  names({id, clientId}: {id: string; clientId: string}): boolean {
    return this.#named.has(id) || this.#clientIds.has(clientId)
  }

  /** Why `zt token revoke --detach` refuses the token, as a sentence; undefined: it does not. */
  obstacle({id, clientId}: {id: string; clientId: string}): string | undefined {
    const scim = this.#clientIds.get(clientId)
    if (scim !== undefined) return `The SCIM provisioning of "${scim}" authenticates with it.`
    return this.#obstacles.get(id)
  }

  #readIn(zone: string | undefined, holder: Policy | Group, inWords: string, keepsOne: boolean): void {
    if (zone === undefined) {
      this.#read(holder, inWords, keepsOne)
      return
    }
    for (const id of allRules(holder).map(tokenIdOf)) {
      if (id === undefined) continue
      this.#named.add(id)
      this.#obstacles.set(id, `${upper(inWords)} of the zone ${zone} names it.`)
    }
  }

  #read(holder: Policy | Group, inWords: string, keepsOne: boolean): void {
    for (const rule of allRules(holder)) {
      const id = tokenIdOf(rule)
      if (id === undefined) continue
      this.#named.add(id)
      if (Object.keys(rule).length > 1)
        this.#obstacles.set(id, `${upper(inWords)} combines it with other selectors.`)
    }
    for (const rule of holder.require) {
      const id = tokenIdOf(rule)
      if (id !== undefined) this.#obstacles.set(id, `${upper(inWords)} requires it.`)
    }
    const members = new Set(holder.include.map(tokenIdOf))
    const [only] = members
    if (keepsOne && members.size === 1 && only !== undefined)
      this.#obstacles.set(
        only,
        `${upper(inWords)} includes nothing else, and Cloudflare keeps no empty group.`,
      )
  }
}

/** The flag that a command on an object of a zone needs. */
export function inZone(zone: string | undefined): string[] {
  return zone === undefined ? [] : ['--zone', zone]
}

function upper(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}
