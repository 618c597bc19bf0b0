import type {Environment} from '../../config/paths.js'
import type {Settings} from '../../config/types.js'
import {announce} from '../connections/announce.js'
import {identityOf} from '../ssh/sharing.js'
import {sharedBy, type Target} from '../target/target.js'
import {forwardHttp} from './http.js'
import {parseListen, type ListenAddress} from './listen.js'
import {checkHeaderName, checkOrigin} from './settings.js'
import {forwardTcp} from './tcp.js'
import type {Forward, ForwardEvents} from './types.js'

/** The flags of the command line that describe a forward. */
interface ForwardFlags {
  listen: string
  expose: boolean
  http: boolean
  'single-header'?: string | undefined
  'allow-origin'?: readonly string[] | undefined
}

/** The same, checked. */
export interface ForwardPlan {
  listen: ListenAddress
  http: boolean
  singleHeader: string | undefined
  allowedOrigins: readonly string[]
}

/** @throws UserError `usage` / `BAD_LISTEN`, `LISTEN_EXPOSED`, `BAD_HEADER_NAME`, `BAD_ORIGIN` */
export function planForward({listen, expose, http, ...flags}: ForwardFlags): ForwardPlan {
  const header = flags['single-header']
  return {
    listen: parseListen(listen, expose),
    http,
    singleHeader: header === undefined ? undefined : checkHeaderName(header),
    allowedOrigins: (flags['allow-origin'] ?? []).map(checkOrigin),
  }
}

/**
 * Listens, carries each connection to the target, and announces that this process does, until it is closed or the process
 * ends.
 *
 * @param environment where a proxy to the edge is looked up
 * @throws UserError as {@link forwardTcp} and {@link forwardHttp}
 */
export async function startForward(
  plan: ForwardPlan,
  {settings, ...to}: {settings: Settings; target: Target; environment: Environment; events: ForwardEvents},
): Promise<Forward> {
  const withdraw = announceForward(settings, to.target)
  const forward = await (plan.http ? forwardHttp({...plan, ...to}) : forwardTcp({listen: plan.listen, ...to}))
  const close = (): Promise<void> => forward.close().finally(withdraw)
  return {...forward, close}
}

/** @returns takes it back */
function announceForward(settings: Settings, target: Target): () => void {
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
  })
}
