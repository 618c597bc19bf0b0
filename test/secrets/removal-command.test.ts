import {describe, expect, it} from 'vitest'
import {HelperStore} from '../../src/lib/secrets/helper/helper-store.js'
import {helperSpawnOptions} from '../../src/lib/secrets/helper/run-helper.js'
import {Keychain} from '../../src/lib/secrets/keychain/keychain.js'
import {Vault} from '../../src/lib/secrets/vault/vault.js'

const KEY = {kind: 'service-token', id: '0f7e-1'} as const

describe('the command that removes an entry by hand', () => {
  it.each<[platform: NodeJS.Platform, command: string]>([
    ['linux', 'secret-tool clear service zt account service-token/0f7e-1'],
    ['darwin', 'security delete-generic-password -s zt -a service-token/0f7e-1'],
    ['win32', 'cmdkey /delete:zt/service-token/0f7e-1'],
  ])('of the keychain on %s is %s', (platform, command) => {
    expect(new Keychain({environment: {}, platform}).removalCommand(KEY)).toBe(command)
  })

  it.each<[platform: NodeJS.Platform, command: string]>([
    ['linux', 'printf %s https://zt.local/service-token/0f7e-1 | docker-credential-pass erase'],
    ['darwin', 'printf %s https://zt.local/service-token/0f7e-1 | docker-credential-pass erase'],
    ['win32', 'echo https://zt.local/service-token/0f7e-1 | docker-credential-pass erase'],
  ])('of a helper on %s is %s', (platform, command) => {
    expect(new HelperStore({name: 'pass', environment: {}}).removalCommand(KEY, platform)).toBe(command)
  })

  it.each<[platform: NodeJS.Platform, directory: string, start: string]>([
    ['linux', '/home/u/vault', 'rm /home/u/vault/'],
    ['darwin', "/Users/o'neil/my vault", `rm '/Users/o'\\''neil/my vault/`],
    ['win32', 'C:\\Users\\u', 'del C:\\Users\\u'],
    ['win32', 'C:\\Users\\J D', 'del "C:\\Users\\J D'],
  ])('of the vault on %s in %s begins with %s', (platform, directory, start) => {
    const vault = new Vault({directory, identity: {file: '/none'}})
    expect(vault.removalCommand(KEY, platform).startsWith(start)).toBe(true)
  })
})

it.each<[platform: NodeJS.Platform, detached: boolean]>([
  ['linux', true],
  ['darwin', true],
  ['win32', false],
])('on %s a helper leads a group of processes that can be killed: %s', (platform, detached) => {
  expect(helperSpawnOptions({}, platform)).toMatchObject({
    detached,
    windowsHide: true,
    stdio: ['pipe', 'pipe', 'pipe'],
  })
})
