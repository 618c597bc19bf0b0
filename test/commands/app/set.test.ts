import {expect, it} from 'vitest'
import {commandTests} from '../../support/command-harness.js'

const scene = commandTests('app set')

it("changes an application's settings, and nothing else", async () => {
  const {zt} = scene
  const before = structuredClone(zt.app('Build'))
  const result = await zt.json('app set Build --service-auth-401 --session-duration 7d --yes')
  expect(result).toMatchObject({
    ...{changed: true, dryRun: false, application: {id: 'app-build', name: 'Build'}},
    changes: [{action: 'replace', kind: 'application', id: 'app-build'}],
  })
  const changed = {
    service_auth_401_redirect: true,
    session_duration: '168h',
    updated_at: expect.any(String) as string,
  }
  expect(zt.app('Build')).toEqual({...before, ...changed})
  await zt.json('app set Build --no-service-auth-401')
  expect(zt.app('Build')['service_auth_401_redirect']).toBe(false)
})

it('leaves what is so already', async () => {
  const {zt} = scene
  expect(await zt.unchanged(() => zt.json('app set GitLab --session-duration 24h'))).toMatchObject({
    ...{changed: false, undo: null, changes: []},
  })
})

it('changes nothing in a dry run, and shows the difference', async () => {
  const {zt} = scene
  const {stdout} = await zt.unchanged(() => zt.run('app set GitLab --session-duration 8h --dry-run'))
  expect(stdout).toMatch(/- +"?24h/)
  expect(stdout).toMatch(/\+ +"?8h/)
  const {changes} = await zt.unchanged(() => zt.json('app set GitLab --session-duration 8h --dry-run'))
  expect(changes).toMatchObject([{fields: [{field: 'session_duration', before: '24h', after: '8h'}]}])
})

it('asks which one, and before it changes it', async () => {
  const {zt} = scene
  const {asked, stderr} = await zt.run('app set --session-duration 8h', {answers: ['GitLab', true]})
  expect(asked).toHaveLength(2)
  expect(stderr).toMatch(/zt undo \w+/)
  expect(zt.app('GitLab')['session_duration']).toBe('8h')
  await zt.unchanged(async () => {
    await zt.fails('app set GitLab --session-duration 1h', 'cancelled', 'CANCELLED', {answers: [false]})
    await zt.failsWithoutAsking('app set --session-duration 1h')
  })
})

it('sets those of a zone', async () => {
  const {zt} = scene
  await zt.json(['app', 'set', 'Of the zone', '--session-duration', '1h', '--zone', 'widgetcorp.tech'])
  expect(zt.app('Of the zone')['session_duration']).toBe('1h')
})

it('fails where it cannot do what was asked', async () => {
  const {zt} = scene
  await zt.unchanged(async () => {
    await zt.fails('app set GitLab', 'usage', 'NOTHING_TO_SET')
    await zt.fails('app set nothing --service-auth-401', 'not-found', 'APPLICATION_NOT_FOUND')
    await zt.fails('app set GitLab --service-auth-401', 'conflict', 'NEEDS_SERVICE_AUTH')
    await zt.fails('app set GitLab --session-duration soon', 'usage', 'BAD_DURATION')
  })
})
