import {spawn} from 'node:child_process'
import {createWriteStream} from 'node:fs'
import fs from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import {beforeAll, describe, expect, it} from 'vitest'
import {BuiltZt, type End} from '../support/built-zt.js'
import {executableFor, forWine, nodeFor} from '../support/executables.js'
import {removeWine, WINE} from '../windows/wine.js'

const node = nodeFor('win-x64')
const missing =
  WINE === undefined
    ? 'wine is not installed (apt-get install wine64)'
    : node === undefined
      ? 'its node is not installed (npm ci --prefix executable --include=dev)'
      : undefined
if (missing !== undefined) process.stderr.write(`SKIPPED: the executable for Windows: ${missing}\n`)

const host = 'gitlab-ssh.widgetcorp.tech'

/** Run one after the other on Windows' own paths, against a sandbox on Linux. */
const ROWS = {
  version: ['version', '--json'],
  help: ['token', 'create', '--help'],
  profiles: ['profile', 'list', '--json'],
  created: ['token', 'create', 'ci', '--store', 'keychain', '--json'],
  listed: ['token', 'list', '--json'],
  rule: ['app', 'add-rule', 'GitLab', '--service-auth', '--token', 'ci', '--json'],
  proxy: ['ssh', 'proxy', host, '--token', 'ci'],
  config: ['ssh', 'config', host, '--json'],
  wrong: ['token', 'shwo'],
}

describe.skipIf(missing !== undefined)('the executable for Windows, under wine', () => {
  let ends: Record<keyof typeof ROWS, End>
  let program: string

  beforeAll(async () => {
    const home = await fs.mkdtemp(path.join(os.tmpdir(), 'zt-wine-'))
    program = path.join(home, 'Program Files', 'zt.exe')
    await fs.mkdir(path.dirname(program))
    await fs.writeFile(program, forWine(executableFor('win-x64')))
    await fs.writeFile(path.join(home, 'node.exe'), forWine(node ?? ''))
    const zt = await BuiltZt.make()
    const {apiToken} = await zt.json<{apiToken: string}>(['sandbox', 'start'])
    const settings = await fs.readFile(path.join(zt.home, 'CONFIG', 'zt', 'config.json'), 'utf8')
    const config = settings.replaceAll(
      JSON.stringify(zt.home).slice(0, -1),
      `"${onZ(zt.home).replaceAll('\\', '\\\\')}`,
    )
    const env = {CLOUDFLARE_API_TOKEN: apiToken, ZT_PROFILE: 'sandbox', ZT_PATIENCE: '40', NO_COLOR: '1'}
    const rows = Object.values(ROWS).map((args) => ({program: onZ(program), args, env}))
    const [asked, answered] = [path.join(home, 'rows.json'), path.join(home, 'ends.json')]
    await fs.writeFile(asked, JSON.stringify({files: {'zt/config.json': config}, rows}))
    await wine(home, [
      path.join(home, 'node.exe'),
      path.resolve(import.meta.dirname, '../support/wine-rows.cjs'),
      asked,
      answered,
    ])
    const all = JSON.parse(await fs.readFile(answered, 'utf8')) as End[]
    ends = Object.fromEntries(Object.keys(ROWS).map((name, at) => [name, all[at]])) as typeof ends
    return async () => {
      await zt.end()
      removeWine(path.join(home, 'prefix'), home)
    }
  })

  const json = (name: keyof typeof ROWS): unknown => {
    const {code, stdout, stderr} = ends[name]
    expect({code, stderr}).toEqual({code: 0, stderr: ''})
    return JSON.parse(stdout)
  }

  it('says what it is', () => {
    expect(json('version')).toMatchObject({platform: 'win32', arch: 'x64', executable: {kind: 'single-file'}})
  })

  it('shows the help that is in it', () => {
    expect(ends.help).toMatchObject({code: 0, stderr: '', stdout: expect.stringContaining('USAGE') as string})
  })

  it('reads its settings below %APPDATA%', () => {
    expect(json('profiles')).toMatchObject({profiles: [{name: 'sandbox', sandbox: true}]})
  })

  it('keeps a secret in the Credential Manager, by the library that is in it', () => {
    expect(json('created')).toMatchObject({store: 'keychain', token: {name: 'ci'}})
  })

  it('asks the API', () => {
    expect(json('listed')).toMatchObject({tokens: [{name: 'ci'}]})
  })

  it('opens a connection with the kept secret', () => {
    expect(json('rule')).toMatchObject({added: [{name: 'ci'}]})
    expect(ends.proxy.stdout).toMatch(/^SSH-2\.0-/)
  })

  it('names itself as what ssh is to start, with quotes around blanks', () => {
    const {block} = json('config') as {block: string}
    expect(block).toContain(`ProxyCommand "${onZ(program).replaceAll('\\', '/')}" ssh proxy `)
  })

  it('explains an error', () => {
    expect(ends.wrong).toMatchObject({code: 2, stderr: expect.stringContaining('zt token show') as string})
  })
})

/** Where wine shows a file of Linux. */
function onZ(file: string): string {
  return `Z:${file.replaceAll('/', '\\')}`
}

/** Its own start hands on neither pipes nor an exit code that says much: both streams are files. */
async function wine(home: string, words: string[]): Promise<void> {
  const said = path.join(home, 'said')
  const stream = createWriteStream(said)
  await new Promise((resolve) => stream.once('open', resolve))
  const code = await new Promise<number | null>((resolve, reject) => {
    const [program = '', ...args] = words
    const child = spawn(WINE ?? '', [program, ...args.map(onZ)], {
      cwd: home,
      env: {
        PATH: process.env['PATH'],
        HOME: home,
        WINEPREFIX: path.join(home, 'prefix'),
        WINEDEBUG: '-all',
        // No offers to install a browser engine and .NET.
        WINEDLLOVERRIDES: 'mscoree=;mshtml=',
        // Wine 8 says that it is Windows 7.
        NODE_SKIP_PLATFORM_CHECK: '1',
      },
      stdio: ['ignore', stream, stream],
    })
    child.once('error', reject)
    child.once('close', resolve)
  })
  stream.close()
  if (code !== 0) throw new Error(`wine ended with ${code}: ${await fs.readFile(said, 'utf8')}`)
}
