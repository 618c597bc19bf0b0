import type {Application, Group, Policy, ServiceToken} from '../../api/types.js'
import {kindOf} from '../applications/kinds.js'
import {hostOf, plainDomain} from '../../core/public-address.js'
import {mayAdmit} from '../../policy/references.js'
import {connectSuggestion} from './connect.js'
import type {AccessContext} from './context.js'

/** A host, or a path of it, that this profile will open with a token. */
export interface BoundHost {
  /** As in HostBinding. */
  host: string
  token: string
  /** Until now another token was used for it. */
  replaced: boolean
}

/** Which token to use for which hosts. */
export interface PlannedBinding {
  tokenId: string | undefined
  bound: BoundHost[]
  /** Commands that connect to the first of them. */
  connect: string[]
  /** Why not all hosts are bound: sentences without full stop. */
  warnings: string[]
}

export const NO_BINDING: PlannedBinding = {tokenId: undefined, bound: [], connect: [], warnings: []}

/**
 * Plans to bind an application's domains to a token that it admits, so that `zt ssh HOST` knows which credentials to use and
 * may send them there.
 *
 * @param named tokens that the person named: uses the first whose secret is here, even in place of another token
 * @param reached tokens that are admitted without being named (by an Access group): uses the only one whose secret is
 *   here, and never in place of another token
 */
export async function planBinding(
  ctx: AccessContext,
  {domains, type}: Pick<Application, 'domains' | 'type'>,
  named: readonly ServiceToken[],
  reached: readonly ServiceToken[] = [],
): Promise<PlannedBinding> {
  const hosts = kindOf(type).connects ? placesOf(domains) : []
  if (hosts.length === 0) return NO_BINDING
  const [entries, existing] = await Promise.all([
    ctx.index.list(ctx.profile),
    ctx.index.bindings(ctx.profile),
  ])
  const stored = new Set(entries.map(({tokenId}) => tokenId))
  const first = named.find(({id}) => stored.has(id))
  const here = reached.filter(({id}) => stored.has(id))
  const token = first ?? (here.length === 1 ? here[0] : undefined)
  if (!token) {
    const open = hosts.filter((host) => !existing.some((binding) => binding.host === host))
    const warnings = named.length > 0 || open.length > 0 ? notBound(ctx, named, here) : []
    return {...NO_BINDING, warnings}
  }
  const bound: BoundHost[] = []
  for (const host of hosts) {
    const previous = existing.find((binding) => binding.host === host)
    const replaced = previous !== undefined && previous.tokenId !== token.id
    if (!replaced || first) bound.push({host, token: token.name, replaced})
  }
  const [one] = bound
  const connect = one ? connectSuggestion(ctx, {host: one.host, type}) : []
  return {tokenId: token.id, bound, connect, warnings: []}
}

/** Binds the hosts as planned. */
export async function bindHosts(ctx: AccessContext, {tokenId, bound}: PlannedBinding): Promise<void> {
  if (tokenId === undefined) return
  const existing = await ctx.index.bindings(ctx.profile)
  const boundAt = new Date(ctx.clock.now()).toISOString()
  for (const {host} of bound) {
    if (existing.some((one) => one.host === host && one.tokenId === tokenId)) continue
    await ctx.index.bind({profile: ctx.profile, host, tokenId, boundAt})
  }
}

/** A host, or a path of it, for which this profile uses a token that no longer opens it. */
export interface UnboundHost {
  /** As in HostBinding. */
  host: string
  tokenId: string
}

/**
 * The hosts of an application for which this profile uses a token that neither the application nor another one of the
 * same host would admit.
 *
 * @param left the application's policies as they will be
 * @param others the account's other applications with their policies
 */
export async function planUnbinding(
  ctx: AccessContext,
  {domains}: Pick<Application, 'domains'>,
  left: readonly Policy[],
  others: readonly Application[],
  groups: ReadonlyMap<string, Group>,
): Promise<UnboundHost[]> {
  const bindings = (await ctx.index.bindings(ctx.profile)).filter(({host}) => concerns(host, domains))
  return bindings
    .filter(({host, tokenId}) => {
      // An application that has the address itself answers for it alone.
      const answers = isAmong(host, domains) ? isAmong : concerns
      const there = others.filter((app) => answers(host, app.domains))
      return ![left, ...there.map(({policies}) => policies)].some((all) => mayAdmit(tokenId, all, groups))
    })
    .map(({host, tokenId}) => ({host, tokenId}))
}

/** Removes bindings, except for hosts that have been bound to another token in the meantime. */
export async function unbindHosts(ctx: AccessContext, unbound: readonly UnboundHost[]): Promise<void> {
  const existing = await ctx.index.bindings(ctx.profile)
  for (const {host, tokenId} of unbound) {
    if (existing.some((one) => one.host === host && one.tokenId === tokenId))
      await ctx.index.unbind(ctx.profile, host)
  }
}

/** What is bound for domains: each with its path, for another application may have the host. */
function placesOf(domains: readonly string[]): string[] {
  return [...new Set(domains.map(plainDomain))]
}

/** Whether a binding may come from these domains. One of an earlier version of zt is for the whole host of a path. */
function concerns(host: string, domains: readonly string[]): boolean {
  return isAmong(host, domains) || domains.some((domain) => hostOf(domain).toLowerCase() === host)
}

function isAmong(host: string, domains: readonly string[]): boolean {
  return domains.some((domain) => plainDomain(domain) === host)
}

function notBound(
  ctx: AccessContext,
  named: readonly ServiceToken[],
  here: readonly ServiceToken[],
): string[] {
  const quoted = (tokens: readonly ServiceToken[]): string => tokens.map(({name}) => `"${name}"`).join(', ')
  if (here.length > 1)
    return [`No host was bound because several tokens would do (${quoted(here)}); choose one with --token`]
  if (named.length === 0) return []
  return [
    `No host was bound because the secret of ${quoted(named)} is not in a store of profile ${ctx.profile} on this machine`,
  ]
}
