import fs from 'node:fs/promises'
import path from 'node:path'
import type {JsonObject} from '../../src/lib/core/json.js'
import {startSandboxApi, type Exchange} from '../../src/lib/sandbox/api/server.js'
import {openCertificateAuthority} from '../../src/lib/sandbox/certificates.js'
import {startEdge} from '../../src/lib/sandbox/edge/edge.js'
import {SandboxState} from '../../src/lib/sandbox/state.js'
import {TUTORIAL} from '../../src/lib/sandbox/tutorial.js'
import {FaultyApi, type Rule} from '../faults/faulty-api.js'
import {BuiltZt, type AnyZt, type End, type Started} from '../support/built-zt.js'

/** One command line of a scene. */
export interface Line {
  args: string[]
  /** For stdin. */
  input?: string | ((world: CommandWorld) => string)
  env?: NodeJS.ProcessEnv
  /** The exit code; default: 0. */
  ends?: number
  /** Faults for its requests, for what a command does only when something goes wrong. */
  spoil?: Rule[]
  /** What someone else has done in the meantime. */
  before?: (world: CommandWorld) => void | Promise<void>
  /** For a command that runs until it is stopped: called with its first line of output; it is stopped afterwards. */
  during?: (line: JsonObject) => Promise<void>
}

/** In a line, instead of an edit's ID: the edit that this earlier line made. */
export function editOf(line: string): string {
  return `${EDIT_OF}${line}`
}
const EDIT_OF = 'edit of '

export const HOST = 'db.widgetcorp.tech'
export const ACCOUNT_TOKEN = 'account-owned-token'
const ROBOTS = 'c5a0b7f1-1111-4222-8333-944455556666'

/** A sandbox whose requests are recorded, its edge, and a home whose profile uses both. */
export class CommandWorld {
  readonly exchanges: Exchange[] = []
  /** The output of each command line, by its words, for a line that needs what an earlier one made. */
  readonly printed = new Map<string, JsonObject>()

  private constructor(
    readonly zt: AnyZt,
    readonly state: SandboxState,
    readonly api: FaultyApi,
    readonly end: () => Promise<void>,
  ) {}

  /** @param zt the one that runs the lines; default: the built one */
  static async open(zt?: AnyZt): Promise<CommandWorld> {
    return CommandWorld.#with(zt ?? (await BuiltZt.make({ZT_STORE: 'vault'})))
  }

  static async #with(zt: AnyZt): Promise<CommandWorld> {
    const state = await SandboxState.open({file: path.join(zt.home, 'state.json'), seed: SEED})
    const recorded: Exchange[] = []
    const api = await startSandboxApi({state, onExchange: (exchange) => recorded.push(exchange)})
    const faulty = await FaultyApi.start(api.url)
    const authority = await openCertificateAuthority(zt.home, Date.now())
    const edge = await startEdge({state, authority, originOf: () => '127.0.0.1:9'})
    const world = new CommandWorld(zt, state, faulty, async () => {
      await zt.end()
      await Promise.all([edge.close(), faulty.close()])
      await api.close()
    })
    Object.assign(world, {exchanges: recorded})
    const {accountId} = state
    const profile = {
      apiUrl: faulty.url,
      accountId,
      connectTo: edge.address,
      caFile: zt.path(authority.caFile),
    }
    const config = path.join(zt.config, 'config.json')
    await fs.mkdir(path.dirname(config), {recursive: true})
    await fs.writeFile(
      config,
      JSON.stringify({
        version: 1,
        currentProfile: 'default',
        profiles: {default: {...profile, store: 'vault'}},
      }),
    )
    zt.env['CLOUDFLARE_API_TOKEN'] = state.apiToken
    return world
  }

  /** Runs a line; returns its exchanges with the API. */
  async run({args: given, input, env, ends = 0, spoil, before, during}: Line): Promise<Exchange[]> {
    const args = given.map((word) =>
      word.startsWith(EDIT_OF) ? String(this.printed.get(word.slice(EDIT_OF.length))?.['undo']) : word,
    )
    await before?.(this)
    await this.state.save()
    this.api.reset()
    this.api.spoil(...(spoil ?? []))
    const from = this.exchanges.length
    const text = typeof input === 'function' ? input(this) : input
    const at = args.indexOf('--')
    const json = at < 0 ? [...args, '--json'] : [...args.slice(0, at), '--json', ...args.slice(at)]
    // The shells' own lines have no --json.
    const words = args[0] === '__complete' ? args : json
    const end = await this.zt.run(words, {
      ...(text !== undefined && {input: text}),
      ...(env && {env}),
      ...(during && {onStart: (child: Started) => void stopAfter(child, during)}),
    })
    if (end.code !== ends) throw new Error(`zt ${args.join(' ')} ended with ${end.code}: ${said(end)}`)
    if (spoil && this.api.hits === 0) throw new Error(`nothing of zt ${args.join(' ')} was spoilt`)
    this.api.mend()
    if (!during && end.stdout.startsWith('{'))
      this.printed.set(given.join(' '), JSON.parse(end.stdout) as JsonObject)
    return this.exchanges.slice(from)
  }

  tokenId(name: string): string {
    const token = this.state.data.serviceTokens.find(({object}) => object['name'] === name)
    return String(token?.object['id'])
  }

  /** Puts a rule for a service token among the Includes of a policy or group. */
  alsoNames(named: string, token: string): void {
    const {policies, inlinePolicies, groups} = this.state.data
    const one = [...policies, ...inlinePolicies, ...groups].find(({name}) => name === named)
    ;(one?.['include'] as unknown[]).push({service_token: {token_id: this.tokenId(token)}})
  }
}

async function stopAfter(child: Started, during: NonNullable<Line['during']>): Promise<void> {
  let stdout = ''
  const first = await new Promise<string>((resolve) => {
    child.stdout?.on('data', (chunk: Buffer) => {
      stdout += chunk.toString()
      if (stdout.includes('\n')) resolve(stdout.split('\n')[0] ?? '')
    })
    child.once('close', () => {
      resolve('{}')
    })
  })
  await during(JSON.parse(first) as JsonObject)
  child.kill('SIGTERM')
}

const said = ({stdout, stderr}: End): string => stdout + stderr

const SEED = {
  ...TUTORIAL,
  groups: [{id: ROBOTS, name: 'robots', include: [{any_valid_service_token: {}}], exclude: [], require: []}],
  apps: [
    ...(TUTORIAL.apps ?? []),
    {
      name: 'Legacy',
      domain: 'legacy.widgetcorp.tech',
      policies: [{name: 'Own', decision: 'allow', include: [{everyone: {}}]}],
    },
    {
      name: 'Database',
      domain: HOST,
      policies: [{name: 'Robots', decision: 'allow', include: [{group: {id: ROBOTS}}]}],
    },
  ],
  api_tokens: [{token: ACCOUNT_TOKEN, owner: 'account'}],
}
