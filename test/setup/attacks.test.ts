import {randomUUID} from 'node:crypto'
import fs from 'node:fs/promises'
import net, {type AddressInfo} from 'node:net'
import path from 'node:path'
import {afterAll, beforeAll, beforeEach, describe, expect, it, vi} from 'vitest'
import type {JsonObject} from '../../src/lib/core/json.js'
import {IndexFiles} from '../../src/lib/secrets/index-files.js'
import {Journal} from '../../src/lib/secrets/journal/journal.js'
import {CommandWorld} from '../support/command-harness.js'
import {asUsual} from '../support/patient.js'
import {SetupScene} from '../support/setup-scene.js'

const server = net.createServer((socket) => socket.on('error', () => undefined).end('SSH-2.0-test\r\n'))
let scene: SetupScene
let zt: CommandWorld

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const {port} = server.address() as AddressInfo
  zt = await CommandWorld.open({originOf: () => `127.0.0.1:${port}`})
  scene = new SetupScene(zt)
})
beforeEach(() => scene.reset())
afterAll(async () => {
  await zt.end()
  server.close()
})

const HOST = 'build-ssh.widgetcorp.tech'
const SET_UP = `setup ${HOST} --yes`
const REMOVE = `setup ${HOST} --remove --yes`

const stateOf = ({steps}: JsonObject, step: string): unknown =>
  (steps as JsonObject[]).find((one) => one['step'] === step)?.['state']
const tokens = (): unknown[] => zt.state.data.serviceTokens.map(({object}) => object['name'])
const setups = async (): Promise<string[]> =>
  fs.readdir(path.join(zt.home, 'STATE', 'zt', 'setup')).catch(() => [])

describe('the records and their profile', () => {
  it('go with it when it gets another name, so that the setup can be taken back', async () => {
    const before = await scene.everything()
    await zt.json(SET_UP)
    await zt.json('profile rename default work')
    expect(await zt.json('store check')).toMatchObject({problems: []})
    await zt.json(`${REMOVE} --profile work`)
    await zt.json('profile rename work default')
    expect(await scene.everything()).toMatchObject({account: before['account'], tokens: before['tokens']})
    expect(await setups()).toEqual([])
  })

  it('are deleted with it; the error names the removal before', async () => {
    await zt.json(SET_UP)
    const {next} = await zt.fails('profile delete default --yes', 'conflict', 'PROFILE_HAS_SECRETS')
    expect(next.join('\n')).toContain(`zt setup ${HOST} --remove --profile default`)
    await zt.json('profile delete default --with-secrets --yes')
    expect(await setups()).toEqual([])
  })

  it('of one that is gone are found by the check of the stores', async () => {
    await zt.writeConfig({currentProfile: 'old', profiles: {old: zt.profile}})
    await zt.json(SET_UP)
    await zt.writeConfig({currentProfile: 'default', profiles: {default: zt.profile}})
    await fs.rm(path.join(zt.home, 'DATA'), {recursive: true})
    const {problems} = await zt.json('store check', {ends: 'needs-action'})
    expect(problems).toContainEqual(expect.objectContaining({code: 'NO_SUCH_PROFILE', subject: 'old'}))
  })
})

it('names the zone of an application that belongs to one, and takes back only what is of the zone', async () => {
  const host = 'of.widgetcorp.tech'
  const line = `setup ${host} --yes --token mine`
  const {next} = await scene.unchanged(() => zt.fails(line, 'usage', 'OBJECT_OF_ZONE'))
  expect(next).toEqual([`zt ${line} --json --zone widgetcorp.tech`])
  await zt.json('token create other')
  const before = await scene.everything()
  await zt.json(`${line} --zone widgetcorp.tech`)
  // The token is of the zone: without --zone, it would seem to be gone.
  const {stderr, stdout} = await scene.unchanged(() => zt.run(`setup ${host} --remove --yes`))
  expect(stdout + stderr).toMatch(/zt setup of\.widgetcorp\.tech --remove --zone [0-9a-f]{32}/)
  await zt.json(`setup ${host} --remove --yes --zone widgetcorp.tech`)
  expect(await scene.everything()).toEqual(before)
})

/** From now on, the edge sees changes that much later. */
async function delay(ms: number): Promise<void> {
  zt.state.data.settings = {...zt.state.data.settings, enforcement_delay_ms: ms}
  await zt.state.save()
}

/** The account has no application for the host, and the edge lets anyone in. */
async function openHost(ms: number): Promise<void> {
  const policies = [{id: 'open', name: 'Open', decision: 'bypass', include: [{everyone: {}}], precedence: 1}]
  await zt.json(`app create Open --domain ${HOST}`)
  zt.state.data.policies.push({...policies[0]})
  zt.app('Open')['policies'] = [{id: 'open', precedence: 1}]
  await delay(0)
  zt.state.data.apps = zt.state.data.apps.filter(({name}) => name !== 'Open')
  zt.state.data.policies = zt.state.data.policies.filter(({id}) => id !== 'open')
  await delay(ms)
}

describe('a new application on a host that was open', () => {
  it('counts as enforced once it refuses who has no credentials', async () => {
    await openHost(1500)
    const {stdout} = await zt.run(SET_UP)
    expect(stdout).toMatch(/The edge accepted the token after [1-9]\d* s/)
  })

  it('need not refuse anyone where someone has added a Bypass rule since', async () => {
    await zt.json(`${SET_UP} --app Mine`)
    zt.state.data.policies.push({id: 'open', name: 'Open', decision: 'bypass', include: [{everyone: {}}]})
    const app = zt.app('Mine')
    app['policies'] = [...(app['policies'] as JsonObject[]), {id: 'open', precedence: 2}]
    await zt.state.save()
    expect(stateOf(await zt.json(SET_UP), 'edge')).toBe('done')
  })
})

it('reports a wait of over a minute, ends it at its limit, and says what was done and how to go on', async () => {
  const real = {setTimeout: globalThis.setTimeout, now: performance.now.bind(performance)}
  let passed = 0
  // Each pause takes no time, and counts as 40 s.
  const quick = (run: () => void, ms?: number): NodeJS.Timeout => {
    const isPause = ms === 1000 || ms === 3000
    if (isPause) passed += 40_000
    return real.setTimeout(run, isPause ? 0 : ms)
  }
  vi.spyOn(globalThis, 'setTimeout').mockImplementation(quick)
  vi.spyOn(performance, 'now').mockImplementation(() => real.now() + passed)
  try {
    await openHost(86_400_000)
    await asUsual(async () => {
      const {exitCode, stderr} = await zt.run(SET_UP)
      expect(exitCode).toBe(10)
      expect(stderr).toContain('The edge has not enforced the rule for over a minute')
      expect(stderr).toContain(`error: The edge does not refuse clients without credentials at ${HOST}`)
      expect(stderr).toMatch(/zt has waited 3\d\d s[^]*Done so far:\s+Created the service token/)
      expect(stderr).toContain(`To go on: zt ${SET_UP}\n`)
    })
  } finally {
    vi.restoreAllMocks()
  }
})

describe('a token that the journal has an entry for', () => {
  /** As a kill leaves it once the secret is in the store and before the token has its name. */
  const unfinished = async (line: string): Promise<void> => {
    zt.api.spoil({
      method: 'PUT',
      path: '/service_tokens/{id}',
      action: {do: 'refuse', status: 400, code: 12130},
    })
    expect((await zt.run(line)).exitCode).not.toBe(0)
    zt.api.reset()
    expect(tokens()).toContainEqual(expect.stringMatching(/~zt-/))
  }

  it('is finished by the setup that began it, also if the sandbox has another port now', async () => {
    await unfinished(SET_UP)
    await zt.writeConfig({
      currentProfile: 'default',
      profiles: {default: {...zt.profile, apiUrl: zt.directUrl, sandbox: true}},
    })
    const result = await zt.json(`${SET_UP} --profile default`)
    expect([stateOf(result, 'token'), stateOf(result, 'edge')]).toEqual(['done', 'done'])
    expect(tokens().filter((name) => String(name).startsWith(HOST))).toEqual([HOST])
  })

  it('is left alone at another address, which is said before anything is changed', async () => {
    await unfinished(SET_UP)
    await zt.writeConfig({
      currentProfile: 'default',
      profiles: {default: {...zt.profile, apiUrl: zt.directUrl}},
    })
    for (const line of [SET_UP, REMOVE]) {
      const {next} = await scene.unchanged(() => zt.fails(line, 'needs-action', 'OPERATION_PENDING'))
      expect(next.join('\n')).toContain(`zt login --api-url ${zt.api.url}`)
    }
  })

  it.each([
    ['by its name', (name: string) => `${SET_UP} --token ${name}`],
    ['by the binding', () => SET_UP],
  ])('is not chosen (%s)', async (_, line) => {
    await unfinished('token create mine')
    const name = String(tokens().find((one) => String(one).includes('~zt-')))
    await scene.bind(HOST, name)
    await scene.unchanged(async () => {
      const {next} = await zt.fails(line(name), 'conflict', 'OPERATION_PENDING')
      expect(next).toEqual(['zt token recover'])
    })
  })

  it('is not chosen while its rotation is not settled', async () => {
    await zt.json('token create mine')
    const journal = new Journal(path.join(zt.home, 'DATA', 'zt', 'journal'))
    const {id, client_id: clientId} = zt.token('mine') as {id: string; client_id: string}
    const at = '2026-01-01T00:00:00.000Z'
    await journal.update({
      ...{
        id: randomUUID(),
        kind: 'rotate',
        profile: 'default',
        accountId: zt.state.accountId,
        apiUrl: zt.api.url,
      },
      ...{store: 'vault', name: 'mine', startedAt: at, sentAt: at, token: {id, clientId}},
    })
    await scene.unchanged(() => zt.fails(`${SET_UP} --token mine`, 'conflict', 'OPERATION_PENDING'))
  })
})

describe('an application that is not only of the host', () => {
  it.each([
    ['covers all hosts of the zone', '*.widgetcorp.tech', 'there'],
    ['is at a path of the host', `${HOST}/admin`, 'done'],
  ])('%s', async (_, domain, application) => {
    await zt.json(`app create Wide --domain ${domain}`)
    const before = await scene.everything()
    const result = await zt.json(SET_UP)
    expect(stateOf(result, 'application')).toBe(application)
    await zt.json(REMOVE)
    expect((await scene.everything())['account']).toEqual(before['account'])
  })
})

describe('what someone does by hand after a setup', () => {
  const drop = (): void => {
    zt.state.data.apps = zt.state.data.apps.filter(({name}) => name !== HOST)
  }
  const dropToken = (): void => {
    zt.state.data.serviceTokens = zt.state.data.serviceTokens.filter(({object}) => object['name'] !== HOST)
  }
  /** What is done, and what a removal keeps of it. */
  const byHand: [string, () => unknown, boolean][] = [
    ['deletes the application', drop, false],
    ['deletes the token at Cloudflare', dropToken, false],
    ['revokes the token, with its rule', () => zt.json(`token revoke ${HOST} --detach --yes`), true],
    ['binds the host to another token', () => scene.bind(HOST, 'other'), false],
    ['deletes the rule', () => zt.json(`app remove-rule ${HOST} 1 --delete --yes`), true],
  ]

  it.each(byHand)(
    '%s: the setup makes it again, or is taken back as far as it is its own',
    async (_, act, keeps) => {
      await zt.json('token create other')
      const before = await scene.everything()
      await zt.json(SET_UP)
      await act()
      const {exitCode, stdout, stderr} = await zt.run(REMOVE)
      expect(exitCode, stdout + stderr).toBe(keeps ? 9 : 0)
      expect(tokens()).not.toContain(HOST)
      expect(stdout.includes('kept. ')).toBe(keeps)
      // Then the application, which has been changed by someone, is all there is.
      if (keeps) drop()
      expect((await zt.run(REMOVE)).exitCode).toBe(0)
      expect(await setups()).toEqual([])
      expect((await scene.everything())['account']).toBe(before['account'])

      await scene.bind(HOST, undefined)
      await zt.json(SET_UP)
      await act()
      await zt.json(SET_UP)
      expect(await zt.json(`ssh check ${HOST}`)).toMatchObject({ok: true})
    },
  )
})

describe("ssh's configuration, where someone has changed it since", () => {
  const SSH = '--ssh-config --file ssh-config'
  const BACK = `${REMOVE} --file ssh-config`
  const written = (): Promise<string> => fs.readFile(zt.file('ssh-config'), 'utf8')
  const edit = async (from: string | RegExp, to: string): Promise<void> => {
    const text = await written()
    expect(text.replace(from, to)).not.toBe(text)
    await fs.writeFile(zt.file('ssh-config'), text.replace(from, to))
  }

  it('in the block by hand, or by another block: another run leaves it', async () => {
    await zt.json(`${SET_UP} ${SSH}`)
    const acts = [
      () => edit('ServerAliveInterval 30', 'ServerAliveInterval 5'),
      () => zt.run(`ssh config git@${HOST} --write --yes --file ssh-config`),
      () => zt.run(`ssh config ${HOST} --no-share --write --yes --file ssh-config`),
    ]
    for (const act of acts) {
      const before = await written()
      await act()
      const text = await written()
      expect(text).not.toBe(before)
      expect(stateOf(await zt.json(`${SET_UP} ${SSH}`), 'ssh-config')).toBe('there')
      expect(await written()).toBe(text)
    }
  })

  it('and its zt has been moved: another run writes the block anew, and says that an edit is lost', async () => {
    await zt.json(`${SET_UP} ${SSH}`)
    const before = await written()
    await edit('zt.cjs ssh proxy', 'old/zt.cjs ssh proxy')
    const again = await zt.json(`${SET_UP} ${SSH}`)
    expect(JSON.stringify(again['warnings'])).toContain('that edit will be lost')
    expect(await written()).toBe(before)
  })

  it('to that of another profile: a setup leaves it, and says so; a removal keeps it', async () => {
    await zt.json(`app create There --domain ${HOST}`)
    await zt.writeConfig({currentProfile: 'default', profiles: {default: zt.profile, work: zt.profile}})
    await zt.json(`${SET_UP} ${SSH}`)
    await zt.json(`token create mine --profile work`)
    const {steps} = await zt.json(`${SET_UP} --token mine ${SSH} --profile work`)
    expect(JSON.stringify(steps)).toContain(`ssh uses zt for ${HOST}, with profile default (`)
    await zt.json(`ssh config ${HOST} --write --yes --file ssh-config --profile work`)
    const text = await written()
    const back = await zt.json(BACK, {ends: 'needs-action'})
    expect(stateOf(back, 'ssh-config')).toBe('kept')
    expect(JSON.stringify(back['steps'])).toContain('It is of profile work by now')
    expect(await written()).toBe(text)
    // It goes with the setup of the profile that had another name.
    await zt.json('profile rename work home')
    await zt.json(BACK)
    await expect(written()).rejects.toThrow('ENOENT')
  })

  const CONFIG = `Host gl\n  HostName ${HOST}\n  ProxyCommand cloudflared access ssh --hostname %h\n`
  it.each<[string, () => Promise<unknown>, string | undefined]>([
    ['the section has another name too', () => edit('Host gl', 'Host gl lab'), undefined],
    ['the line of zt is another', () => edit(' ssh proxy ', ' ssh proxy --timeout 5 '), "Someone has edited zt's ProxyCommand"],
    ['the file is read-only', () => fs.chmod(zt.file('ssh-config'), 0o440), 'It is read-only'],
  ])('and a line of cloudflared was moved to zt: %s', async (_, act, why) => {
    await scene.sshConfig(CONFIG)
    await zt.json(`${SET_UP} ${SSH}`)
    expect(await written()).toContain('# zt: adopted ')
    await act()
    const text = await written()
    const back = await zt.json(BACK, {ends: why === undefined ? 0 : 'needs-action'})
    expect(JSON.stringify(back['steps'])).toContain(why ?? 'ssh is configured as before')
    expect(await written()).toBe(why === undefined ? CONFIG.replace('Host gl', 'Host gl lab') : text)
    expect(tokens()).not.toContain(HOST)
  }) // prettier-ignore
})

describe('what becomes of service tokens between a setup and its removal', () => {
  const index = (): IndexFiles => new IndexFiles(path.join(zt.home, 'DATA', 'zt'))

  it('one is called by its present name; one that was rotated elsewhere is kept, as others may use it', async () => {
    await zt.json(SET_UP)
    await zt.json(`token rename ${HOST} deploy`)
    zt.token('deploy')['client_secret_version'] = 2
    const {stdout} = await zt.run(`${REMOVE.replace(' --yes', '')} --dry-run`)
    expect(stdout.replaceAll(/\s+/g, ' ')).toContain(
      '"deploy", with its secret: kept. It was rotated elsewhere',
    )
    const {warnings} = await zt.json(`setup ${HOST} --dry-run`)
    expect(JSON.stringify(warnings)).toContain('may no longer work: the token was rotated elsewhere')
    expect(stateOf(await zt.json(REMOVE, {ends: 'needs-action'}), 'token')).toBe('kept')
    expect(tokens()).toContain('deploy')
  })

  it('a host is not bound to its previous one where that is gone', async () => {
    await zt.json('token create other')
    await scene.bind(HOST, 'other')
    await zt.json(`${SET_UP} --token mine`)
    await zt.json('token revoke other --yes')
    const {stdout} = await zt.run(REMOVE)
    expect(stdout).toContain(`✓ ${HOST} is not bound to a token`)
    expect(await index().bindings('default')).toEqual([])
  })

  it('of several with the name of the host, this machine takes its own; of others, none', async () => {
    await zt.json(`token create ${HOST}`)
    zt.state.data.serviceTokens.push(structuredClone(zt.state.data.serviceTokens[0]) as never)
    const copy = zt.state.data.serviceTokens.at(-1)?.object as JsonObject
    Object.assign(copy, {id: randomUUID(), name: HOST})
    expect(stateOf(await zt.json(`setup ${HOST} --dry-run`), 'token')).toBe('there')
    for (const entry of await index().list()) await index().remove(entry.profile, entry.tokenId)
    const {next} = await scene.unchanged(() => zt.fails(SET_UP, 'ambiguous', 'TOKEN_AMBIGUOUS'))
    expect(next).toEqual([expect.stringContaining(`zt ${SET_UP} --json --token NAME`)])
  })
})

it('says which flags have no effect where there is a token or an application, unless it made them itself', async () => {
  const notes = async (line: string): Promise<string[]> =>
    (await zt.run(`${line} --dry-run`)).stderr.split('\n').filter((one) => one.includes('already'))
  const line = `setup ${HOST} --token mine --app Mine --duration 30d`
  expect(await notes(line)).toEqual([])
  await zt.json(`${line} --yes`)
  expect(await notes(line)).toEqual([])
  await zt.json(`${REMOVE}`)
  await zt.json(`app create There --domain ${HOST}`)
  await zt.json('token create mine')
  expect(await notes(line)).toEqual([
    'note:  --duration is for a new token; "mine" is there already',
    'note:  --app names a new application; "There" is there already',
  ])
})

it('takes its rule off an application to which others have added rules since', async () => {
  await zt.json(`app create There --domain ${HOST}`)
  await zt.json('token create other')
  await zt.json(SET_UP)
  await zt.json('app add-rule There --service-auth --token other')
  await zt.json(REMOVE)
  const left = zt.app('There')['policies'] as {id: string}[]
  const names = left.map(({id}) => zt.state.data.policies.find((one) => one['id'] === id)?.['name'])
  expect(names).toEqual(['Service Auth: other'])
  expect(tokens()).not.toContain(HOST)
})

it('takes back its policy and token where the application that it added the rule to was deleted', async () => {
  await zt.json(`app create There --domain ${HOST}`)
  await zt.json(SET_UP)
  zt.state.data.apps = zt.state.data.apps.filter(({name}) => name !== 'There')
  await zt.json(REMOVE)
  expect(tokens()).not.toContain(HOST)
  expect(zt.state.data.policies.map(({name}) => name)).not.toContain(`Service Auth: ${HOST}`)
})

it('says of two applications of one host that it cannot choose, with commands that show them', async () => {
  await zt.json(`app create One --domain ${HOST}`)
  const other = {...structuredClone(zt.app('One')), id: randomUUID(), name: 'Two'}
  zt.state.data.apps.push(other)
  const {next} = await scene.unchanged(() => zt.fails(SET_UP, 'ambiguous', 'APPLICATION_AMBIGUOUS'))
  expect(next).toEqual([`zt app show ${String(zt.app('One')['id'])}`, `zt app show ${other.id}`])
})
