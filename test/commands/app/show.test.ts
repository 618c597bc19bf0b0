import {expect, it} from 'vitest'
import {commandTests} from '../../support/command-harness.js'

const scene = commandTests('app show')

it('shows an application by name, ID and domain', async () => {
  const {zt} = scene
  for (const wanted of ['Build', 'app-build', 'build.widgetcorp.tech', 'https://build.widgetcorp.tech/x'])
    expect(await zt.json(`app show ${wanted}`)).toMatchObject({
      application: {id: 'app-build', name: 'Build', serviceAuth401: false},
    })
})

it('shows its rules in order, in words too', async () => {
  const {zt} = scene
  const {application} = await zt.json('app show Build')
  expect(application).toMatchObject({
    policies: [
      {name: 'Robots', precedence: 1, decision: 'non_identity', inWords: {include: ['Access group robots']}},
      {name: 'CD', precedence: 2, inWords: {include: ['service token cd']}},
    ],
  })
  const {stdout} = await zt.run('app show Build')
  expect(stdout.indexOf('Robots')).toBeLessThan(stdout.indexOf('CD'))
  expect(stdout).toContain('service token cd')
  expect((await zt.run('app show Wiki')).stdout).toContain('wiki.widgetcorp.tech')
})

it('shows one of a zone', async () => {
  const {application} = await scene.zt.json(['app', 'show', 'Of the zone', '--zone', 'widgetcorp.tech'])
  expect(application).toMatchObject({id: 'app-zone', policies: [{reusable: false}]})
})

it('asks which one', async () => {
  const {zt} = scene
  const {asked, stdout} = await zt.run('app show', {answers: ['Legacy']})
  expect(asked).toHaveLength(1)
  expect(stdout).toContain('legacy.widgetcorp.tech')
  await zt.failsWithoutAsking('app show')
})

it('fails where no one application is meant', async () => {
  const {zt} = scene
  await zt.fails('app show nothing', 'not-found', 'APPLICATION_NOT_FOUND')
  zt.app('Wiki')['name'] = 'Build'
  await zt.fails('app show Build', 'ambiguous', 'APPLICATION_AMBIGUOUS')
  zt.state.data.apps.length = 0
  await zt.fails('app show', 'not-found', 'NOTHING_TO_CHOOSE', {answers: []})
})
