import {afterAll, describe, expect, it} from 'vitest'
import {onlyReads, OPERATIONS} from '../../src/lib/api/operations.js'
import {canonicalJson} from '../../src/lib/core/canonical-json.js'
import type {JsonObject} from '../../src/lib/core/json.js'
import {readCredentials} from '../../src/lib/secrets/credentials.js'
import {Lanes} from '../faults/lanes.js'
import {RECOVER, type End, type Scene} from '../faults/scene.js'
import {faultsOf} from '../faults/verdict.js'
import {liesFor, LISTS, type Lie} from './lies.js'
import {anotherOf, ATTACKS, IDS, seed, type Attack} from './operations.js'
import {tally} from './tally.js'

// They spend much of their time waiting before they read again.
const lanes = new Lanes(10)
afterAll(() => lanes.close())

it('has an attack for every operation that changes something', () => {
  const changing = Object.entries(OPERATIONS).filter(([, {method, path}]) => !onlyReads({method, path}))
  expect([...new Set(ATTACKS.map(({operation}) => operation))].sort()).toEqual(
    changing.map(([name]) => name).sort(),
  )
})

describe.each(ATTACKS.map((attack, at) => [attack.title, attack, at] as const))('%s', (_, attack, at) => {
  const all = ['token create', 'token rotate'].includes(attack.title)
  const fewer = / (recover|attach|detach|enable|--detach)\b|remove-token|its end/.test(attack.title)
  const lies = liesFor(at, {fields: attack.fields, of: all ? 'all' : fewer ? 'few' : 'many'})
  it.concurrent.each(lies.map((lie) => [lie.name, lie] as const))(
    'is not deceived by %s',
    async (_name, lie) => {
      expect(await lanes.use((scene) => deceive(scene, attack, lie))).toEqual([])
      tally('mutating operations × a lying API', 1)
    },
  )
})

const LISTED = [
  ['token rotate', '/service_tokens'],
  ['token disable', '/service_tokens'],
  ['token rename', '/service_tokens'],
  ['token revoke', '/service_tokens'],
  ['token rotate --undo', '/service_tokens'],
  ['app set', '/apps'],
  ['app add-rule, inline', '/apps'],
  ['app remove-rule, inline', '/apps'],
  ['policy attach', '/apps'],
  ['policy delete', '/policies'],
  ['group delete', '/groups'],
  ['group add-token', '/groups'],
] as const

describe.each(LISTED)('%s', (title, list) => {
  const attack = ATTACKS.find((one) => one.title === title)
  it.concurrent.each(LISTS.map((lie) => [lie.name, lie] as const))(
    'is not deceived by a list %s',
    async (_name, lie) => {
      if (!attack) throw new Error(`no attack is called ${title}`)
      const told = {...attack, rule: {method: 'GET', path: list} as const}
      expect(await lanes.use((scene) => deceive(scene, told, lie))).toEqual([])
      tally('mutating operations × a lying API', 1)
    },
  )
})

/** The findings after a lie. */
async function deceive(scene: Scene, attack: Attack, lie: Lie): Promise<string[]> {
  await scene.reset()
  seed(scene)
  attack.prepare?.(scene)
  if (attack.broken) {
    scene.api.spoil(...attack.broken.rules)
    const broken = await scene.run(attack.broken.args)
    if (broken.code === 0) return ['nothing was broken off']
    scene.api.reset()
    await scene.age()
  }
  if (attack.before) {
    const prepared = await scene.run(attack.before)
    if (prepared.code !== 0) return [`could not be prepared: ${prepared.stderr}`]
  }
  const before = account(scene)
  const untouched = theirs(scene)
  scene.api.spoil({...attack.rule, action: lie.action(anotherOf(scene, attack)), times: lie.times ?? 1})
  const end = await scene.run(attack.args)
  const [, verb] = attack.args
  const said = end.stdout + end.stderr
  const wrong = scene.misconduct(end)
  if (scene.api.hits === 0) wrong.push(`the lie was never sent: ${said}`)
  scene.api.mend()

  const done = attack.isDone(scene) && end.code !== null
  if (end.code === null) wrong.push(`it was killed: ${end.signal}`)
  if (end.code === 0 && !done) wrong.push(`it said that it was done, and is not: ${said}`)
  // A revocation that stops half-way says that the token is disabled, and which object was not changed.
  const claimsNothing =
    /nothing was (changed|done)/i.test(said) ||
    (/was not (created|changed|deleted|made)/i.test(said) && !said.includes('is disabled now'))
  if (claimsNothing && account(scene) !== before)
    wrong.push(`it said that nothing was changed, and something was: ${said}`)
  if (end.code !== 0 && verb !== 'recover' && !/^why:|^error: /m.test(end.stderr))
    wrong.push(`it did not say what failed: ${said}`)
  if (theirs(scene) !== untouched) wrong.push("it changed something of somebody else's")
  if (/service_tokens/.test(attack.rule.path)) wrong.push(...(await secretsAreRight(scene, attack, end)))
  return wrong.map((one) => `${one}\n${end.code}: ${said}`)
}

/** The secrets, before and after a recovery. */
async function secretsAreRight(scene: Scene, {args}: Attack, end: End): Promise<string[]> {
  const [, verb] = args
  if (verb === 'create' || verb === 'rotate' || verb === 'recover') {
    const open = (await scene.intents()).length > 0
    const wrong = faultsOf(await scene.judge(!open))
    if (open && end.code === 0) wrong.push('it left something open, and said that all is well')
    if (open && verb !== 'recover' && !(end.stdout + end.stderr).includes('zt token recover'))
      wrong.push('it left something open, and does not say how to recover')
    return [...wrong, ...(await scene.settle())]
  }
  const id = String(scene.ours['id'])
  const token = scene.state.data.serviceTokens.find(({object}) => object['id'] === id)
  const kept = await readCredentials(scene.store, id)
  if (!token) return kept && end.code === 0 ? ['its secret was left behind'] : []
  if (!kept) return ['the token is there, and its secret was erased']
  if (token.object['enabled'] === false) return []
  const opened = scene.state.edgeView().authenticate(kept.clientId, kept.clientSecret.expose())
  const recovered = await scene.run(RECOVER)
  return [
    ...(opened === id ? [] : ['what is stored opens nothing']),
    ...(recovered.code === 0 ? [] : [`recover ended with ${recovered.code}`]),
  ]
}

const STAMPS = new Set(['updated_at', 'created_at', 'app_count'])

function plain(object: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(object).filter(([field]) => !STAMPS.has(field)))
}

/** Everything in the account. */
function account(scene: Scene): string {
  const {apps, policies, inlinePolicies, groups, serviceTokens} = scene.state.data
  return canonicalJson({
    lists: [apps, policies, inlinePolicies, groups].map((list) => list.map(plain).map(canonicalJson).sort()),
    tokens: serviceTokens.map(({object, secretHash, previous}) => ({
      ...plain(object),
      secretHash,
      ...(previous && {previous}),
    })),
  })
}

/** The part of it that belongs to someone else. */
function theirs(scene: Scene): string {
  const {apps, policies, groups, serviceTokens} = scene.state.data
  const ids: unknown[] = [IDS.theirApp, IDS.theirPolicy, IDS.theirGroup]
  const tokens = serviceTokens.filter(({object}) => object['name'] === 'of somebody else')
  return canonicalJson([[...apps, ...policies, ...groups].filter(({id}) => ids.includes(id)), tokens])
}
