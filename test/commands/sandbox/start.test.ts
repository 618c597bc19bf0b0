import fs from 'node:fs/promises'
import {expect, it, vi} from 'vitest'
import {FakeSandbox} from '../../support/fake-sandbox.js'
import {commandTests} from '../../support/command-harness.js'

// What is started as a process of its own is the built zt: a stand-in takes its place, as test/e2e starts the real one.
vi.doMock('../../../src/lib/system/zt-program.js', () => ({
  ztProgram: () => FakeSandbox.program(scene.zt),
  partProgram: () => FakeSandbox.program(scene.zt),
  isExecutable: () => false,
}))

const scene = commandTests('sandbox start')

it('starts the local Access as a process of its own, and makes its profile', async () => {
  const {zt} = scene
  const origin = 'gitlab.widgetcorp.tech=127.0.0.1:22'
  const seed = zt.file('seed.json')
  await fs.writeFile(seed, '{"zones": [{"name": "widgetcorp.tech"}]}')
  const observed = zt.file('observed.json')
  await fs.writeFile(observed, '{"version": 1, "settings": {"policy_lag": 3}}')
  const country = '127.0.0.2/32=DE'
  const result = await zt.json(
    `sandbox start --seed ${seed} --observed ${observed} --origin ${origin} --country-of ${country} --store vault`,
  )
  expect(result).toMatchObject({profile: 'sandbox', alreadyRunning: false, edge: '127.0.0.1:2'})
  expect(await FakeSandbox.arguments(zt)).toEqual([
    ...[
      'sandbox',
      'start',
      '--foreground',
      '--no-input',
      '--origin',
      origin,
      '--country-of',
      country,
      '--seed',
      seed,
      '--observed',
      observed,
      '--store',
      'vault',
    ],
  ])
  expect((await zt.readConfig()).profiles['sandbox']).toMatchObject({
    ...{apiUrl: result['apiUrl'], sandbox: true, store: 'vault'},
  })
  const again = await zt.run('sandbox start')
  expect(again.stdout).toMatch(/^edge +127\.0\.0\.1:2$/m)
  expect(again.stderr).toContain('zt profile use sandbox')
  expect(await zt.json('sandbox start')).toMatchObject({alreadyRunning: true, pid: result['pid']})
  const startsOver = await zt.fails(`sandbox start --seed ${seed}`, 'conflict', 'SANDBOX_RUNS')
  expect(startsOver.next).toEqual(['zt sandbox reset'])
  const goesOn = await zt.fails(`sandbox start --country-of ${country}`, 'conflict', 'SANDBOX_RUNS')
  expect(goesOn.next).toEqual(['zt sandbox stop'])
  await zt.fails(`sandbox start --observed ${observed}`, 'conflict', 'SANDBOX_RUNS')
  expect(await zt.json('sandbox stop')).toMatchObject({stopped: true})
})

it('stays with --foreground until it is interrupted', async () => {
  const {zt} = scene
  const {stdout, exitCode} = await zt.run('sandbox start --foreground --store vault', {
    onOutput: () => setTimeout(() => process.emit('SIGHUP'), 0),
  })
  expect(exitCode).toBe(0)
  expect(stdout).toMatch(/^API +http:\/\/127\.0\.0\.1:\d+/m)
  expect(await zt.json('sandbox status')).toMatchObject({running: false})
})

it('fails where it cannot start', async () => {
  const {zt} = scene
  await zt.fails('sandbox start --seed nothing.json', 'usage', 'BAD_SEED')
  await zt.fails('sandbox start --origin nowhere', 'usage', 'BAD_ORIGIN')
  await zt.fails('sandbox start --country-of 127.0.0.2/33=DE', 'usage', 'BAD_COUNTRY_OF')
  await zt.fails('sandbox start --country-of 127.0.0.2=germany', 'usage', 'BAD_COUNTRY_OF')
  await zt.fails('sandbox start --store env', 'usage', 'STORE_READ_ONLY')
})
