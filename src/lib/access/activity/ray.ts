import type {AccessApi, AccessEvent, Application} from '../../api/types.js'
import {ztCommand} from '../../core/command-line.js'
import {UserError} from '../../core/errors.js'
import type {AccessContext} from '../account/context.js'
import {explainApplication, type ClientAnswer, type ExplainedApplication} from '../explain/application.js'
import {permitted, recordedApplications, recordedRules, type Recorded} from './names.js'
import {lastSeconds, readRecord, serverTime} from './record.js'

/** What Access recorded of one request, and what Access would answer to it today. */
export interface RecordedRequest {
  /** Without the data centre. */
  ray: string
  event: AccessEvent
  token: Recorded | undefined
  application: Recorded | undefined
  /** The rule that let it in. */
  rule: Recorded | undefined
  /** Undefined: the account does not have the application or the token, or the API token may not read it. */
  today: Today | undefined
}

/** What Access answers today to that service token from the address and country of the request. */
export interface Today {
  explained: ExplainedApplication
  answered: ClientAnswer
  from: {ip: string | undefined; country: string | undefined}
}

/** Longer than any line with a CF-RAY. */
const LONGEST_TEXT = 4096

/**
 * The CF-RAY in a text, without its data centre and in lower case: `8f1e2d3c4b5a6978`, `8f1e2d3c4b5a6978-AMS`, or a line
 * that contains one of these, such as a header or what an error page shows.
 *
 * @throws UserError `usage` / `BAD_RAY`
 */
export function parseRay(text: string): string {
  const found = text.slice(0, LONGEST_TEXT).matchAll(/(?<![\w-])([0-9a-f]{16})(?:-[A-Z]{2,4})?(?![\w-])/gi)
  const [ray, ...others] = new Set([...found].map(([, id = '']) => id.toLowerCase()))
  if (ray !== undefined && others.length === 0) return ray
  throw new UserError({
    kind: 'usage',
    code: 'BAD_RAY',
    message: ray === undefined ? 'This is not a CF-RAY' : 'This contains more than one CF-RAY',
    why: 'A CF-RAY has 16 hexadecimal digits, and may end in a hyphen and the letters of a data centre: 8f1e2d3c4b5a6978-AMS. It is in the header CF-RAY of an answer, and on an error page as Ray ID.',
    next: ['zt ray --help'],
  })
}

/**
 * What Access recorded of the request with a CF-RAY, in the last so many seconds; the newest part of the record is read
 * first.
 *
 * @throws UserError `not-found` / `RAY_NOT_FOUND`; ApiError `permission`, or `ANALYTICS_NOT_AVAILABLE`
 */
export async function requestOfRay(
  ctx: AccessContext,
  ray: string,
  seconds: number,
): Promise<RecordedRequest> {
  const api = await ctx.api()
  const range = lastSeconds(seconds, await serverTime(ctx, api))
  let event: AccessEvent | undefined
  const {lacks} = await readRecord(ctx, api, {by: 'requests', range, ray}, ([first]) => {
    event = first
    return first ? 'enough' : 'more'
  })
  if (!event) throw rayNotFound(ctx, ray, lacks)
  const {tokenId, applicationId, policyId} = event
  ctx.progress.step('Reading the account')
  const refused = (what: string) => (): void =>
    ctx.warn?.(
      `zt could not read the ${what}: the API token lacks the permission. Today's answer is not known`,
    )
  const [tokens, applications] = await Promise.all([
    tokenId === undefined ? [] : permitted(api.listServiceTokens(), refused('service tokens')),
    recordedApplications(
      api,
      new Set(applicationId === undefined ? [] : [applicationId]),
      refused('applications'),
    ),
  ])
  const [found] = applications.values()
  const own = found?.api
  const inZone = own !== undefined && own !== api
  const token =
    tokens.find(({id}) => id === tokenId) ??
    (inZone && tokenId !== undefined
      ? (await permitted(own.listServiceTokens())).find(({id}) => id === tokenId)
      : undefined)
  const rules = await recordedRules(
    api,
    new Set(policyId === undefined ? [] : [policyId]),
    applications.values(),
  )
  return {
    ray,
    event,
    token: tokenId === undefined ? undefined : {id: tokenId, name: token?.name},
    application: found && {id: found.id, name: found.name},
    rule: policyId === undefined ? undefined : {id: policyId, name: rules.get(policyId)},
    today:
      token && own && found?.application
        ? await today(ctx, own, {application: found.application, token: token.id}, event)
        : undefined,
  }
}

/** Undefined for an application whose requests no rule decides, and for a token that it does not know. */
async function today(
  ctx: AccessContext,
  own: AccessApi,
  wanted: {application: Application; token: string},
  {address: ip, country}: AccessEvent,
): Promise<Today | undefined> {
  const from = {ip, country}
  try {
    const explained = await explainedBy(ctx, own, wanted.application, from)
    return {explained, answered: explained.answerTo({kind: 'token', wanted: wanted.token}), from}
  } catch (error) {
    const isUnknown = error instanceof UserError && (error.kind === 'usage' || error.kind === 'not-found')
    if (isUnknown) return undefined
    throw error
  }
}

async function explainedBy(
  ctx: AccessContext,
  own: AccessApi,
  {id, domains}: Application,
  from: Today['from'],
): Promise<ExplainedApplication> {
  const isOfZone = own !== (await ctx.api())
  // By its host, a zone's application is found from the account, which also has service tokens that it may have met.
  const host = isOfZone ? domains.find((domain) => !domain.includes('*')) : undefined
  const found = host === undefined ? undefined : await explainApplication(ctx, {wanted: host, ...from})
  if (found?.application.id === id) return found
  const there = {...ctx, api: () => Promise.resolve(own)}
  // What is proposed names the zone, too.
  return explainApplication(there, {wanted: id, zone: own.zoneId, ...from})
}

function rayNotFound(ctx: AccessContext, ray: string, lacks: readonly string[]): UserError {
  return new UserError({
    kind: 'not-found',
    code: 'RAY_NOT_FOUND',
    message: `Access's record has no request ${ray}`,
    why: [
      'An event may take some minutes to appear. Cloudflare keeps events for 90 days, and samples of them where there are many.',
      'What refused the request before Access did, such as a firewall rule, is not there; neither is what an application of another account refused.',
      ...lacks,
    ],
    next: [`Some minutes later: ${ztCommand(ctx, 'ray', ray)}`],
  })
}
