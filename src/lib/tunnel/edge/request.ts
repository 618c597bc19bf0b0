import https from 'node:https'
import type {ClientRequest, IncomingMessage} from 'node:http'
import {HEAD_BYTES} from '../../network/http-message.js'
import {addressOf} from '../carrier/connect.js'
import type {EdgeAgent} from '../carrier/edge-agent.js'
import {timedOut} from '../failure/connection.js'
import {readAnswer} from '../failure/refusal.js'
import type {EdgeAddress, EdgeAnswer} from '../types.js'

export interface EdgeRequest {
  agent: EdgeAgent
  edge: EdgeAddress
  method: string | undefined
  /** With its query. */
  path: string | undefined
  headers: readonly (readonly [name: string, value: string])[]
  /** How long either side may be silent once connected, milliseconds. */
  idleMs: number
}

/** An HTTP request to the edge, not yet ended. @throws TypeError if node refuses the path or the headers */
export function edgeRequest({agent, edge, method, path, headers, idleMs}: EdgeRequest): ClientRequest {
  const {host, port} = addressOf(edge)
  const request = https.request({
    agent,
    host,
    port,
    method,
    path,
    headers: headers.flat(),
    maxHeaderSize: HEAD_BYTES,
    insecureHTTPParser: false,
  })
  // No limit: a header that is dropped could be the one that matters. Their size has a limit.
  request.maxHeadersCount = 0
  request.setTimeout(idleMs, () => request.destroy(timedOut(edge, undefined, 'answer', idleMs)))
  return request
}

/** What an answer of the edge says. */
export function answerOf({statusCode, headers}: IncomingMessage): EdgeAnswer {
  const texts = Object.entries(headers).flatMap(([name, value]) =>
    typeof value === 'string' ? [[name, value] as const] : [],
  )
  return readAnswer(statusCode ?? 0, new Map(texts))
}
