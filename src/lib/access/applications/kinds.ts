import type {Application} from '../../api/types.js'
import {hasManagedOAuth, hasNoLogin} from '../../policy/edge.js'

/** What Cloudflare documents of the applications of one type. */
export interface ApplicationKind {
  /**
   * Whether Service Auth rules admit machines. `unclear`: nothing documents it, or it is documented as not supported
   * although the API may accept such a rule.
   */
  serviceAuth: 'yes' | 'no' | 'unclear'
  /** Why, for `no` and `unclear`: a clause without full stop. Without: it is not documented. */
  why?: string
  /** `inline`: it takes only policies of its own, and these cannot become reusable. */
  policies: 'any' | 'inline'
  /** Whether its domains are hosts that a machine connects to with its credentials. */
  connects: boolean
  /** False: its domain is only the address that it links to. */
  protects: boolean
  /** What a machine meets that is not admitted. Undefined: a web server's answer, by the application's settings. */
  refusal?: string
}

const NOT_DOCUMENTED = 'not documented'

/** Rendered in a browser: Cloudflare's documents on browser-rendered terminals and on browser-based RDP. */
const rendered: ApplicationKind = {
  serviceAuth: 'unclear',
  why: 'Cloudflare renders it in the browser, and documents that such applications do not support Service Auth',
  policies: 'any',
  connects: true,
  protects: true,
}

/** Where people log in: the documents do not mention machines. */
const forPeople: ApplicationKind = {
  serviceAuth: 'unclear',
  policies: 'any',
  connects: false,
  protects: true,
  refusal: 'redirect to the login page',
}

/** Where the documents say neither who is admitted nor what happens to others. */
const undocumented: ApplicationKind = {...forPeople, refusal: NOT_DOCUMENTED}

/** Every type of application in Cloudflare's API reference. */
const KINDS: Record<string, ApplicationKind> = {
  // The documents on Access policies, "Service Auth".
  self_hosted: {serviceAuth: 'yes', policies: 'any', connects: true, protects: true},
  ssh: rendered,
  vnc: rendered,
  rdp: rendered,
  // The documents on MCP server portals: they admit service tokens, and answer 401 by Managed OAuth.
  mcp_portal: {serviceAuth: 'yes', policies: 'any', connects: true, protects: true, refusal: '401'},
  // The same page: the policies of an MCP server decide who sees it in a portal, and speak of Allow only.
  mcp: {...undocumented, refusal: 'the portal does not show the server'},
  // The documents on device enrollment permissions, "Check for service token".
  warp: {
    serviceAuth: 'yes',
    policies: 'any',
    connects: false,
    protects: true,
    refusal: 'the device cannot enrol',
  },
  // The API reference ("can only use the Allow action"; its policies have no link, only a body), and the documents on
  // infrastructure applications.
  infrastructure: {
    serviceAuth: 'no',
    why: 'The policies of an infrastructure application can only have the action Allow',
    policies: 'inline',
    connects: false,
    protects: true,
    refusal: 'no connection: only the Cloudflare One Client reaches its targets',
  },
  // The documents on application types: its policies decide who sees the link in the App Launcher.
  bookmark: {
    serviceAuth: 'no',
    why: 'A bookmark is a link in the App Launcher: its policies decide who sees it, and protect nothing',
    policies: 'any',
    connects: false,
    protects: false,
    refusal: 'nothing: a bookmark is only a link',
  },
  // The documents on SaaS applications, on the App Launcher, and on single sign-on for the dashboard: people log in.
  saas: forPeople,
  app_launcher: forPeople,
  dash_sso: forPeople,
  biso: undocumented,
  proxy_endpoint: undocumented,
}

/** Of a type that zt does not know, nothing is documented here. */
const UNKNOWN: ApplicationKind = {serviceAuth: 'unclear', policies: 'any', connects: true, protects: true}

/** What is documented of a type, as the API writes it. */
export function kindOf(type: string): ApplicationKind {
  return Object.hasOwn(KINDS, type) ? (KINDS[type] ?? UNKNOWN) : UNKNOWN
}

/** The types that zt knows. */
export const APPLICATION_TYPES: readonly string[] = Object.keys(KINDS)

/** Whether Service Auth rules may admit machines to an application of this type. */
export function takesServiceTokens(type: string): boolean {
  return kindOf(type).serviceAuth !== 'no'
}

/**
 * Why a Service Auth rule may have no effect on an application: a sentence without full stop.
 *
 * @returns undefined where Cloudflare documents that such rules admit machines
 */
export function serviceAuthDoubt({name, type}: {name: string; type: string}): string | undefined {
  const {serviceAuth, why} = kindOf(type)
  if (serviceAuth === 'yes') return undefined
  return `"${name}" (type ${type}) may not admit machines: ${why ?? 'Cloudflare does not document whether Service Auth rules do'}`
}

/**
 * What a machine meets that an application does not admit, in words.
 *
 * Strict service token authentication and Managed OAuth, which is on unless it says otherwise, have answers of their own
 * (Cloudflare's documents on both).
 *
 * @param strict whether the organisation has strict service token authentication
 */
export function refusalInWords(
  {type, serviceAuth401Redirect, policies, raw}: Application,
  strict: boolean | undefined,
): string {
  const {refusal} = kindOf(type)
  if (refusal !== undefined) return refusal
  if (strict === true) return '401 for wrong credentials, 403 for others'
  if (serviceAuth401Redirect) return '401'
  if (hasNoLogin(policies)) return '403'
  if (hasManagedOAuth(raw)) return '401'
  return 'redirect to the login page'
}
