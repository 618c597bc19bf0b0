import {expect, it} from 'vitest'
import {commandTests} from '../../support/command-harness.js'

const scene = commandTests('group add-token')

it('puts a service token into an Access group, and says what it opens', async () => {
  const {zt} = scene
  await zt.json('token create deploy')
  const result = await zt.json('group add-token robots deploy --yes')
  expect(result).toMatchObject({
    ...{changed: true, dryRun: false, group: {name: 'robots'}, token: {name: 'deploy'}},
    opens: [{name: 'Build', domain: 'build.widgetcorp.tech', reach: 'yes'}],
    closes: [],
    bound: [{host: 'build.widgetcorp.tech', token: 'deploy'}],
  })
  expect(zt.group('robots')['include']).toHaveLength(2)
})

it('leaves one that is in it', async () => {
  const {zt} = scene
  expect(await zt.unchanged(() => zt.json('group add-token robots ci'))).toMatchObject({
    changed: false,
    opens: [],
  })
})

it('works on those of a zone', async () => {
  const {zt} = scene
  await zt.json(['group', 'add-token', 'zone robots', 'of-the-zone', '--zone', 'widgetcorp.tech'])
  expect(zt.group('zone robots')['include']).toHaveLength(2)
})

it('says what it opens under other conditions than the token has already', async () => {
  const {zt} = scene
  const nothing = /No application admits/
  expect((await zt.run('group add-token offices cd --dry-run')).stderr).toMatch(nothing)
  await zt.json('policy create German --token cd --require-country DE')
  await zt.json('policy attach German Wiki')
  await zt.json('group create french --token ci')
  await zt.json('policy create French --group french --require-country FR')
  await zt.json('policy attach French Wiki')
  const {stdout, stderr} = await zt.run('group add-token french cd --dry-run')
  expect(stdout).toMatch(/opens: "Wiki" .* to "cd".*conditions/)
  expect(stderr + stdout).not.toMatch(nothing)
})

it('changes nothing in a dry run', async () => {
  const {zt} = scene
  const {stdout} = await zt.unchanged(() => zt.run('group add-token robots off --dry-run'))
  expect(stdout).toContain('robots')
  expect(stdout).toContain('opens: "Build" (build.widgetcorp.tech) to "off"')
})

it('asks for both, and before it puts it in', async () => {
  const {zt} = scene
  expect((await zt.run('group add-token', {answers: ['robots', 'cd', true]})).asked).toHaveLength(3)
  await zt.unchanged(async () => {
    await zt.fails('group add-token offices cd', 'cancelled', 'CANCELLED', {answers: [false]})
    await zt.failsWithoutAsking('group add-token')
    await zt.failsWithoutAsking('group add-token robots')
  })
})

it('fails where one of them is not there', async () => {
  const {zt} = scene
  await zt.unchanged(async () => {
    await zt.fails('group add-token nothing ci', 'not-found', 'GROUP_NOT_FOUND')
    await zt.fails('group add-token robots nothing', 'not-found', 'TOKEN_NOT_FOUND')
  })
})
