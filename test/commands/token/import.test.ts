import {expect, it} from 'vitest'
import {commandTests} from '../../support/command-harness.js'
import {CI_SECRET} from '../../support/command-seed.js'

const scene = commandTests('token import')
const input = JSON.stringify({client_id: 'ci.access', client_secret: CI_SECRET})

it('keeps credentials from stdin, and shows no secret', async () => {
  const {zt} = scene
  const result = await zt.json('token import ci --host gitlab.widgetcorp.tech --store vault', {input})
  expect(result).toMatchObject({
    ...{how: 'saved', dryRun: false, store: 'vault', token: {name: 'ci', store: 'vault'}},
    bound: {host: 'gitlab.widgetcorp.tech', replaced: false},
  })
  expect(JSON.stringify(result)).not.toContain(CI_SECRET)
  expect(await zt.json('token import', {input})).toMatchObject({how: 'same', bound: null})
})

it('binds a path alone where one is named', async () => {
  const {zt} = scene
  const bound = {host: 'gitlab.widgetcorp.tech/a/b', replaced: false}
  expect(await zt.json('token import --host GitLab.widgetcorp.tech/a/./b/', {input})).toMatchObject({bound})
  expect(await zt.json('token show ci')).toMatchObject({token: {hosts: [bound.host]}})
  await zt.fails('ssh gitlab.widgetcorp.tech', 'not-found', 'HOST_NOT_BOUND')
  const {stdout, stderr} = await zt.run(`token import --host ${bound.host}`, {input})
  expect(stdout + stderr).toContain(`zt curl https://${bound.host}`)
  await zt.fails('token import --host *.widgetcorp.tech/a', 'usage', 'BAD_HOSTNAME', {input})
})

it('takes the header lines, too', async () => {
  const headers = `CF-Access-Client-Id: ci.access\nCF-Access-Client-Secret: ${CI_SECRET}\n`
  const {stdout, stderr} = await scene.zt.run('token import', {input: headers})
  expect(stdout).toContain('ci.access')
  expect(stdout + stderr).not.toContain(CI_SECRET)
})

it('asks for them at a terminal', async () => {
  const {zt} = scene
  const {asked} = await zt.run('token import', {answers: ['ci.access', CI_SECRET]})
  expect(asked).toHaveLength(2)
  expect(await zt.json('token show ci')).toMatchObject({token: {store: 'vault'}})
  await zt.failsWithoutAsking('token import')
})

it('replaces a secret only where that was asked for', async () => {
  const {zt} = scene
  await zt.json('token import', {input})
  const other = input.replace(CI_SECRET, 'another-secret-of-ci')
  await zt.unchanged(() => zt.fails('token import', 'conflict', 'SECRET_ALREADY_STORED', {input: other}))
  expect(await zt.json('token import --replace', {input: other})).toMatchObject({how: 'replaced'})
})

it('changes nothing in a dry run', async () => {
  const {zt} = scene
  const dryRun = 'token import --host gitlab.widgetcorp.tech --dry-run'
  expect(await zt.unchanged(() => zt.json(dryRun, {input}))).toMatchObject({how: 'saved', dryRun: true})
})

it('fails where they are not what they should be', async () => {
  const {zt} = scene
  await zt.unchanged(async () => {
    await zt.fails('token import', 'usage', 'INPUT_REQUIRED')
    await zt.fails('token import', 'not-found', 'CLIENT_ID_UNKNOWN', {input: input.replace('ci.', 'no.')})
    await zt.fails('token import', 'usage', 'BAD_CREDENTIALS', {input: 'a note'})
    await zt.fails('token import cd', 'usage', 'TOKEN_MISMATCH', {input})
  })
})
