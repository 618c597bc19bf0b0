import https from 'node:https'
import type {ClientRequest, IncomingMessage} from 'node:http'
import {HEAD_BYTES} from '../../network/http-message.js'
import {timedOut} from '../carrier/connect-errors.js'
import type {EdgeAgent} from '../carrier/edge-agent.js'
import {addressOf} from '../carrier/connect.js'
import {judgeAnswer} from './judge.js'
import type {EdgeAddress, Judgement} from '../types.js'

export interface EdgeRequest {
  agent: EdgeAgent
  edge: EdgeAddress
  method: string | undefined
  /** With its query. */
  path: string | undefined
  headers: readonly (readonly [name: string, value: string])[]
  /** How long either side may be silent once it is connected, milliseconds. */
  idleMs: number
}

/** An HTTP request to the edge, not yet ended. @throws TypeError where node finds the path or the headers impossible */
export function edgeRequest({agent, edge, method, path, headers, idleMs}: EdgeRequest): ClientRequest {
  const {host, port} = addressOf(edge)
  const request = https.request({
    ...{agent, host, port, method, path, headers: headers.flat()},
    maxHeaderSize: HEAD_BYTES,
    insecureHTTPParser: false,
  })
  // All of them: one that is left out could be the one that counts. Their size has a limit.
  request.maxHeadersCount = 0
  request.setTimeout(idleMs, () => request.destroy(timedOut(edge, undefined, 'answer', idleMs)))
  return request
}

/** Whether an answer of the edge's is a refusal of Access's. */
export function judgeMessage({statusCode, headers}: IncomingMessage): Judgement {
  const texts = Object.entries(headers).flatMap(([name, value]) =>
    typeof value === 'string' ? [[name, value] as const] : [],
  )
  return judgeAnswer(statusCode ?? 0, new Map(texts))
}
