import {describe, expect, it} from 'vitest'
import {environmentFor} from '../../src/lib/system/child-environment.js'
import {findHelper, helperNames} from '../../src/lib/secrets/helper/find-helpers.js'

const filesOf: Record<string, string[]> = {
  'C:\\a': [
    'docker-credential-wincred.exe',
    'docker-credential-shim.cmd',
    'docker-credential-plain',
    'x.exe',
  ],
  'C:\\b c': ['Docker-Credential-Desktop.EXE', 'docker-credential-wincred.exe'],
  '/mnt/c/a': ['docker-credential-wincred.exe'],
  '/bin': ['docker-credential-pass', 'docker-credential-osxkeychain', 'docker-credential-gcloud'],
}
const paths = Object.entries(filesOf).flatMap(([directory, files]) =>
  files.map((file) => `${directory}${directory.startsWith('/') ? '/' : '\\'}${file}`),
)
const on = (platform: NodeJS.Platform) => ({
  platform,
  isProgram: (file: string) =>
    Promise.resolve(
      paths.some((one) => one === file || (platform === 'win32' && one.toLowerCase() === file.toLowerCase())),
    ),
})
const names = (searchPath: string, platform: NodeJS.Platform) =>
  helperNames(searchPath, on(platform), (directory) => Promise.resolve(filesOf[directory] ?? []))

describe('helpers', () => {
  it.each<[platform: NodeJS.Platform, searchPath: string, found: string[]]>([
    ['win32', 'C:\\a;"C:\\b c";.', ['desktop', 'wincred']],
    ['linux', '/mnt/c/a:/bin:.', ['osxkeychain', 'pass']],
    ['darwin', '/bin', ['osxkeychain', 'pass']],
  ])(
    'that keep secrets on %s in %s are %j, and each of them is found by its name',
    async (platform, searchPath, found) => {
      expect(await names(searchPath, platform)).toEqual(found)
      for (const name of found) expect(await findHelper(name, searchPath, on(platform))).toBeDefined()
    },
  )

  it.each<[platform: NodeJS.Platform, name: string, found: string | undefined]>([
    ['win32', 'wincred', 'C:\\a\\docker-credential-wincred.exe'],
    ['win32', 'shim', undefined],
    ['win32', 'plain', undefined],
    ['linux', 'wincred', undefined],
  ])('on %s %s is %s', async (platform, name, found) => {
    const searchPath = platform === 'win32' ? 'C:\\a;C:\\b c' : '/mnt/c/a:/bin'
    expect(await findHelper(name, searchPath, on(platform))).toBe(found)
  })
})

describe('the environment of a program that is to get no secret', () => {
  const given = {
    Cloudflare_Api_Token: 't',
    CF_ACCESS_CLIENT_SECRET: 's',
    cf_access_client_secret: 's',
    Path: 'p',
  }

  it.each<[platform: NodeJS.Platform, left: string[]]>([
    ['linux', ['Cloudflare_Api_Token', 'cf_access_client_secret', 'Path']],
    ['darwin', ['Cloudflare_Api_Token', 'cf_access_client_secret', 'Path']],
    // There they are what we read ourselves.
    ['win32', ['Path']],
  ])('on %s keeps %j', (platform, left) => {
    expect(Object.keys(environmentFor('store', given, platform))).toEqual(left)
  })
})
