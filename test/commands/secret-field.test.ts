import fs from 'node:fs/promises'
import path from 'node:path'
import {afterAll, beforeAll, beforeEach, describe, expect, it} from 'vitest'
import type {JsonObject} from '../../src/lib/core/json.js'
import {COMMANDS, CommandWorld} from '../support/command-harness.js'
import {manifest} from '../support/manifest.js'

const PATH = 'scim_config.authentication.password'
const SECRET = 'the-password-of-the-scim-service'
const input = `${SECRET}\n`
const scimOf = (password: string): JsonObject => ({
  ...{idp_uid: 'idp', remote_uri: 'https://scim.example'},
  authentication: {scheme: 'httpbasic', user: 'zt', password},
})

let zt: CommandWorld
beforeAll(async () => {
  zt = await CommandWorld.open()
})
beforeEach(async () => {
  await zt.reset()
  // As the API shows it.
  for (const name of ['GitLab', 'Build']) zt.app(name)['scim_config'] = scimOf('**********')
})
afterAll(async () => zt.end())

/** Command lines that write an application, and which; each command with --secret-field has one. */
const LINES: [line: string, app: string, before?: string][] = [
  ['app set GitLab --session-duration 8h --yes', 'GitLab'],
  ['app add-rule GitLab --service-auth --token ci --yes', 'GitLab'],
  ['app remove-rule GitLab Staff --yes', 'GitLab'],
  ['policy attach Spare GitLab --yes', 'GitLab'],
  ['policy detach Staff GitLab --yes', 'GitLab'],
  ['token revoke cd --detach --yes', 'Build'],
  ['undo --last --yes', 'GitLab', `app set GitLab --session-duration 8h --yes --secret-field ${PATH}`],
]

async function arrange(before: string | undefined): Promise<void> {
  if (before === undefined) return
  await zt.run(before, {input})
  zt.app('GitLab')['scim_config'] = scimOf('**********')
}

describe('a command that writes an application', () => {
  it('has --secret-field, and no other has', () => {
    const having = Object.entries(manifest.commands).flatMap(([id, {flags}]) =>
      'secret-field' in flags ? [id.replaceAll(':', ' ')] : [],
    )
    expect(having.sort()).toEqual(
      LINES.map(([line]) => [...COMMANDS.keys()].find((id) => line.startsWith(id))).sort(),
    )
  })

  it.each(LINES)('needs the secret that the API hides, and says so before it changes anything: %s', async (line, _app, before) => {
    await arrange(before)
    for (const given of [line, `${line} --dry-run`]) {
      const error = await zt.unchanged(() => zt.fails(given, 'needs-action', 'SECRET_FIELD_NEEDED', {input}))
      expect(error['details']).toMatchObject({secretFields: [PATH]})
      expect(error.next).toEqual([`zt ${given} --json --secret-field ${PATH}`])
    }
  }) // prettier-ignore

  it.each(LINES)('writes it with the secret from stdin, and shows and keeps none of it: %s', async (line, app, before) => {
    await arrange(before)
    const given = `${line} --secret-field ${PATH}`
    await zt.unchanged(() => zt.json(`${given} --dry-run`))
    const {exitCode, stdout, stderr} = await zt.run(given, {input})
    expect([exitCode, stderr.includes(SECRET), stdout.includes(SECRET)]).toEqual([0, false, false])
    expect(zt.app(app)['scim_config']).toEqual(scimOf(SECRET))
    const records = path.join(zt.home, 'STATE', 'zt', 'undo')
    for (const file of await fs.readdir(records))
      expect(await fs.readFile(path.join(records, file), 'utf8')).not.toContain(SECRET)
  }) // prettier-ignore
})

const set = 'app set GitLab --session-duration 8h --yes'

describe('--secret-field', () => {
  it('asks for the secret at a terminal', async () => {
    const {asked, stdout, stderr} = await zt.run(`${set} --secret-field ${PATH}`, {answers: [SECRET]})
    expect(asked).toEqual([PATH])
    expect(stdout + stderr).not.toContain(SECRET)
    expect(zt.app('GitLab')['scim_config']).toEqual(scimOf(SECRET))
    await zt.unchanged(() => zt.failsWithoutAsking(`${set} --secret-field ${PATH}`))
  })

  it.each(['**********', 'abcd****', '[REDACTED]'])('does not take %j, which the API shows in place of a secret', async (mask) => {
    const line = `${set} --secret-field ${PATH}`
    await zt.unchanged(() => zt.fails(line, 'usage', 'BAD_SECRET_FIELDS', {input: `${mask}\n`}))
  }) // prettier-ignore

  it('given several times reads a JSON object from stdin', async () => {
    const several = {authentication: [{scheme: 'httpbasic', user: 'a'}, {scheme: 'access_service_token', client_id: 'b'}]} // prettier-ignore
    zt.app('GitLab')['scim_config'] = several
    const paths = ['scim_config.authentication.0.password', 'scim_config.authentication.1.client_secret']
    const line = `${set} ${paths.map((one) => `--secret-field ${one}`).join(' ')}`
    const secrets = {[paths[0] ?? '']: 'one-secret', [paths[1] ?? '']: 'other-secret', more: 'x'}
    for (const bad of ['', 'one-secret', '[]', JSON.stringify({[paths[0] ?? '']: 'one-secret'}), JSON.stringify({...secrets, [paths[1] ?? '']: 2})]) {
      const code = bad === 'one-secret' || bad === '[]' ? 'BAD_SECRET_FIELDS' : 'INPUT_REQUIRED'
      const error = await zt.unchanged(() => zt.fails(line, 'usage', code, {input: bad}))
      expect(JSON.stringify(error)).not.toContain('one-secret')
    } // prettier-ignore
    await zt.json(line, {input: JSON.stringify(secrets)})
    expect(zt.app('GitLab')['scim_config']).toEqual({
      authentication: [
        {scheme: 'httpbasic', user: 'a', password: 'one-secret'},
        {scheme: 'access_service_token', client_id: 'b', client_secret: 'other-secret'},
      ],
    })
  })

  it('takes no secret as its value', async () => {
    const error = await zt.unchanged(() =>
      zt.fails(`${set} --secret-field ${PATH}=${SECRET}`, 'usage', 'BAD_SECRET_FIELD', {input}),
    )
    expect(JSON.stringify(error)).not.toContain(SECRET)
    await zt.fails([...set.split(' '), '--secret-field', 'two words'], 'usage', 'BAD_SECRET_FIELD', {input})
  })

  it('is refused for a field that holds no secret', async () => {
    await zt.unchanged(() => zt.fails(`${set} --secret-field name`, 'usage', 'SECRET_FIELD_UNKNOWN', {input}))
  })

  it('names the application if the edit writes several', async () => {
    for (const name of ['GitLab', 'Build']) zt.app(name)['policies'] = [{id: 'policy-cd', precedence: 1}]
    const line = 'token revoke cd --detach --yes'
    const names = ['app-gitlab', 'app-build'].map((id) => `${id}:${PATH}`)
    const error = await zt.unchanged(() => zt.fails(line, 'needs-action', 'SECRET_FIELD_NEEDED'))
    const {secretFields} = error['details'] as {secretFields: string[]}
    expect(secretFields.sort()).toEqual([...names].sort())
    await zt.unchanged(() =>
      zt.fails(`${line} --secret-field ${PATH}`, 'usage', 'SECRET_FIELD_AMBIGUOUS', {input}),
    )
    const secrets = {[names[0] ?? '']: 'for-gitlab', [names[1] ?? '']: 'for-build'}
    await zt.json(`${line} ${names.map((one) => `--secret-field ${one}`).join(' ')}`, {input: JSON.stringify(secrets)}) // prettier-ignore
    expect(zt.app('GitLab')['scim_config']).toEqual(scimOf('for-gitlab'))
    expect(zt.app('Build')['scim_config']).toEqual(scimOf('for-build'))
  })
})
