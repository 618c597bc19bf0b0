import fs from 'node:fs/promises'
import path from 'node:path'
import {expect, it} from 'vitest'
import {commandTests} from '../../support/command-harness.js'

const scene = commandTests('config set')

it('changes one setting, and removes it with an empty value', async () => {
  const {zt} = scene
  const before = await zt.readConfig()
  expect(await zt.json('config set connect-to 127.0.0.1:8443')).toMatchObject({value: '127.0.0.1:8443'})
  expect(await zt.readConfig()).toEqual({
    ...before,
    profiles: {default: {...before.profiles['default'], connectTo: '127.0.0.1:8443'}},
  })
  expect((await zt.run('config set connect-to [::1]:8443')).stdout).toBe(
    '✓ connect-to of profile default is [::1]:8443\n',
  )
  expect(await zt.json(['config', 'set', 'connect-to', ''])).toMatchObject({value: null})
  expect(await zt.readConfig()).toEqual(before)
})

it('keeps files as full paths', async () => {
  const {zt} = scene
  const file = path.join(zt.home, 'sandbox.json')
  expect(await zt.json(['config', 'set', 'known-hosts-file', '../sandbox.json'])).toMatchObject({
    value: file,
  })
  await zt.fails('config set ca-file nothing.pem', 'usage', 'BAD_VALUE')
})

it('forgets the name of another account', async () => {
  const {zt} = scene
  await zt.writeConfig({profiles: {default: {...zt.profile, accountName: 'Widgets'}}})
  await zt.json('config set account a2')
  expect((await zt.readConfig()).profiles['default']).toEqual({...zt.profile, accountId: 'a2'})
})

it.each([
  ['config set account two words', 'BAD_COMMAND_LINE'],
  ['config set account a/b', 'BAD_VALUE'],
  ['config set connect-to nowhere', 'BAD_CONNECT_TO'],
  ['config set api-url https://example.com', 'SET_ELSEWHERE'],
  ['config set store vault', 'SET_ELSEWHERE'],
  ['config set colour red', 'BAD_COMMAND_LINE'],
])('refuses: zt %s', async (line, code) => {
  const {zt} = scene
  const before = await zt.readConfig()
  await zt.fails(line, 'usage', code)
  expect(await zt.readConfig()).toEqual(before)
})

it('names the command that sets another one, with its value', async () => {
  const {next} = await scene.zt.fails('config set store vault', 'usage', 'SET_ELSEWHERE')
  expect(next).toEqual(['zt store use vault'])
})

it("leaves the sandbox's settings alone", async () => {
  const {zt} = scene
  await zt.writeConfig({profiles: {default: {...zt.profile, sandbox: true}}})
  await zt.fails('config set account a1', 'usage', 'SANDBOX_SETTING')
})

it('asks for the name of a profile that a project chose', async () => {
  const {zt} = scene
  await fs.writeFile(zt.file('.zt.json'), JSON.stringify({profile: 'default'}))
  await zt.fails('config set connect-to 127.0.0.1:8443', 'usage', 'PROFILE_NOT_NAMED')
  expect(await zt.json('config set connect-to 127.0.0.1:8443 --profile default')).toMatchObject({
    name: 'connect-to',
  })
})
