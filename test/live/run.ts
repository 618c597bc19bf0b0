import fs from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import {UserError} from '../../src/lib/core/errors.js'
import {isJsonObject} from '../../src/lib/core/json.js'
import {Secret} from '../../src/lib/core/secret.js'
import {startSandbox} from '../../src/lib/sandbox/server.js'
import type {SandboxSettings} from '../../src/lib/sandbox/settings.js'
import {Locks} from '../../src/lib/system/lock.js'
import {Context, type Answer, type Ground, type Need, type Question} from './context.js'
import {Edge, type EdgeOptions} from './edge.js'
import {newRun, WORDS, type LiveObject} from './names.js'
import {QUESTIONS} from './questions/index.js'
import {RawApi} from './raw-api.js'
import {LiveRecord} from './record.js'
import type {Time} from './time.js'
import {findLeftovers, removeAll} from './undo.js'

/** An account, or a sandbox in its place. */
export interface World {
  apiUrl: string
  apiToken: Secret
  accountId: string
  /** How its edge is reached; undefined: not at all. */
  edge: EdgeOptions | undefined
}

export interface LiveOptions {
  world: World
  ground: Ground
  /** What the ground and the edge allow. */
  can: ReadonlySet<Need>
  /** The account's name or ID, as the person gave it. */
  yes: string
  questions: readonly Question[]
  /** What runs have made and not removed. */
  recordFile: string
  time: Time
  signal?: AbortSignal | undefined
  /** A line about what is being done. */
  say: (line: string) => void
}

export type Answers = Map<string, Answer>

export interface LiveResult {
  answers: Answers
  /** Why questions have no answer, by their IDs. */
  unanswered: Map<string, string>
  /** The sandbox's settings with which it gives these answers. */
  settings: SandboxSettings
  /** What could not be removed. */
  remaining: (LiveObject & {why: string})[]
  /** What ended the run early. */
  failure: unknown
}

/** Errors after which no further question has an answer. */
const FATAL = new Set(['PERMISSION_MISSING', 'API_UNREACHABLE', 'RATE_LIMITED'])

/** The questions that can be asked, and why the others cannot. */
export function choose(
  can: ReadonlySet<Need>,
  only: readonly string[],
): {asked: Question[]; left: Map<string, string>} {
  const words: Record<Need, string> = {
    edge: 'needs --host',
    hosts: "needs --host '*.NAME'",
    stream: 'needs --stream',
  }
  const left = new Map<string, string>()
  const chosen = QUESTIONS.filter(({id}) => only.length === 0 || only.some((name) => id.startsWith(name)))
  const asked = chosen.filter(({id, needs = []}) => {
    const missing = needs.find((need) => !can.has(need))
    if (missing) left.set(id, words[missing])
    return !missing
  })
  return {asked, left}
}

/**
 * Removes what earlier runs have left, asks the questions, and removes everything that they made, whatever happens.
 *
 * @throws UserError before anything is changed: `conflict` / `LIVE_RUNS`, `usage` / `OTHER_ACCOUNT`, and what the API refuses
 */
export async function runLive(options: LiveOptions): Promise<LiveResult> {
  const {recordFile, world} = options
  const lock = await new Locks(`${recordFile}.locks`).acquire('live')
  if (!lock) throw alreadyRuns()
  try {
    return await underLock(options, await LiveRecord.open(recordFile, world.accountId))
  } finally {
    await lock.release().catch(() => undefined)
  }
}

async function underLock(options: LiveOptions, record: LiveRecord): Promise<LiveResult> {
  const {world, ground, questions, time, signal, say} = options
  const run = newRun()
  const api = new RawApi({...world, record, run, time})
  api.signal = signal
  await checkAccount(api, options)
  const result: LiveResult = {
    ...{answers: new Map(), unanswered: new Map(), settings: {}, failure: undefined},
    remaining: await removeLeftovers(api, record, options),
  }
  const edge = world.edge && new Edge(world.edge)
  if (edge) edge.signal = signal
  const context = new Context(api, world.accountId, run, ground, time, edge)
  try {
    for (const [at, question] of questions.entries()) {
      say(`${at + 1} of ${questions.length}: ${question.question}`)
      await ask(question, context, result)
      await removeAll({api, record, time}, context.passing)
    }
  } catch (error) {
    result.failure = signal?.aborted ? signal.reason : error
  } finally {
    // From here on nothing interrupts.
    api.signal = undefined
    if (questions.length > 0) {
      say('Removing what this run has made')
      try {
        const {left} = await findLeftovers(api, record, run)
        result.remaining.push(...(await removeAll({api, record, time}, left)))
      } catch (error) {
        result.failure ??= error
        result.remaining.push(...api.made.map((one) => ({...one, why: 'The API did not answer.'})))
      }
    }
    if (signal?.aborted) result.failure ??= signal.reason
  }
  return result
}

/** @throws what ends the run */
async function ask(
  question: Question,
  context: Context,
  {answers, unanswered, settings}: LiveResult,
): Promise<void> {
  const {id} = question
  try {
    const answer = await question.ask(context)
    answers.set(id, answer)
    Object.assign(settings, question.settings?.(answer))
  } catch (error) {
    context.api.signal?.throwIfAborted()
    if (!(error instanceof UserError) || FATAL.has(error.code)) throw error
    unanswered.set(id, `${error.message}${error.why === undefined ? '' : `: ${error.why}`}`)
  }
}

/** @throws UserError unless it is the account that the person named */
async function checkAccount(api: RawApi, {world: {accountId}, yes, say}: LiveOptions): Promise<void> {
  const {result, status} = await api.get(`/accounts/${accountId}`)
  const name = status === 200 && isJsonObject(result) ? result['name'] : undefined
  if (yes !== accountId && yes !== name) {
    throw new UserError({
      kind: 'usage',
      code: 'OTHER_ACCOUNT',
      message: 'The account is not the one that --yes-this-account names',
      why: name === undefined ? 'The API does not show its name, so only its ID counts.' : undefined,
      next: ['Give its ID to --account and to --yes-this-account'],
    })
  }
  say(`Account ${typeof name === 'string' ? `${name} (${accountId})` : accountId}`)
}

async function removeLeftovers(
  api: RawApi,
  record: LiveRecord,
  {time, say}: LiveOptions,
): Promise<(LiveObject & {why: string})[]> {
  const {left, others} = await findLeftovers(api, record)
  for (const {kind, name} of left) say(`Removing what an earlier run has left: ${name} (${WORDS[kind]})`)
  const remaining = await removeAll({api, record, time}, left)
  await record.forget((entry) => !remaining.some(({id, name}) => id === entry.id || name === entry.name))
  for (const {kind, name} of others)
    say(`Left alone, because a run on another machine may still need it: ${name} (${WORDS[kind]})`)
  return remaining
}

/** Asks a new sandbox the same questions. */
export async function askSandbox(
  {
    ground,
    questions,
    time,
    signal,
    say,
  }: Pick<LiveOptions, 'ground' | 'questions' | 'time' | 'signal' | 'say'>,
  settings: SandboxSettings = {},
): Promise<LiveResult> {
  const directory = await fs.mkdtemp(path.join(os.tmpdir(), 'zt-live-sandbox-'))
  const {info, close} = await startSandbox({
    directory,
    seed: {zones: [{name: zoneOf(ground)}]},
    settings,
    origins: {},
    clock: time,
  })
  try {
    const {apiUrl, apiToken, accountId, edge: connectTo, caFile} = info
    return await runLive({
      world: {apiUrl, apiToken: new Secret(apiToken), accountId, edge: {connectTo, caFile}},
      can: new Set(['edge', 'hosts', 'stream']),
      yes: accountId,
      recordFile: path.join(directory, 'live.json'),
      ...{ground, questions, time, signal, say},
    })
  } finally {
    await close()
    await fs.rm(directory, {recursive: true, force: true})
  }
}

/** The name of a zone in which the ground is. */
function zoneOf(ground: Ground): string {
  return 'zone' in ground ? ground.zone : ground.host.replace(/^\*\./, '')
}

function alreadyRuns(): UserError {
  return new UserError({
    kind: 'conflict',
    code: 'LIVE_RUNS',
    message: 'Another run goes on with the same record',
    next: ['Wait until it has ended'],
  })
}
