import {afterAll, describe, expect, it} from 'vitest'
import {FakeSecretService} from '../support/fake-secret-service.js'
import {Lanes} from './lanes.js'
import {COMMANDS, RECOVER, type End, type Operation, type Scene} from './scene.js'
import {MORE, TABLE, type Case} from './table.js'
import {tally} from './tally.js'
import {faultsOf} from './verdict.js'

const missing = await FakeSecretService.missing()
if (missing !== undefined) process.stderr.write(`SKIPPED: faults of a keyring: ${missing}\n`)

// Most of them wait: for a deadline, for an answer that does not arrive.
const lanes = new Lanes(10)
afterAll(() => lanes.close())

describe.each(['create', 'rotate'] as const)('token %s', (operation) => {
  for (const row of [...TABLE, ...MORE]) {
    const kind = TABLE.includes(row) ? 'table' : 'more'
    const one = row[operation]
    const title = `${row.fault}: ${one.how}`
    const skipped = one.keyring === true && missing !== undefined
    if (skipped) tally({kind: 'skipped', name: `${kind} ${operation} ${title}`})
    const test = skipped ? it.skip : it.concurrent
    test(title, async () => {
      const wrong = await lanes.use((scene) => befall(scene, operation, one))
      tally({kind, name: `${operation} ${title}`, wrong})
      expect(wrong).toEqual([])
    })
  }
})

/** Runs a command under a fault; returns what is wrong in its output and its state, then and when the fault is over. */
async function befall(scene: Scene, operation: Operation, one: Case): Promise<string[]> {
  await scene.reset({keyring: one.keyring ?? false})
  const env = one.env ?? {}
  const wrong: string[] = []
  try {
    await one.spoil?.(scene)
    const ends = one.run ? await one.run(scene, operation) : [await scene.run(COMMANDS[operation], {env})]
    for (const end of ends) wrong.push(...scene.misconduct(end))
    await one.after?.(scene)
    if (!(await (one.befell ?? faultWasDone)(scene, ends)))
      wrong.push(`the fault did not befall it: ${JSON.stringify(ends)} ${scene.api.changes.join(', ')}`)
    wrong.push(...(await standing(scene, operation, ends)))
    if ((await scene.intents()).length > 0) {
      // The fault lasts: a recovery may fail, but must do no harm.
      const recovered = await scene.run(RECOVER, {env})
      wrong.push(...scene.misconduct(recovered), ...faultsOf(await scene.judge(false, false)))
    }
  } finally {
    scene.api.mend()
    await one.lift?.(scene)
    const volatile = await isVolatile(scene)
    await (volatile ? scene.keyring?.forgive() : scene.keyring?.mend())
  }
  return [...wrong, ...(await scene.settle())]
}

/** The state after the command has ended, before any recovery. */
async function standing(scene: Scene, operation: Operation, ends: End[]): Promise<string[]> {
  const open = (await scene.intents()).length > 0
  const said = ends.map(({stdout, stderr}) => stdout + stderr).join('\n')
  const wrong: string[] = []
  if (ends.some(({code}) => code === 0) && !isDone(scene, operation))
    wrong.push('it said that it was done, and is not')
  wrong.push(...faultsOf(await scene.judge(!open, false)))
  const ended = ends.every(({signal}) => signal === null)
  if (open && ended && isUnfinished(scene, operation) && !said.includes('zt token recover'))
    wrong.push(`it left something open and does not say how to recover: ${said}`)
  return wrong
}

function isDone(scene: Scene, operation: Operation): boolean {
  return scene.state.data.serviceTokens.some(({object}) =>
    operation === 'create'
      ? object['name'] === 'new' && object['enabled'] === true
      : object['name'] === 'ci' && Number(object['client_secret_version']) > 1,
  )
}

/** Something was made that is not in its final state. */
function isUnfinished(scene: Scene, operation: Operation): boolean {
  return operation === 'create'
    ? scene.state.data.serviceTokens.some(({object}) => String(object['name']).includes('~zt-'))
    : isDone(scene, operation)
}

async function faultWasDone(scene: Scene): Promise<boolean> {
  return scene.api.hits > 0 || ((await scene.keyring?.faults()) ?? []).length > 0
}

async function isVolatile(scene: Scene): Promise<boolean> {
  return ((await scene.keyring?.faults()) ?? []).some((fault) => fault.startsWith('volatile'))
}
