import fs from 'node:fs/promises'
import net, {type AddressInfo} from 'node:net'
import path from 'node:path'
import {afterAll, beforeAll, beforeEach, describe, expect, it} from 'vitest'
import type {JsonObject} from '../../src/lib/core/json.js'
import {CommandWorld} from '../support/command-harness.js'
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
const textOf = ({steps}: JsonObject, step: string): unknown =>
  (steps as JsonObject[]).find((one) => one['step'] === step)?.['text']

/** An application as someone else has made it. */
function app(name: string, fields: JsonObject): void {
  const {apps} = zt.state.data
  const like = apps.find((one) => one['name'] === 'GitLab')
  const domain = fields['domain']
  const own = {self_hosted_domains: domain === undefined ? [] : [domain], destinations: []}
  apps.push({...like, id: `app-${apps.length}`, name, domain, policies: [], ...own, ...fields})
}

describe('the application is the one that Access asks for the host', () => {
  const uris = (...all: string[]): JsonObject => ({
    domain: all[0],
    self_hosted_domains: all,
    destinations: all.map((uri) => ({type: 'public', uri})),
  })
  const CREATED = `Create the application "${HOST}" for ${HOST}`
  const is = (name: string): string => `The application of ${HOST} is "${name}"`
  it.each<[string, () => void, string]>([
    ['an exact one beside a wildcard', () => (app('Exact', uris(HOST)), app('Wide', uris('*.widgetcorp.tech'))), is('Exact')],
    ['one of the host beside one of a path', () => (app('Path', uris(`${HOST}/admin`)), app('Exact', uris(HOST))), is('Exact')],
    ['one of whose destinations it is the second', () => app('Both', uris('a.widgetcorp.tech', HOST)), is('Both')],
    ['no application that only has the name of the host', () => (app(HOST, uris('a.widgetcorp.tech')), app('Real', uris(HOST))), is('Real')],
    ['a wildcard, although one at another host has the name', () => (app(HOST, uris('a.widgetcorp.tech')), app('Wide', uris('*.widgetcorp.tech'))), is('Wide')],
    ['no bookmark, which protects nothing', () => app('Link', {type: 'bookmark', domain: HOST}), CREATED],
    ['none of the types without a public host', () => (app('Servers', {type: 'infrastructure'}), app('Devices', {type: 'warp'}), app('Slack', {type: 'saas'})), CREATED],
    ['one that is rendered in the browser', () => app('Rendered', {type: 'ssh', ...uris(HOST)}), is('Rendered')],
  ])('%s', async (_, begin, text) => {
    begin()
    const plan = await zt.json(`setup ${HOST} --dry-run`)
    expect(textOf(plan, 'application')).toBe(text)
    const warned = text === is('Rendered')
    expect(JSON.stringify(plan['warnings']).includes('may not admit machines')).toBe(warned)
  }) // prettier-ignore
})

describe('policies that are there', () => {
  it.each([
    ['of the application, inline', 'legacy.widgetcorp.tech', 'inline'],
    ['shared with others', 'build.widgetcorp.tech', 'reusable'],
  ])('%s, stay as they are, and so do other applications', async (_, host, how) => {
    zt.app('Wiki')['policies'] = [{id: 'policy-robots', precedence: 1}]
    await zt.state.save()
    const before = await scene.everything()
    const old = structuredClone([...zt.state.data.policies, ...zt.state.data.inlinePolicies])
    const others = structuredClone(zt.state.data.apps.filter(({domain}) => domain !== host))
    await zt.json(`setup ${host} --yes`)
    const now = [...zt.state.data.policies, ...zt.state.data.inlinePolicies]
    expect(now).toEqual(expect.arrayContaining(old))
    expect(now).toHaveLength(old.length + 1)
    expect(zt.state.data.inlinePolicies.length > 3).toBe(how === 'inline')
    expect(zt.state.data.apps.filter(({domain}) => domain !== host)).toEqual(others)
    await zt.json(`setup ${host} --remove --yes`)
    expect(await scene.everything()).toMatchObject({account: before['account'], tokens: before['tokens']})
  })

  it('that block everyone are named in the plan, as Access evaluates Service Auth first', async () => {
    zt.state.data.policies.push({id: 'none', name: 'None', decision: 'deny', include: [{everyone: {}}]})
    zt.app('Wiki')['policies'] = [{id: 'none', precedence: 1}]
    await zt.state.save()
    const {warnings} = await zt.json('setup wiki.widgetcorp.tech --yes')
    expect(JSON.stringify(warnings)).toContain('The Block rule \\"None\\" no longer keeps out')
  })
})

it.each([
  ['in upper case', 'Git@BUILD-SSH.WidgetCorp.tech', HOST],
  ['with a dot at its end', `${HOST}.`, HOST],
  ['with a port', `git@${HOST}:2222`, HOST],
  ['of another script', 'bücher.widgetcorp.tech', 'xn--bcher-kva.widgetcorp.tech'],
])('takes a host %s for the same', async (_, written, host) => {
  const plan = await zt.json(['setup', written, '--dry-run'])
  expect(plan['host']).toBe(host)
  expect(textOf(plan, 'application')).toBe(`Create the application "${host}" for ${host}`)
})

it('says that a pattern is no host', async () => {
  await scene.unchanged(() => zt.fails('setup *.widgetcorp.tech --yes', 'usage', 'BAD_HOSTNAME'))
})

describe("ssh's configuration", () => {
  const LINE = `setup ${HOST} --yes --ssh-config --file ssh-config`
  const BACK = `setup ${HOST} --remove --yes --file ssh-config`
  const COMMAND = 'ProxyCommand cloudflared access ssh --hostname %h'
  it.each<[string, string, string[]]>([
    ['with CR LF, and no line break at its end', '# mine\r\nHost *\r\n  ServerAliveInterval 7', ['zt', 'direct']],
    ['that includes another file', 'Include included\nHost *\n  ServerAliveInterval 7\n', ['zt', 'direct']],
    ['with cloudflared for all hosts of the zone', `Host *.widgetcorp.tech\n  ${COMMAND}\n`, ['zt', 'cloudflared']],
    ['with cloudflared where a command says so', `Match host *.widgetcorp.tech exec "true"\n  ${COMMAND}\n`, ['zt', 'cloudflared']],
  ])('%s, is as it was after the removal', async (_, text, [mine, other]) => {
    await zt.json('token create mine')
    await fs.writeFile(zt.file('included'), 'Host elsewhere\n  User me\n', {mode: 0o600})
    await scene.sshConfig(text)
    const before = await scene.everything()
    await zt.json(`${LINE} --token mine`)
    const short = (route = ''): string => (route.startsWith('cloudflared') ? 'cloudflared' : route)
    expect((await scene.routes(HOST, 'wiki.widgetcorp.tech')).map(short)).toEqual([mine, other])
    await zt.json(BACK)
    expect(await scene.everything()).toEqual(before)
  }) // prettier-ignore

  it('behind a link stays behind it, with its mode', async () => {
    await fs.mkdir(zt.file('dotfiles'))
    await fs.writeFile(zt.file('dotfiles/config'), '# mine\n', {mode: 0o600})
    await fs.symlink('dotfiles/config', zt.file('ssh-config'))
    await zt.json('token create mine')
    const before = await scene.everything()
    await zt.json(`${LINE} --token mine`)
    expect(await fs.readFile(zt.file('dotfiles/config'), 'utf8')).toContain(`Host ${HOST}`)
    await zt.json(BACK)
    expect(await fs.readlink(zt.file('ssh-config'))).toBe('dotfiles/config')
    expect(await scene.everything()).toEqual(before)
  })

  it('that is read-only ends it before anything is changed, unless a person is only offered it', async () => {
    await zt.json('token create mine')
    await scene.sshConfig('# mine\n')
    await fs.chmod(zt.file('ssh-config'), 0o440)
    const {next} = await scene.unchanged(() => zt.fails(`${LINE} --token mine`, 'not-written', 'FILE_NOT_WRITABLE')) // prettier-ignore
    expect(next.at(-1)).toMatch(/^To leave it alone: zt setup .* --no-ssh-config/)
    expect(next.at(-1)).not.toContain(' --ssh-config')
    const {exitCode, stdout, asked} = await zt.run(`setup ${HOST} --token mine --file ssh-config`, {
      answers: [true],
    })
    expect({exitCode, asked}).toEqual({exitCode: 0, asked: ['Set it up?']})
    expect(stdout).toContain('It is read-only')
  })
})

describe('the record of a setup', () => {
  const folder = (): string => path.join(zt.home, 'STATE', 'zt', 'setup')
  const theOne = async (): Promise<string> => path.join(folder(), String((await fs.readdir(folder()))[0]))

  it('from which everything is gone is dropped by the removal, and not by its dry run', async () => {
    await zt.json('token create mine')
    await zt.json(`setup ${HOST} --token mine --yes`)
    await scene.bind(HOST, undefined)
    zt.state.data.apps = zt.state.data.apps.filter(({name}) => name !== HOST)
    zt.state.data.policies = zt.state.data.policies.filter(({name}) => name !== 'Service Auth: mine')
    await scene.unchanged(() => zt.json(`setup ${HOST} --remove --dry-run`))
    expect(await fs.readdir(folder())).toHaveLength(1)
    await zt.json(`setup ${HOST} --remove --yes`)
    expect(await fs.readdir(folder())).toEqual([])
  })

  it.each([
    ['broken', 'BROKEN_FILE', () => '{"version": 1, "id"'],
    ['of a newer zt', 'NEWER_FILE', (text: string) => text.replace('"version": 1', '"version": 2')],
    ['of another host', 'BROKEN_FILE', (text: string) => text.replaceAll(HOST, 'other.widgetcorp.tech')],
  ])(
    'that is %s is named by the check of the stores and the doctor, and never lost',
    async (_, code, change) => {
      await zt.json('token create mine')
      await zt.json(`setup ${HOST} --token mine --yes`)
      const file = await theOne()
      await fs.writeFile(file, change(await fs.readFile(file, 'utf8')))
      for (const line of [`setup ${HOST} --yes`, `setup ${HOST} --remove --yes`])
        await scene.unchanged(() => zt.fails(line, 'config', code))
      const {problems} = await zt.json('store check', {ends: 'needs-action'})
      expect(JSON.stringify(problems)).toContain(file)
      const {stdout} = await zt.run('doctor')
      expect(stdout.replaceAll(/\s+/g, ' ')).toContain(path.basename(file))
    },
  )

  it('that another zt has changed since the removal was planned keeps what that one made', async () => {
    await zt.json('token create mine')
    await zt.json(`setup ${HOST} --token mine --yes`)
    const file = await theOne()
    const text = await fs.readFile(file, 'utf8')
    const meanwhile = text.replace(
      '"sshConfig": []',
      '"sshConfig": [{"how": "adopt", "file": "/x", "keys": []}]',
    )
    // The last request of the plan.
    zt.api.spoil({method: 'GET', path: '/service_tokens', action: {do: 'pass'}, then: () => fs.writeFile(file, meanwhile)}) // prettier-ignore
    await zt.fails(`setup ${HOST} --remove --yes`, 'conflict', 'CHANGED_MEANWHILE')
    expect(await fs.readFile(file, 'utf8')).toBe(meanwhile)
    expect(zt.state.data.apps.map(({name}) => name)).toContain(HOST)
  })
})

it('one of whose edits was undone by hand is set up again, or taken back', async () => {
  await zt.json('token create mine')
  const before = await scene.everything()
  const {undo} = await zt.json(`setup ${HOST} --token mine --yes`)
  const [id] = undo as string[]
  await zt.json(`undo ${String(id)} --yes`)
  await zt.json(`setup ${HOST} --token mine --yes`)
  expect(await zt.json(`ssh check ${HOST}`)).toMatchObject({ok: true})
  await zt.json('undo --last --yes')
  await zt.json(`setup ${HOST} --remove --yes`)
  expect(await scene.everything()).toEqual(before)
})
