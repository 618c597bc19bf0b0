import {expect, it} from 'vitest'
import {commandTests} from '../../support/command-harness.js'

const scene = commandTests('app add-rule')
const add = 'app add-rule GitLab --service-auth'

it('lets service tokens in, and binds the hosts', async () => {
  const {zt} = scene
  await zt.json('token create deploy')
  const result = await zt.json(`${add} --token deploy --token cd --name machines --yes`)
  expect(result).toMatchObject({
    ...{changed: true, dryRun: false, how: 'reusable', rule: {name: 'machines', precedence: 2}},
    application: {name: 'GitLab'},
    added: [{name: 'deploy'}, {id: 'token-cd'}],
    before: [{name: 'Staff', precedence: 1}],
    after: [{name: 'Staff'}, {name: 'machines', precedence: 2}],
    bound: [{host: 'gitlab.widgetcorp.tech', token: 'deploy', replaced: false}],
  })
  expect(zt.policy('machines')).toMatchObject({decision: 'non_identity', require: [], exclude: []})
})

it('shows where the rule goes, and how to go on', async () => {
  const {zt} = scene
  await zt.json('token create deploy')
  const {stdout, stderr} = await zt.run(`${add} --token deploy --before Staff`)
  expect(stdout.indexOf('Service Auth: deploy')).toBeLessThan(stdout.indexOf('Staff'))
  expect(stderr).toMatch(/zt undo \w+/)
  expect(stderr).toContain('If it is an SSH server: zt ssh gitlab.widgetcorp.tech')
  expect(stderr).toContain('If it is a web service: zt curl https://gitlab.widgetcorp.tech/')
  await zt.json(`${add} --group robots --precedence 1`)
  const links = zt.app('GitLab')['policies'] as {id: string; precedence: number}[]
  const first = links.reduce((a, b) => (a.precedence < b.precedence ? a : b))
  expect(zt.state.data.policies.find(({id}) => id === first.id)?.['include']).toEqual([
    {group: {id: 'group-robots'}},
  ])
})

it('passes on what a rule requires and excludes', async () => {
  const {zt} = scene
  const narrowing =
    '--require-ip 203.0.113.0/24 --require-country DE --require-group offices --exclude-ip 203.0.113.9 --exclude-country FR --exclude-group robots'
  await zt.json(`${add} --any-token ${narrowing} --name narrow`)
  const {include, require, exclude} = zt.policy('narrow')
  expect(include).toEqual([{any_valid_service_token: {}}])
  expect(require).toHaveLength(3)
  expect(exclude).toHaveLength(3)
})

it('leaves what is there already', async () => {
  const {zt} = scene
  const result = await zt.unchanged(() => zt.json('app add-rule Build --service-auth --token cd'))
  expect(result).toMatchObject({changed: false, how: 'none', rule: null, alreadyThere: [{name: 'cd'}]})
})

it('makes a rule inside an application with rules of its own, and in a zone', async () => {
  const {zt} = scene
  expect(await zt.json('app add-rule Legacy --service-auth --token cd')).toMatchObject({how: 'inline'})
  const ofZone = [
    'app',
    'add-rule',
    'Of the zone',
    '--service-auth',
    '--any-token',
    '--zone',
    'widgetcorp.tech',
  ]
  expect(await zt.json(ofZone)).toMatchObject({how: 'inline'})
})

it('changes nothing in a dry run', async () => {
  const {zt} = scene
  const result = await zt.unchanged(() => zt.json(`${add} --token cd --dry-run`))
  expect(result).toMatchObject({changed: false, dryRun: true, undo: null, added: [{name: 'cd'}]})
  expect((await zt.unchanged(() => zt.run(`${add} --token cd --dry-run`))).stdout).toContain('cd')
})

it('asks for the application and the tokens, and before it adds the rule', async () => {
  const {zt} = scene
  const {asked} = await zt.run('app add-rule', {answers: ['GitLab', ['cd'], true]})
  expect(asked).toHaveLength(3)
  expect(zt.app('GitLab')['policies']).toHaveLength(2)
  await zt.unchanged(async () => {
    await zt.fails(`${add} --token ci`, 'cancelled', 'CANCELLED', {answers: [false]})
    await zt.failsWithoutAsking('app add-rule')
    await zt.failsWithoutAsking(add)
    await zt.failsWithoutAsking('app add-rule GitLab --token ci')
  })
})

it('fails where it cannot add the rule', async () => {
  const {zt} = scene
  await zt.unchanged(async () => {
    await zt.fails('app add-rule nothing --service-auth --token ci', 'not-found', 'APPLICATION_NOT_FOUND')
    await zt.fails(`${add} --token nothing`, 'not-found', 'TOKEN_NOT_FOUND')
    await zt.fails(`${add} --token ci --before nothing`, 'not-found', 'RULE_NOT_FOUND')
    await zt.fails(`${add} --token ci --before Staff --precedence 1`, 'usage', 'BEFORE_AND_PRECEDENCE')
    await zt.fails(`${add} --token ci --require-country Germany`, 'usage', 'BAD_COUNTRY')
  })
})

it.each(['', ' --dry-run'])(
  'says which restrictions the rule goes past, also through groups:%s',
  async (flag) => {
    const {zt} = scene
    await zt.json('policy create narrow --token cd --require-ip 203.0.113.0/24')
    await zt.json('policy attach narrow GitLab --yes')
    zt.state.data.groups.push({
      ...{id: 'group-narrow', name: 'narrow', include: [{service_token: {token_id: 'token-ci'}}]},
      ...{require: [{geo: {country_code: 'DE'}}], exclude: []},
    })
    await zt.json('policy create grouped --group narrow')
    await zt.json('policy attach grouped GitLab --yes')
    const wanted = [
      'The rule "narrow" admits "cd" under conditions (only IP 203.0.113.0/24); the new rule goes past them',
      'The rule "grouped" admits "ci" under conditions (only country DE); the new rule goes past them',
    ]
    const line = `${add} --token ci --token cd --name both${flag}`
    expect((await zt.json(line))['warnings']).toEqual(expect.arrayContaining(wanted))
  },
)
