import fs from 'node:fs'
import path from 'node:path'
import {expect, it} from 'vitest'
import {HOST} from '../contract/command-world.js'
import {describeOnWindows, isWorded, said} from './world.js'

describeOnWindows('files on Windows', (world) => {
  /** Writes settings, the API token into the vault, and the vault's identity. */
  const login = (env: NodeJS.ProcessEnv = {}) =>
    world.zt.run(['login', '--api-url', world.api.api.url], {
      env: {CLOUDFLARE_API_TOKEN: undefined, ...env},
      input: world.api.state.apiToken,
    })
  const elsewhere = (profile: string): NodeJS.ProcessEnv => {
    fs.mkdirSync(path.join(world.windows.unix(profile), 'AppData', 'Roaming'), {recursive: true})
    const {data} = {data: `${profile}\\AppData`}
    return {USERPROFILE: profile, APPDATA: `${data}\\Roaming`, LOCALAPPDATA: `${data}\\Local`}
  }
  const wrote = (directory: string): boolean => fs.existsSync(path.join(directory, 'zt', 'config.json'))

  it('the user has a profile directory with a blank and umlauts', () => {
    expect(world.zt.profile).toMatch(/^C:\\users\\Jürgen Groß /)
  })

  it.each([
    ['unset', undefined],
    ['empty', ''],
    ['relative to a drive', 'C:Roaming'],
    ['relative to the current drive', String.raw`\Roaming`],
  ])('settings are below %USERPROFILE% while %APPDATA% is %s', async (_, value) => {
    const profile = `${world.zt.profile} ${_}`
    const end = await login({...elsewhere(profile), APPDATA: value, LOCALAPPDATA: value})
    expect(end.code, said(end)).toBe(0)
    expect(wrote(path.join(world.windows.unix(profile), 'AppData', 'Roaming'))).toBe(true)
    expect(
      fs.existsSync(path.join(world.windows.unix(profile), 'AppData', 'Local', 'zt', 'Data', 'vault')),
    ).toBe(true)
  })

  it('settings are where %APPDATA% says, and data where %LOCALAPPDATA% says', async () => {
    const place = String.raw`C:\Umgeleitet für alle`
    const end = await login({APPDATA: `${place}\\Roaming`, LOCALAPPDATA: `${place}\\Local`})
    expect(end.code, said(end)).toBe(0)
    expect(wrote(path.join(world.windows.unix(place), 'Roaming'))).toBe(true)
    expect(fs.existsSync(path.join(world.windows.unix(place), 'Local', 'zt', 'Data', 'vault'))).toBe(true)
  })

  it.each([
    ['a drive', String.raw`Q:\gone`],
    ['a share', String.raw`\\server.invalid\share\gone`],
  ])('%s that is gone is named, with an exit code', async (_, gone) => {
    const end = await login({APPDATA: gone, LOCALAPPDATA: gone})
    expect(isWorded(end), said(end)).toBe(true)
    expect(end.stderr).toContain(gone)
  })

  it('a file of settings that is read-only is replaced, or named', async () => {
    const profile = `${world.zt.profile} read-only`
    const env = elsewhere(profile)
    await login(env)
    const file = path.join(world.windows.unix(profile), 'AppData', 'Roaming', 'zt', 'config.json')
    fs.chmodSync(file, 0o444)
    const end = await world.zt.run(['profile', 'rename', 'default', 'renamed'], {env})
    expect(fs.readFileSync(file, 'utf8').includes('renamed'), said(end)).toBe(end.code === 0)
    expect(end.code === 0 || isWorded(end), said(end)).toBe(true)
    expect(fs.readdirSync(path.dirname(file)).filter((name) => name.startsWith('.'))).toEqual([])
  })

  it('a project file with a byte-order mark and CRLF is read', async () => {
    const project = String.raw`C:\Projekte mit Ä`
    fs.mkdirSync(world.windows.unix(project), {recursive: true})
    const text = '\uFEFF{\r\n  "profile": "from-the-project"\r\n}\r\n'
    fs.writeFileSync(path.join(world.windows.unix(project), '.zt.json'), text)
    const end = await world.zt.run(['config', 'list'], {cwd: project})
    expect(end.stderr).toContain('There is no profile "from-the-project"')
  })

  it('expectations with CRLF are read, and the report is written by a relative path with a backslash', async () => {
    const text = `- who: no-credentials\r\n  url: 'https://${HOST}/'\r\n  expect: login\r\n`
    fs.writeFileSync(path.join(world.zt.home, 'erwartet.yaml'), text)
    const end = await world.zt.run([
      'policy',
      'test',
      String.raw`.\erwartet.yaml`,
      '--junit',
      String.raw`AppData\bericht.xml`,
    ])
    expect([0, 14], said(end)).toContain(end.code)
    expect(fs.readFileSync(path.join(world.zt.home, 'AppData', 'bericht.xml'), 'utf8')).toContain(
      '<testsuite',
    )
  })

  it('a pair with CRLF is imported', async () => {
    const made = await world.zt.json<{token: {clientId: string}; clientSecret: string}>([
      'token',
      'create',
      'crlf',
      '--reveal',
    ])
    const pair = `CF_ACCESS_CLIENT_ID=${made.token.clientId}\r\nCF_ACCESS_CLIENT_SECRET=${made.clientSecret}\r\n`
    const end = await world.zt.run(['token', 'import', 'crlf', '--replace'], {input: pair})
    expect(end.code, said(end)).toBe(0)
  })

  it('a block is added to an ssh configuration with CRLF, whose lines stay as they are', async () => {
    const file = path.join(world.zt.home, 'ssh config')
    const before = 'Host other\r\n  User me\r\n'
    fs.writeFileSync(file, before)
    const end = await world.zt.run(['ssh', 'config', HOST, '--write', '--yes', '--file', 'ssh config'])
    expect(end.code, said(end)).toBe(0)
    expect(fs.readFileSync(file, 'utf8')).toContain(before)
    const removed = await world.zt.run(['ssh', 'config', HOST, '--remove', '--yes', '--file', 'ssh config'])
    expect(removed.code, said(removed)).toBe(0)
    expect(fs.readFileSync(file, 'utf8')).toBe(before)
  })

  it('~\\ is the home directory in a flag', async () => {
    const end = await world.zt.run([
      'ssh',
      'config',
      HOST,
      '--write',
      '--yes',
      '--file',
      String.raw`~\ssh hier`,
    ])
    expect(end.code, said(end)).toBe(0)
    expect(fs.existsSync(path.join(world.zt.home, 'ssh hier'))).toBe(true)
    expect(fs.existsSync(path.join(world.zt.home, '~'))).toBe(false)
  })

  it.each(['NUL', 'nul.txt', 'CON', 'com\u00b9', 'config:stream', 'config.', 'con fig ', 'a?'])(
    '%s is refused as a file to write, and nothing is made',
    async (name) => {
      const before = fs.readdirSync(world.zt.home)
      const end = await world.zt.run(['ssh', 'config', HOST, '--write', '--yes', '--file', name])
      expect(isWorded(end), said(end)).toBe(true)
      expect(fs.readdirSync(world.zt.home)).toEqual(before)
    },
  )

  it.each([
    ['report', ['report', '--html']],
    ['doctor', ['doctor', '--offline', '--bundle']],
    ['policy test', ['policy', 'test']],
    ['a setting', ['config', 'set', 'ca-file']],
  ])('so is a stream of a file by zt %s', async (_, args) => {
    const before = fs.readdirSync(world.zt.home)
    const end = await world.zt.run([...args, 'page.html:stream'])
    expect(end.code, said(end)).toBe(2)
    expect(fs.readdirSync(world.zt.home)).toEqual(before)
  })

  it.each([
    ['ZT_CA_FILE', '/etc/ssl/ca.pem'],
    ['ZT_VAULT_IDENTITY', String.raw`\identity.txt`],
    ['ZT_CA_FILE', 'C:ca.pem'],
  ])('%s is not read from %s of the current drive', async (name, value) => {
    const end = await world.zt.run(['config', 'list'], {env: {[name]: value}})
    expect(end.code, said(end)).toBe(2)
    expect(end.stderr).toContain(value)
  })

  it.each([
    ['the root of a drive', 'C:', String.raw`C:\Wurzel`],
    ['Public', String.raw`C:\users\Public`, String.raw`C:\users\public\x`],
  ])('a project file in %s is another user’s, and is passed over', async (_, place, cwd) => {
    const file = world.windows.unix(`${place}\\.zt.json`)
    fs.mkdirSync(world.windows.unix(String.raw`C:\users\Public`), {recursive: true})
    fs.mkdirSync(path.join(path.dirname(file), path.win32.basename(cwd)), {recursive: true})
    fs.writeFileSync(file, '{"profile": "planted"}')
    try {
      const end = await world.zt.run(['config', 'list'], {cwd, env: {PUBLIC: String.raw`C:\Users\Public`}})
      expect(end.code, said(end)).toBe(0)
    } finally {
      fs.rmSync(file)
    }
  })

  it('an ssh configuration that is read-only is named, with what makes it writable, and nothing is left', async () => {
    const file = path.join(world.zt.home, 'locked')
    fs.writeFileSync(file, 'Host x\r\n')
    fs.chmodSync(file, 0o444)
    const before = fs.readdirSync(world.zt.home)
    const end = await world.zt.run(['ssh', 'config', HOST, '--write', '--yes', '--file', 'locked'])
    expect(end.code, said(end)).toBe(13)
    expect(end.stderr).toMatch(/read-only[^]*attrib -r/)
    expect(fs.readdirSync(world.zt.home)).toEqual(before)
  })
})
