import fs from 'node:fs/promises'
import {afterAll, beforeAll, expect, it} from 'vitest'
import Explain from '../../src/commands/app/explain.js'
import PolicyTest from '../../src/commands/policy/test.js'
import Ray from '../../src/commands/ray.js'
import Report from '../../src/commands/report.js'
import Activity from '../../src/commands/token/activity.js'
import Audit from '../../src/commands/token/audit.js'
import Reach from '../../src/commands/token/reach.js'
import {OPERATIONS, type Asks, type OperationName} from '../../src/lib/api/operations.js'
import type {JsonObject} from '../../src/lib/core/json.js'
import {CommandWorld} from '../support/command-harness.js'

// One after the other, each thing that a command asks for answers 403.

let zt: CommandWorld
beforeAll(async () => {
  zt = await CommandWorld.open()
})
afterAll(() => zt.end())

/** A 403 for something that the API token may read may be throttling: without patience, zt does not try it again. */
const run = (line: string) => zt.run(`${line} --json`, {env: {ZT_RATE_LIMIT_WAIT: '0'}})

const DAY = 24 * 3600_000
const RAY = '8f1e2d3c4b5a6978'
const ago = (days: number): string => new Date(Date.now() - days * DAY).toISOString()

/** An account of which there is something to say: old, with a record, and with rules that are not used. */
async function something(): Promise<void> {
  const {data} = zt.state
  zt.policy('CD')['include'] = ['ci', 'cd'].map((name) => ({service_token: {token_id: `token-${name}`}}))
  zt.policy('Staff')['include'] = [{service_token: {token_id: 'token-cd'}}]
  zt.policy('Zone')['decision'] = 'non_identity'
  zt.policy('Zone')['include'] = [{service_token: {token_id: 'token-ci'}}]
  const objects = [...data.apps, ...data.policies, ...data.inlinePolicies, ...data.groups]
  for (const one of [...objects, ...data.serviceTokens.map(({object}) => object)])
    Object.assign(one, {created_at: ago(365), updated_at: ago(365)})
  for (const [name, policyId] of [['ci', 'policy-robots'], ['cd', 'policy-cd']] as const) {
    zt.token(name)['last_seen_at'] = ago(1)
    zt.state.recordEvent({
      ...{at: Date.now() - DAY, ray: RAY, appId: 'app-build', policyId, tokenId: `token-${name}`, admitted: true},
      ...{session: false, kind: 'attempt', ip: '203.0.113.7', country: 'DE'},
    })
  }
  await fs.writeFile(
    zt.file('e.yaml'),
    ['build', 'gitlab', 'of'].map((host) => `- {who: {token: ci}, url: 'https://${host}.widgetcorp.tech/', expect: allow}\n`).join(''),
  )
} // prettier-ignore

type Claims = (result: JsonObject) => string[]
const list = (value: unknown): JsonObject[] => (Array.isArray(value) ? (value as JsonObject[]) : [])
const text = (...parts: unknown[]): string => JSON.stringify(parts)

const verdicts: Claims = ({verdict, traps, causes, admission}) => [
  ...(verdict === undefined || verdict === 'unknown' ? [] : [text('verdict', verdict)]),
  ...list(traps).map(({id, policyId, otherId}) => text(id, policyId, otherId)),
  ...list(causes).filter(({certain}) => certain).map(({id}) => text(id)),
  ...list((admission as JsonObject | undefined)?.['tokens']).filter(({admitted}) => admitted !== 'conditional').map(({name, admitted}) => text(name, admitted)),
] // prettier-ignore
/** What nothing that was read names is not claimed to be unreferenced; that it was never used is. */
const findings: Claims = (result) =>
  list(result['findings']).map(({kind, token, rule, application, group}) =>
    text(String(kind).replace('referenced-', ''), token, rule, application, group),
  )
const reached: Claims = ({opens, notLetIn}) =>
  [...list(opens), ...list(notLetIn)].map(({application, rule, reach}) => text(application, rule, reach))

/** Each command line, what it asks for, and what it claims. */
const ROWS: [line: string, asks: Asks, claims: Claims][] = [
  ['app explain Build --token ci', Explain.asks, verdicts],
  ['app explain GitLab --token cd', Explain.asks, verdicts],
  ['app explain of.widgetcorp.tech --token ci', Explain.asks, verdicts],
  ['app explain Build --all', Explain.asks, verdicts],
  ['token reach ci', Reach.asks, reached],
  ['token audit', Audit.asks, findings],
  [
    'report',
    Report.asks,
    (result) => [
      ...findings(result),
      ...list(result['tokens']).flatMap(({name, opens}) =>
        list(opens).flatMap(({application, rule, unused}) => [
          text(name, application, rule),
          ...(unused === true ? [text(name, application, rule, 'unused')] : []),
        ]),
      ),
    ],
  ],
  ['token activity ci', Activity.asks, ({total}) => [text(total)]],
  [`ray ${RAY}`, Ray.asks, ({allowed, today}) => [text(allowed), ...verdicts((today ?? {}) as JsonObject)]],
  [
    'policy test e.yaml',
    PolicyTest.asks,
    ({results}) =>
      list(results).flatMap(({name, actual}) => (actual === 'unknown' ? [] : [text(name, actual)])),
  ],
]

const cases = ROWS.flatMap(([line, {needs = [], tries = []}, claims]) =>
  [...new Set<OperationName>([...needs, ...tries, 'listZones'])].map((name) => ({line, name, claims})),
)

function lack(name: OperationName): void {
  const {method, path} = OPERATIONS[name]
  const rest = path.replace('/accounts/{account_id}/access', '').replaceAll(/\{\w+\}/g, '{id}')
  const everywhere = path.includes('/access/') ? [rest, `/zones/{id}/access${rest}`] : [rest]
  zt.api.spoil(
    ...everywhere.map((one) => ({method, path: one, action: {do: 'refuse', status: 403}}) as const),
  )
}

it.each(cases)('$line without $name: says so, and claims nothing else than with it', async ({line, name, claims}) => {
  await zt.reset()
  await something()
  const whole = JSON.parse((await run(line)).stdout) as JsonObject
  lack(name)
  const {stdout, stderr} = await run(line)
  const result = JSON.parse(stdout) as JsonObject
  const {error} = result as {error?: {kind: string; why?: string | string[]; next: string[]}}
  if (error) {
    expect(error.kind, stdout).toBe('permission')
    expect(error.next, stdout).not.toEqual([])
    return
  }
  const known = claims(whole)
  expect(known).not.toEqual([])
  expect(claims(result).filter((one) => !known.includes(one)), stdout).toEqual([])
  if (text(claims(result).sort()) !== text(known.sort()))
    expect(stdout + stderr).toMatch(/API token (may not|lacks)|permission/)
}) // prettier-ignore
