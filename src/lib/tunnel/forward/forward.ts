import type {Environment} from '../../config/paths.js'
import type {Settings} from '../../config/types.js'
import {checkRequest} from '../carrier/handshake.js'
import {announce} from '../connections/announce.js'
import type {Announced} from '../connections/read.js'
import {identityOf} from '../ssh/sharing.js'
import {sharedBy, type Target} from '../target/target.js'
import {forwardHttp} from './http.js'
import {authorityOf, placeOf} from './listen.js'
import {isAtLocalhost, localNameOf} from './local-name.js'
import type {ForwardPlan} from './plan.js'
import {forwardTcp} from './tcp.js'
import type {HostForward, Listening} from '../types.js'
import type {ForwardEvents} from './types.js'

/** A forward that is to start. */
export interface WantedForward {
  plan: ForwardPlan
  target: Target
  events: ForwardEvents
}

/**
 * Listens for each host, carries each connection to its target, and announces that this process does, until it is closed
 * or the process ends. If one cannot start, none runs.
 *
 * @param as `environment`: where a proxy to the edge is looked up
 * @throws UserError as {@link checkRequest}, {@link forwardTcp} and {@link forwardHttp}
 */
export async function startForwards(
  wanted: readonly WantedForward[],
  as: {settings: Settings; environment: Environment},
): Promise<HostForward[]> {
  const running: HostForward[] = []
  try {
    for (const one of wanted) running.push(await startForward(one, as))
  } catch (error) {
    await closeForwards(running)
    throw error
  }
  return running
}

/** Ends them all. */
export async function closeForwards(running: readonly HostForward[]): Promise<void> {
  await Promise.all(running.map((one) => one.close()))
}

async function startForward(
  {plan, ...to}: WantedForward,
  {settings, environment}: {settings: Settings; environment: Environment},
): Promise<HostForward> {
  const {http, host} = plan
  checkRequest(to.target.edge)
  const early = announceForward(settings, to.target)
  try {
    const options = {...plan, ...to, environment}
    const forward = await (http ? forwardHttp(options) : forwardTcp(options))
    const {tokenId: id, name} = to.target
    // The port is known only now. There is a record at each moment.
    const place = placeOf(forward.listen)
    const withdraw = announceForward(settings, to.target, {place, http, token: name})
    const close = (): Promise<void> =>
      forward
        .close()
        .then(() => to.events.settled?.())
        .finally(withdraw)
    const url = http ? pageOf(forward.listen, host) : undefined
    return {...forward, close, host, token: {id, name}, place, url}
  } finally {
    early()
  }
}

/** What a browser opens: the name at which the cookies of this host are its own, where that leads to the listener. */
function pageOf(listen: Listening, host: string): string {
  const named = 'port' in listen && isAtLocalhost(listen)
  return `http://${named ? `${localNameOf(host)}:${listen.port}` : authorityOf(listen)}`
}

/** @returns takes it back */
function announceForward(settings: Settings, target: Target, listener?: Announced['listener']): () => void {
  const {profileName: profile, paths} = settings
  const {tokenId, credentials, edge} = target
  const {host, connectTo, caFile} = edge
  return announce(paths.state, {
    carries: 'forward',
    host,
    profile,
    tokenId,
    clientId: credentials.clientId,
    identity: identityOf({profile, tokenId: sharedBy(target, settings), connectTo, caFile}),
    plainSsh: false,
    cloudflared: false,
    listener,
  })
}
