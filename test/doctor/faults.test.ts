import {createHash} from 'node:crypto'
import fs from 'node:fs/promises'
import path from 'node:path'
import {afterAll, afterEach, beforeAll, beforeEach, describe, expect, it} from 'vitest'
import type {JsonObject} from '../../src/lib/core/json.js'
import {CommandWorld} from '../support/command-harness.js'
import {REMOTE_FAULTS} from './remote-faults.js'
import {endStarted, forgetHealthy, LOCAL_FAULTS, makeHealthy} from './local-faults.js'

let zt: CommandWorld
beforeAll(async () => {
  zt = await CommandWorld.open()
})
beforeEach(async () => {
  await zt.reset()
  await makeHealthy(zt)
})
afterEach(endStarted)
afterAll(async () => {
  await forgetHealthy()
  await zt.end()
})

type Env = Record<string, string | undefined>

/** What is neither ok nor skipped, as `id state`. */
function faultsIn({findings}: JsonObject): string[] {
  return (findings as {id: string; state: string}[])
    .filter(({state}) => state === 'warn' || state === 'fail')
    .map(({id, state}) => `${id} ${state}`)
}

const ends = (finds: string) => (finds.endsWith('fail') ? 'needs-action' : 0)

/** Every file of the home: what it is, its mode and what is in it. What can be lost is left out. */
async function treeOf({home}: CommandWorld): Promise<string[]> {
  const names = (await fs.readdir(home, {recursive: true})).filter(
    (name) => !/^(CACHE\b|sandbox\.json)/.test(name),
  )
  const lines = names.sort().map(async (name) => {
    const file = path.join(home, name)
    const stat = await fs.lstat(file)
    const content = stat.isFile()
      ? createHash('sha256')
          .update(await fs.readFile(file))
          .digest('hex')
      : ''
    return `${name} ${stat.mode.toString(8)} ${content}`
  })
  return Promise.all(lines)
}

it('finds nothing where nothing is wrong', async () => {
  const result = await zt.json('doctor --offline')
  expect(faultsIn(result), JSON.stringify(result, null, 2)).toEqual([])
  expect((result['counts'] as {ok: number}).ok).toBeGreaterThan(15)
})

describe('finds exactly the one fault that is there', () => {
  it.each(LOCAL_FAULTS)('$fault', async ({build, finds, says, fixable}) => {
    const env: Env = (await build(zt)) ?? {}
    const found = await zt.json('doctor --offline', {env, ends: ends(finds)})
    expect(faultsIn(found), JSON.stringify(found, null, 2)).toEqual([finds])
    const [fault] = (found['findings'] as {id: string; next: string[]; fix: string | null}[]).filter(
      ({id}) => id === finds.split(' ')[0],
    )
    expect(fault?.next).not.toEqual([])
    if (says) expect(JSON.stringify(fault)).toMatch(says)
    expect(fault?.fix !== null).toBe(fixable === true)
    const before = await treeOf(zt)
    const fixed = await zt.json('doctor --offline --fix --yes', {env, ends: fixable ? 0 : ends(finds)})
    expect(faultsIn(fixed)).toEqual(fixable ? [] : [finds])
    if (fixable) expect(faultsIn(await zt.json('doctor --offline', {env}))).toEqual([])
    else expect(await treeOf(zt)).toEqual(before)
  })
})

it('there are at least 40 faults, and each is another', () => {
  const faults = [...LOCAL_FAULTS, ...REMOTE_FAULTS].map(({fault}) => fault)
  expect(new Set(faults).size).toBe(faults.length)
  expect(faults.length).toBeGreaterThanOrEqual(40)
  expect(LOCAL_FAULTS.length).toBeGreaterThanOrEqual(25)
})
