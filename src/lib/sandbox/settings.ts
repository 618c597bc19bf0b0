import * as v from 'valibot'
import {isBlock, isCountry} from './countries.js'
import {clockOffset} from './moved-clock.js'

/** What a setting may be: the schema, and the words for it in docs/reference/sandbox.md. */
interface Kind<Schema extends v.GenericSchema> {
  schema: Schema
  values: string
}

const oneOf = <const Values extends readonly (string | number)[]>(
  ...values: Values
): Kind<v.PicklistSchema<Values, undefined>> => ({
  schema: v.picklist(values),
  values: values.map((value) => `\`${value}\``).join(', '),
})
const flag: Kind<v.BooleanSchema<undefined>> = {schema: v.boolean(), values: '`true`, `false`'}
const wholeNumber = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(1_000_000_000))
const count: Kind<typeof wholeNumber> = {schema: wholeNumber, values: 'a number'}

const countries = v.record(
  v.pipe(v.string(), v.check(isBlock, 'a CIDR block')),
  v.pipe(v.string(), v.check(isCountry, 'a country code')),
)

const offset: Kind<v.GenericSchema<string>> = {
  schema: v.pipe(
    v.string(),
    v.check((text) => clockOffset(text) !== undefined, 'a duration such as -90d or 12h'),
  ),
  values: 'a duration: `-90d`, `12h`',
}

const setting = <Schema extends v.GenericSchema>(
  kind: Kind<Schema>,
  preset: v.InferOutput<Schema>,
  does: string,
  source: string,
): Kind<Schema> & {preset: v.InferOutput<Schema>; does: string; source: string} => ({
  ...kind,
  preset,
  does,
  source,
})

const PROVIDER = 'Terraform provider 5.22'

/**
 * Every setting of a sandbox: where Cloudflare's documents are silent, where sources contradict each other, and where an
 * account may differ from another. A seed's `settings`, `zt sandbox start --observed` and docs/reference/sandbox.md follow from it.
 */
export const SETTINGS = {
  strict_service_token_auth: setting(
    flag,
    false,
    'The organisation has strict service-token authentication: the edge answers 401 and 403 in place of a redirect.',
    "Cloudflare's documents on service tokens",
  ),
  enforcement_delay_ms: setting(
    count,
    0,
    'The edge sees changes of policies and tokens this many milliseconds later.',
    'reported: about 85 s',
  ),
  zero_trust_enabled: setting(
    flag,
    true,
    '`false`: every Access operation is refused with 9999, as in an account without Zero Trust.',
    'reported by several clients',
  ),
  rate_limit: setting(
    count,
    0,
    'At most this many API requests in any five minutes, then 429 with Retry-After; every other answer says in `Ratelimit` what is left. 0: no limit.',
    "Cloudflare's documents on API limits: 1200",
  ),
  connector_end: setting(
    oneOf('none', 1000, 1001, 1006),
    'none',
    'How a client learns that its stream has ended. `none`: only by the end of the connection. 1000, 1001: by a close frame. 1006: TCP ends without close_notify.',
    "cloudflared's source for `none`; RFC 6455 for the others",
  ),
  country_of: setting(
    {schema: countries, values: 'CIDR blocks with a country code'},
    {},
    'The country of clients by their address: `{"127.0.0.2/32": "DE"}`. The longest block that contains it counts; `--country-of` comes first.',
    'the addresses of a test are in no country',
  ),
  without_allow: setting(
    oneOf('login', 'forbidden'),
    'forbidden',
    'What a request that no rule admits gets from an application without an Allow policy, where no login helps: the login page, or 403.',
    "Cloudflare's wrangler (workers-sdk 14008, May 2026) and operators in 2026 for `forbidden`; earlier reports for `login`",
  ),
  hide_accounts: setting(
    flag,
    false,
    '`GET /accounts` is refused with 400 and 1001.',
    'reported for account-owned API tokens',
  ),
  hidden_secrets: setting(
    oneOf('mask', 'omit', 'show'),
    'mask',
    'The password, token or client secret in `scim_config.authentication`, and the client secret in `saas_app`, in every answer but the one to the creation of the latter.',
    `${PROVIDER}, normalizations.go: it never reads them from an answer; which of the two is not known`,
  ),
  missing_secret: setting(
    oneOf('refuse', 'erase', 'keep'),
    'refuse',
    'A PUT of an application without the secret of its `scim_config.authentication`. `refuse`: 400 with 12130, `password is a required field`. `erase`: the application has none afterwards, nor a client secret in `saas_app`. `keep`: it keeps its secret.',
    `${PROVIDER}, acceptance tests for \`refuse\``,
  ),
  mixed_policies: setting(
    oneOf('refuse', 'accept'),
    'refuse',
    'An application with both reusable policies and policies of its own.',
    `the API reference for \`refuse\`; ${PROVIDER}, accessapplicationconfigwithlegacypolicies.tf, for \`accept\``,
  ),
  inline_at_creation: setting(
    oneOf('accept', 'refuse'),
    'accept',
    'An application of the account that gets its first policy of its own, at its creation or later.',
    'the API reference for `accept`; the documents on policy management (new applications take reusable policies only) for `refuse`',
  ),
  null_policies: setting(
    oneOf('detach', 'ignore', 'refuse'),
    'detach',
    '`policies: null` in a PUT of an application.',
    `reported for \`detach\`; ${PROVIDER}, normalizations.go, for \`ignore\``,
  ),
  policy_lag: setting(
    count,
    0,
    'The first writes of applications that name a new reusable policy, this many of them, are refused with 400 and 12130, `policy ID not found`.',
    'the author of another client, who retries for 45 s',
  ),
  throttle_403: setting(
    count,
    0,
    'Once an API token has had an answer, this many requests are refused with 403 and 10000. Counts down to 0.',
    'the author of another client',
  ),
  server_defaults: setting(
    flag,
    true,
    'The API fills in fields that an application, policy or Access group does not have, and sorts lists whose order has no meaning.',
    `${PROVIDER}, plan_modifiers.go, normalizations.go and the sets in its schemas`,
  ),
  unknown_selectors: setting(
    oneOf('refuse', 'accept'),
    'refuse',
    'A rule with a selector that the sandbox does not know. `accept`: as Cloudflare does with a selector that is newer than zt.',
    'reported for `refuse`: 12130',
  ),
  create_disabled: setting(
    oneOf('honoured', 'ignored'),
    'honoured',
    'What becomes of `enabled: false` when a service token is created.',
    'the API reference for `honoured`; no report',
  ),
  clock: setting(
    offset,
    '0s',
    "How far the sandbox's clock is ahead of the machine's; with `-` behind it. In seconds, minutes, hours, days or weeks (`s`, `m`, `h`, `d`, `w`), at most ten years.",
    'a test of 90 days cannot wait for them',
  ),
  analytics: setting(
    flag,
    true,
    '`false`: the account does not have the dataset, and GraphQL answers `does not have access to the path`.',
    "Cloudflare's documents on GraphQL error responses and on the settings node: availability depends on the plan",
  ),
  analytics_delay_ms: setting(
    count,
    0,
    'GraphQL shows an event this many milliseconds later.',
    'reported of another dataset: about 90 s',
  ),
  analytics_sampling: setting(
    count,
    1,
    'GraphQL sees one event in this many, and counts it as that many. 0 and 1: every event.',
    "Cloudflare's documents on sampling: adaptive, so the rate is unknown and changes",
  ),
  graphql_error_status: setting(
    flag,
    false,
    '`true`: an error of GraphQL has its HTTP status. `false`: 200.',
    "Cloudflare's documents on GraphQL error responses, which say both; every public client reads errors from a 200",
  ),
  recorded_policy: setting(
    flag,
    true,
    '`false`: `approvingPolicyId` is empty for a service token that a rule admitted.',
    "an operator in 2026: empty is no evidence of a refusal; Cloudflare's documents have the field",
  ),
  recorded_refusals: setting(
    oneOf('attempts', 'all', 'none'),
    'attempts',
    'Which refused requests are recorded. `attempts`: those with the credentials of a service token, and those that get 403. `all`: also redirects to the login page and challenges.',
    "Cloudflare's documents on authentication logs (every attempt to log in) and on querying Access login events (a 403 without credentials) for `attempts`; no report for the others",
  ),
  recorded_sessions: setting(
    flag,
    false,
    'Whether a request is recorded that only a session admits.',
    "Cloudflare's documents on authentication logs (a login is recorded, not what follows it) for `false`; no report for `true`",
  ),
} as const

export type SettingName = keyof typeof SETTINGS

export type SandboxSettings = {
  [Name in SettingName]?: v.InferOutput<(typeof SETTINGS)[Name]['schema']> | undefined
}

/** The settings in a seed or in a file of observed values. Unknown names and values are refused. */
export const settingsSchema = v.strictObject(
  Object.fromEntries(
    Object.entries(SETTINGS).map(([name, {schema}]) => [name, v.optional(schema as v.GenericSchema)]),
  ),
)

/** A setting's value; its preset if it is not set. */
export function settingOf<Name extends SettingName>(
  settings: SandboxSettings,
  name: Name,
): NonNullable<SandboxSettings[Name]> {
  return (settings[name] ?? SETTINGS[name].preset) as NonNullable<SandboxSettings[Name]>
}
