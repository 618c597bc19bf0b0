import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import {Config} from '@oclif/core'
import {afterEach, beforeEach, describe, expect, it, vi} from 'vitest'
import {BaseCommand} from '../../src/lib/cli/base-command.js'
import {zoneFlag} from '../../src/lib/command/flags.js'
import {root} from '../support/manifest.js'

let home: string
beforeEach(() => {
  home = fs.mkdtempSync(path.join(os.tmpdir(), 'zt-suggested-'))
  for (const kind of ['CONFIG', 'DATA', 'STATE', 'CACHE']) vi.stubEnv(`XDG_${kind}_HOME`, home)
})
afterEach(() => {
  vi.unstubAllEnvs()
  fs.rmSync(home, {recursive: true})
})

class Suggesting extends BaseCommand<typeof Suggesting> {
  static override flags = {zone: zoneFlag}
  static override profile = 'new' as const

  async run(): Promise<object> {
    return {}
  }

  suggested(step: string): string {
    return this.step(step)
  }
}

async function suggested(step: string, ...argv: string[]): Promise<string> {
  const command = new Suggesting(argv, await Config.load({root}))
  await command.init()
  return command.suggested(step)
}

describe('a suggested command', () => {
  const IN_ZONE = ['--zone', 'example.com']
  const OF_PROFILE = ['--profile', 'staging']

  it.each([
    ['zt app list', IN_ZONE, 'zt app list --zone example.com'],
    ['zt undo abc', IN_ZONE, 'zt undo abc --zone example.com'],
    ['Undo it first: zt undo abc', IN_ZONE, 'Undo it first: zt undo abc --zone example.com'],
    ['zt undo abc --zone other', IN_ZONE, 'zt undo abc --zone other'],
    // It takes no zone, or only to say that there is none.
    ['zt token recover', IN_ZONE, 'zt token recover'],
    ['zt policy list', IN_ZONE, 'zt policy list'],
    ['zt app list', OF_PROFILE, 'zt app list --profile staging'],
    ['zt exec ci -- make', OF_PROFILE, 'zt exec ci --profile staging -- make'],
    ['zt app list', [...IN_ZONE, ...OF_PROFILE], 'zt app list --zone example.com --profile staging'],
    // The same with every profile.
    ['zt sandbox start', OF_PROFILE, 'zt sandbox start'],
    ['zt profile use other', OF_PROFILE, 'zt profile use other'],
    ['zt help exit-codes', OF_PROFILE, 'zt help exit-codes'],
    // No command of zt's.
    ['zt nothing', OF_PROFILE, 'zt nothing'],
    ['Add --yes to send it this once', OF_PROFILE, 'Add --yes to send it this once'],
    ['apt-get install libsecret-1-0', OF_PROFILE, 'apt-get install libsecret-1-0'],
  ])('works where this one works: %s after %j', async (step, argv, expected) => {
    expect(await suggested(step, ...argv)).toBe(expected)
  })
})
