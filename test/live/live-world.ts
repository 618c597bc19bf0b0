import fs from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import {Secret} from '../../src/lib/core/secret.js'
import {startSandbox} from '../../src/lib/sandbox/server.js'
import type {SandboxSettings} from '../../src/lib/sandbox/settings.js'
import type {SandboxInfo, SandboxSeed} from '../../src/lib/sandbox/types.js'
import type {Question} from './context.js'
import {QUESTIONS} from './questions/index.js'
import {runLive, type LiveOptions, type LiveResult, type World} from './run.js'
import type {Time} from './time.js'

const NAME = 'Widgetcorp'
export const ACCOUNT = '2f5a7c10b3d94e6f8a1c0d2e3f405162'

/** A clock that only waits move. */
function stillTime(): Time {
  let now = Date.now()
  return {
    now: () => now,
    sleep: async (ms, signal) => {
      signal?.throwIfAborted()
      now += ms
    },
  }
}

/** What the account has before: nothing of it may change. One name is nearly that of a run. */
const BEFORE: SandboxSeed = {
  accounts: [{id: ACCOUNT, name: NAME}],
  zones: [{name: 'widgetcorp.tech'}],
  service_tokens: [{id: 'token-ci', name: 'ci'}],
  groups: [{id: 'group-ci', name: 'machines', include: [{service_token: {token_id: 'token-ci'}}]}],
  policies: [
    {id: 'policy-ci', name: 'CI', decision: 'non_identity', include: [{group: {id: 'group-ci'}}]},
    {
      id: 'policy-live',
      name: 'zt-live-server',
      decision: 'non_identity',
      include: [{group: {id: 'group-ci'}}],
    },
  ],
  apps: [{id: 'app-ci', name: 'CI', domain: 'ci.widgetcorp.tech', policies: ['policy-ci']}],
}

/** A sandbox in place of an account. */
export class LiveWorld {
  readonly time = stillTime()

  private constructor(
    readonly directory: string,
    readonly info: SandboxInfo,
    readonly close: () => Promise<void>,
  ) {}

  static async open(settings: SandboxSettings = {}, time = stillTime()): Promise<LiveWorld> {
    const directory = await fs.mkdtemp(path.join(os.tmpdir(), 'zt-live-account-'))
    const {info, close} = await startSandbox({directory, seed: BEFORE, settings, origins: {}, clock: time})
    const world = new LiveWorld(directory, info, async () => {
      await close()
      await fs.rm(directory, {recursive: true, force: true})
    })
    return Object.assign(world, {time})
  }

  get recordFile(): string {
    return path.join(this.directory, 'record.json')
  }

  get target(): World {
    const {apiUrl, apiToken, edge: connectTo, caFile} = this.info
    return {apiUrl, apiToken: new Secret(apiToken), accountId: ACCOUNT, edge: {connectTo, caFile}}
  }

  run(more: Partial<LiveOptions> = {}): Promise<LiveResult> {
    return runLive({
      world: this.target,
      ground: {host: '*.widgetcorp.tech'},
      can: new Set(['edge', 'hosts', 'stream']),
      yes: NAME,
      questions: QUESTIONS,
      recordFile: this.recordFile,
      time: this.time,
      say: () => undefined,
      ...more,
    })
  }

  /** The objects of the account, as its state file has them. */
  async objects(): Promise<Record<string, unknown>> {
    const state = JSON.parse(await fs.readFile(this.info.stateFile, 'utf8')) as Record<string, unknown>
    const {apps, policies, inlinePolicies, groups, serviceTokens, organization, zones} = state
    return {apps, policies, inlinePolicies, groups, serviceTokens, organization, zones}
  }
}

export const questionsOf = (...names: string[]): Question[] =>
  QUESTIONS.filter(({id}) => names.some((name) => id.startsWith(name)))
