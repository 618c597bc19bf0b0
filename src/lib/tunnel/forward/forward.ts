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

/** A forward as the command line describes it. */
export interface ForwardWords {
  listen: string
  expose: boolean
  http: boolean
  singleHeader?: string | undefined
  allowOrigins?: readonly string[] | undefined
}

/** A checked {@link ForwardWords}. */
export interface ForwardPlan {
  listen: ListenAddress
  http: boolean
  singleHeader: string | undefined
  allowedOrigins: readonly string[]
}

/** @throws UserError `usage` / `BAD_LISTEN`, `LISTEN_EXPOSED`, `BAD_HEADER_NAME`, `BAD_ORIGIN` */
export function planForward({listen, expose, http, singleHeader, allowOrigins}: ForwardWords): ForwardPlan {
  return {
    listen: parseListen(listen, expose),
    http,
    singleHeader: singleHeader === undefined ? undefined : checkHeaderName(singleHeader),
    allowedOrigins: (allowOrigins ?? []).map(checkOrigin),
  }
}

/**
 * Listens, and carries each connection to the target.
 *
 * @param environment where a proxy to the edge is looked up
 * @throws UserError as {@link forwardTcp} and {@link forwardHttp}
 */
export function startForward(
  plan: ForwardPlan,
  {target, environment, events}: {target: Target; environment: Environment; events: ForwardEvents},
): Promise<Forward> {
  return plan.http
    ? forwardHttp({...plan, target, environment, events})
    : forwardTcp({listen: plan.listen, target, environment, events})
}

/** Announces that this process carries connections to the target. @returns takes it back; so does the process's end */
export function announceForward(settings: Settings, target: Target): () => void {
  const {profileName: profile, paths} = settings
  const {tokenId, credentials, edge} = target
  const {host, connectTo, caFile} = edge
  return announce(paths.state, {
    carries: 'forward',
    ...{host, profile, tokenId, clientId: credentials.clientId},
    identity: identityOf({profile, tokenId: sharedBy(target, settings), connectTo, caFile}),
    plainSsh: false,
    cloudflared: false,
  })
}
