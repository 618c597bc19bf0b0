import fs from 'node:fs/promises'
import http from 'node:http'
import type {AddressInfo} from 'node:net'
import os from 'node:os'
import path from 'node:path'
import {afterEach, beforeEach, describe, expect, it} from 'vitest'
import {refuseUnnamedAddress} from '../../src/lib/access/account/login.js'
import {openAccess} from '../../src/lib/access/account/context.js'
import {nameKeeper} from '../../src/lib/command/keep-names.js'
import {loadSettings} from '../../src/lib/config/settings.js'
import {CLOUDFLARE_API_URL, type Profile, type Settings} from '../../src/lib/config/types.js'
import {findProject, projectDirectories} from '../../src/lib/config/project.js'
import {chooseToken} from '../../src/lib/tunnel/target/target.js'

let home: string
let env: Record<string, string>
beforeEach(async () => {
  home = await fs.mkdtemp(path.join(os.tmpdir(), 'zt-matrix-'))
  env = {}
  for (const kind of ['CONFIG', 'DATA', 'STATE', 'CACHE']) env[`XDG_${kind}_HOME`] = path.join(home, kind)
})
afterEach(() => fs.rm(home, {recursive: true, force: true}))

const ELSEWHERE = 'https://api.elsewhere.example/v4'
const LOCAL = 'http://127.0.0.1:8787'

type ChosenBy = 'flag' | 'environment' | 'project' | 'current' | 'default'
interface Case {
  chosenBy: ChosenBy
  profile: Profile
  flags?: Partial<Record<'apiUrl' | 'connectTo' | 'caFile', string>>
  variables?: Record<string, string>
}

/** Settings of a profile that was chosen so, with a token and a pair in the environment. */
async function settingsOf({chosenBy, profile, flags = {}, variables = {}}: Case): Promise<Settings> {
  const name = chosenBy === 'default' ? 'default' : 'it'
  const file = path.join(home, 'CONFIG', 'zt', 'config.json')
  await fs.mkdir(path.dirname(file), {recursive: true})
  const currentProfile = chosenBy === 'current' ? {currentProfile: name} : {}
  await fs.writeFile(file, JSON.stringify({version: 1, ...currentProfile, profiles: {[name]: profile}}))
  const cwd = path.join(home, 'work')
  await fs.mkdir(cwd, {recursive: true})
  if (chosenBy === 'project') await fs.writeFile(path.join(cwd, '.zt.json'), JSON.stringify({profile: name}))
  return loadSettings({
    env: {
      ...env,
      CLOUDFLARE_API_TOKEN: 'environment-api-token',
      CF_ACCESS_CLIENT_ID: 'environment.access',
      CF_ACCESS_CLIENT_SECRET: 'environment-secret',
      ...(chosenBy === 'environment' && {ZT_PROFILE: name}),
      ...variables,
    },
    cwd,
    flags: {...flags, ...(chosenBy === 'flag' && {profile: name})},
  })
}

/** The table of docs/explanation/security.md, "Where a secret may go". */
describe('an API token of the environment', () => {
  it.each<[chosenBy: ChosenBy, profile: Profile, flags: Case['flags'], goes: boolean]>([
    ...(['flag', 'environment', 'project', 'current', 'default'] as const).flatMap(
      (by): [ChosenBy, Profile, Case['flags'], boolean][] => [
        [by, {}, {}, true],
        [by, {apiUrl: CLOUDFLARE_API_URL}, {}, true],
        [by, {apiUrl: `${CLOUDFLARE_API_URL}/`}, {}, true],
        [by, {apiUrl: ELSEWHERE}, {apiUrl: LOCAL}, true],
        [by, {apiUrl: LOCAL, sandbox: true}, {apiUrl: LOCAL}, true],
      ],
    ),
    ['flag', {apiUrl: ELSEWHERE}, {}, true],
    ['environment', {apiUrl: ELSEWHERE}, {}, true],
    ['current', {apiUrl: ELSEWHERE}, {}, true],
    ['default', {apiUrl: ELSEWHERE}, {}, true],
    ['project', {apiUrl: ELSEWHERE}, {}, false],
    ['project', {apiUrl: LOCAL}, {}, false],
    ['flag', {apiUrl: LOCAL, sandbox: true}, {}, true],
    ['environment', {apiUrl: LOCAL, sandbox: true}, {}, true],
    ['current', {apiUrl: LOCAL, sandbox: true}, {}, false],
    ['default', {apiUrl: LOCAL, sandbox: true}, {}, false],
    ['project', {apiUrl: LOCAL, sandbox: true}, {}, false],
  ])('with a profile chosen by %s, %j, and the flags %j: %s', async (chosenBy, profile, flags, goes) => {
    const settings = await settingsOf({chosenBy, profile, flags: flags ?? {}})
    expect(settings.environmentApiToken?.expose()).toBe(goes ? 'environment-api-token' : undefined)
    expect(settings.withheld.apiToken).toBe(!goes)
    const login = (): void => {
      refuseUnnamedAddress(settings)
    }
    // What a person types has named no address, either.
    if (goes) expect(login).not.toThrow()
    else expect(login).toThrow(expect.objectContaining({code: 'PROFILE_NOT_NAMED'}) as Error)
  })
})

describe("a service token's pair of the environment", () => {
  const edge = {connectTo: '127.0.0.1:8443', caFile: '/ca.pem'}
  it.each<[chosenBy: ChosenBy, profile: Profile, flags: Case['flags'], variables: object, goes: boolean]>([
    ...(['flag', 'environment', 'current', 'default'] as const).map(
      (by): [ChosenBy, Profile, Case['flags'], object, boolean] => [by, edge, {}, {}, true],
    ),
    ['project', {}, {}, {}, true],
    ['project', {apiUrl: ELSEWHERE}, {}, {}, true],
    ['project', edge, {}, {}, false],
    ['project', {connectTo: edge.connectTo}, {}, {}, false],
    ['project', {caFile: edge.caFile}, {}, {}, false],
    ['project', edge, {connectTo: 'x:1'}, {}, false],
    ['project', edge, {caFile: '/x'}, {}, false],
    ['project', edge, {connectTo: 'x:1', caFile: '/x'}, {}, true],
    ['project', edge, {}, {ZT_CONNECT_TO: 'x:1', ZT_CA_FILE: '/x'}, true],
    ['project', edge, {caFile: '/x'}, {ZT_CONNECT_TO: 'x:1'}, true],
  ])(
    'with a profile chosen by %s, %j, the flags %j and variables %j: %s',
    async (chosenBy, profile, flags, variables, goes) => {
      const settings = await settingsOf({chosenBy, profile, flags: flags ?? {}, variables: {...variables}})
      expect(settings.environmentCredentials?.clientSecret.expose()).toBe(
        goes ? 'environment-secret' : undefined,
      )
      expect(settings.withheld.credentials).toBe(!goes)
      const chosen = chooseToken({settings, host: 'x.example', token: 'env'})
      if (goes) await expect(chosen).resolves.toMatchObject({tokenId: 'env'})
      else await expect(chosen).rejects.toMatchObject({code: 'ENVIRONMENT_WITHHELD'})
    },
  )
})

describe('what a project chose', () => {
  it('is sent no token of the environment, and the error says how to send it all the same', async () => {
    const seen: string[] = []
    const server = http.createServer((request, response) => {
      seen.push(request.headers.authorization ?? '')
      response.writeHead(500).end()
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const apiUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const open = async (chosenBy: ChosenBy) => {
      const settings = await settingsOf({chosenBy, profile: {apiUrl, accountId: 'a'}})
      const environment = {dbusAddress: undefined, runtimeDir: undefined}
      return openAccess(settings, {userAgent: 'test', names: nameKeeper(settings), environment})
    }
    const error = await (await open('project')).api().catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({kind: 'auth', code: 'NOT_LOGGED_IN'})
    expect((error as {next: string[]}).next.join()).toContain('--profile it')
    expect(seen).toEqual([])
    const api = await (await open('flag')).api()
    await api.listAccounts().catch(() => undefined)
    expect(seen[0]).toBe('Bearer environment-api-token')
    await new Promise((resolve) => server.close(resolve))
  })
})

describe("a project's file", () => {
  let cwd: string
  let file: string
  beforeEach(async () => {
    cwd = path.join(home, 'a', 'b')
    file = path.join(home, 'a', '.zt.json')
    await fs.mkdir(cwd, {recursive: true})
    await fs.writeFile(file, '{"profile":"it"}')
  })
  const uid = process.geteuid?.() ?? 0
  const linux = (id: number) => ({uid: id, platform: 'linux'}) as const

  it.each([
    ["one's own", uid, {}, true],
    ["another's", uid + 7, {}, false],
    ["that of sudo's caller, for another than root", uid + 7, {SUDO_UID: String(uid)}, false],
  ])('counts where it is %s: %s', async (_, self, variables, counts) => {
    const found = findProject(cwd, variables, linux(self))
    if (counts) await expect(found).resolves.toMatchObject({profile: 'it', file})
    else await expect(found).rejects.toMatchObject({kind: 'config', code: 'NOT_OUR_PROJECT'})
  })

  it.skipIf(uid !== 0)("counts for root where it is that of sudo's caller", async () => {
    await fs.chown(file, 1234, 1234)
    await expect(findProject(cwd, {SUDO_UID: '1234'})).resolves.toMatchObject({profile: 'it'})
    for (const variables of [{}, {SUDO_UID: '1235'}, {SUDO_UID: '1234x'}])
      await expect(findProject(cwd, variables)).rejects.toMatchObject({code: 'NOT_OUR_PROJECT'})
  })

  it('may be writable for the group, as a umask of 002 makes it, and not for everyone', async () => {
    await fs.chmod(file, 0o664)
    await expect(findProject(cwd)).resolves.toMatchObject({profile: 'it'})
    await fs.chmod(file, 0o666)
    await expect(findProject(cwd)).rejects.toMatchObject({
      code: 'NOT_OUR_PROJECT',
      next: [`chmod o-w ${file}`, expect.stringContaining('--profile')],
    })
  })

  it('of someone else is passed over where everyone may put files', async () => {
    await fs.chmod(path.dirname(file), 0o1777)
    await expect(findProject(cwd, {}, linux(uid + 7))).resolves.toBeUndefined()
    await expect(findProject(cwd)).resolves.toMatchObject({profile: 'it'})
  })

  it('that is larger than any project is not read', async () => {
    await fs.truncate(file, 2 ** 33)
    await expect(findProject(cwd)).rejects.toMatchObject({code: 'BROKEN_FILE'})
  })

  it.each<[cwd: string, directories: string[]]>([
    ['C:\\Users\\Ada\\code\\x', ['C:\\Users\\Ada\\code\\x', 'C:\\Users\\Ada\\code', 'C:\\Users\\Ada']],
    ['c:\\users\\ada\\x', ['c:\\users\\ada\\x', 'c:\\users\\ada']],
    ['D:\\work\\x', ['D:\\work\\x', 'D:\\work']],
    ['D:\\', []],
    ['\\\\server\\share\\x', ['\\\\server\\share\\x']],
    ['c:\\programdata\\x\\y', []],
    ['C:\\Users\\Public\\x', ['C:\\Users']],
    ['C:\\Users\\Public2', ['C:\\Users\\Public2', 'C:\\Users']],
    ['C:\\Windows\\Temp\\x', ['C:\\Windows']],
  ])('on Windows is searched from %s in %j', (from, directories) => {
    const variables = {PROGRAMDATA: 'C:\\ProgramData', PUBLIC: 'C:\\Users\\Public', systemroot: 'C:\\WINDOWS'}
    const found = projectDirectories(from, {env: variables, platform: 'win32', home: 'C:\\Users\\Ada'})
    expect(found).toEqual(directories)
  })

  it('elsewhere is searched up to the home directory, or to the root', () => {
    const from = (place: string) =>
      projectDirectories(place, {env: {PUBLIC: '/p'}, platform: 'linux', home: '/home/ada/'})
    expect(from('/home/ada/x')).toEqual(['/home/ada/x', '/home/ada'])
    expect(from('/p/x')).toEqual(['/p/x', '/p', '/'])
  })

  it('is not read where the profile is named', async () => {
    await fs.writeFile(file, '{')
    const load = (flags: object, variables: object) => loadSettings({env: {...env, ...variables}, cwd, flags})
    await expect(load({}, {})).rejects.toMatchObject({code: 'BROKEN_FILE'})
    await expect(load({profile: 'default'}, {})).resolves.toMatchObject({profileSource: 'flag'})
    await expect(load({}, {ZT_PROFILE: 'default'})).resolves.toMatchObject({profileSource: 'environment'})
  })
})
