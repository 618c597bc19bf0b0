import fs from 'node:fs/promises'
import path from 'node:path'
import {afterAll, beforeAll, beforeEach, describe, expect, it} from 'vitest'
import {findProgram} from '../../src/lib/system/programs.js'
import {faultsIn, HOST, RemoteWorld} from './remote-world.js'
import {knownServer, REMOTE_FAULTS} from './remote-faults.js'

/** Faults that only ssh itself can tell. */
const needsSsh = (finds: string): boolean => /^(ssh-config|known-hosts)/.test(finds)
const hasSsh = findProgram('ssh', process.env) !== undefined
if (!hasSsh) process.stderr.write('SKIPPED: there is no ssh to ask what a configuration means\n')

let world: RemoteWorld
beforeAll(async () => {
  world = await RemoteWorld.open()
})
beforeEach(() => world.heal())
afterAll(() => world.end())

describe('nothing is wrong', () => {
  it.each([undefined, HOST])('and doctor finds nothing (host: %s)', async (host) => {
    const findings = await world.find({host})
    expect(faultsIn(findings), JSON.stringify(findings, null, 2)).toEqual([])
    expect(findings.filter(({state}) => state === 'ok').length).toBeGreaterThan(host ? 12 : 7)
  })
})

it.runIf(hasSsh)('a server whose key ssh knows is in order', async () => {
  await knownServer(world)
  const findings = await world.find({host: HOST})
  expect(faultsIn(findings)).toEqual([])
  expect(findings.find(({id}) => id === 'known-hosts')).toMatchObject({
    state: 'ok',
    detail: 'the one that ssh knows',
  })
})

it('a host without a token is cured by a command that runs as it is', async () => {
  await world.index.unbind('default', HOST)
  const findings = await world.find({host: HOST})
  expect(findings.find(({id}) => id === 'host-token')?.next).toEqual([`zt setup ${HOST}`])
})

it('the API does not count as answering where nothing could be asked', async () => {
  const key = path.join(world.zt.home, 'CONFIG', 'zt', 'identity.txt')
  await world.profile({store: 'vault', apiTokenStore: 'vault'})
  await fs.writeFile(key, 'no identity')
  const findings = await world.find({env: {CLOUDFLARE_API_TOKEN: undefined}})
  const stateOf = (id: string) => findings.find((one) => one.id === id)?.state
  expect([stateOf('api-token'), stateOf('api')]).toEqual(['fail', 'skipped'])
})

describe('doctor finds exactly the one fault that is there', () => {
  it.each(REMOTE_FAULTS.filter(({finds}) => hasSsh || !needsSsh(finds)))(
    '$fault',
    async ({build, look = {}, finds}) => {
      const more = (await build(world)) ?? {}
      const findings = await world.find({...look, ...more})
      expect(faultsIn(findings), JSON.stringify(findings, null, 2)).toEqual([finds])
      const one = findings.find(({id, state}) => `${id} ${state}` === finds)
      expect(one?.next.join('')).not.toBe('')
    },
  )
})
