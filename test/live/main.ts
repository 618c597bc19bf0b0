import {existsSync} from 'node:fs'
import fs from 'node:fs/promises'
import path from 'node:path'
import {parseArgs} from 'node:util'
import {CLOUDFLARE_API_URL} from '../../src/lib/config/types.js'
import {err, out} from '../../src/lib/cli/streams.js'
import {pathsFrom} from '../../src/lib/config/paths.js'
import {errorLines} from '../../src/lib/core/error-text.js'
import {UserError} from '../../src/lib/core/errors.js'
import {exitCodeOf} from '../../src/lib/core/exit-codes.js'
import {isId} from '../../src/lib/core/id.js'
import {bePatient} from '../../src/lib/core/patience.js'
import {quoteForPerson} from '../../src/lib/core/quote.js'
import {Secret} from '../../src/lib/core/secret.js'
import type {Ground, Need} from './context.js'
import {WORDS} from './names.js'
import {comparison, writeObserved} from './report.js'
import {askSandbox, choose, runLive, type LiveResult} from './run.js'
import {realTime} from './time.js'

const HELP = `npm run test:live -- --account ID (--zone NAME | --host HOST) [--yes-this-account NAME_OR_ID]

Asks an account everything that the documents leave open, and a new sandbox the same.

  --account ID              the account (or CLOUDFLARE_ACCOUNT_ID)
  --zone NAME               a zone of the account: questions about the API only
  --host HOST               a proxied host name of the account, whose other paths are not touched; or '*.NAME', if
                            Cloudflare proxies every host below NAME: questions about the edge too
  --stream                  the service behind HOST is an SSH server behind a tunnel
  --yes-this-account NAME   start; without it, nothing is sent
  --only PREFIX             only the questions whose names begin so (repeatable)
  --clean-up                only remove what earlier runs have left
  --observed-file FILE      write what was seen, for: zt sandbox start --observed FILE
  --record-file FILE        what runs have made and not removed yet
  --api-url URL, --connect-to ADDRESS:PORT, --ca-file FILE
                            another API and edge, such as a sandbox's

CLOUDFLARE_API_TOKEN needs "Access: Service Tokens Write", "Access: Apps and Policies Write" and
"Access: Organizations, Identity Providers, and Groups Write".`

const {SIGINT, SIGTERM, SIGHUP} = {SIGINT: 130, SIGTERM: 143, SIGHUP: 129}
const SIGNALS = {SIGINT, SIGTERM, SIGHUP}

interface Settings {
  account: string
  ground: Ground
  can: Set<Need>
  yes: string | undefined
  only: string[]
  cleanUp: boolean
  observedFile: string | undefined
  recordFile: string
  apiUrl: string
  connectTo: string | undefined
  caFile: string | undefined
}

const usage = (message: string): UserError =>
  new UserError({kind: 'usage', code: 'BAD_USAGE', message, next: ['npm run test:live -- --help']})

function read(words: string[]): Settings | undefined {
  const text = {type: 'string'} as const
  const flag = {type: 'boolean'} as const
  const options = {
    ...{
      account: text,
      zone: text,
      host: text,
      'yes-this-account': text,
      'observed-file': text,
      'record-file': text,
    },
    ...{'api-url': text, 'connect-to': text, 'ca-file': text, only: {...text, multiple: true as const}},
    ...{stream: flag, 'clean-up': flag, help: flag},
  } as const
  let values
  try {
    ;({values} = parseArgs({args: words, options, strict: true, allowPositionals: false}))
  } catch (error) {
    throw usage((error as Error).message.split('\n')[0] ?? 'The command line is wrong')
  }
  if (values.help) return undefined
  const {zone, host, stream = false, account = process.env['CLOUDFLARE_ACCOUNT_ID']} = values
  if (!isId(account)) throw usage('--account needs the ID of an account')
  const name = zone ?? host
  if (name === undefined || (zone !== undefined && host !== undefined))
    throw usage('Either --zone or --host is needed')
  if (!/^(\*\.)?[a-z0-9-]+(\.[a-z0-9-]+)+$/.test(name) || zone?.startsWith('*'))
    throw usage('--zone needs the name of a zone, --host that of a host')
  if (stream && host === undefined) throw usage('--stream needs --host')
  const can = new Set<Need>()
  if (host !== undefined) can.add('edge')
  if (host?.startsWith('*.')) can.add('hosts')
  if (stream) can.add('stream')
  const state = pathsFrom(process.env).state
  const recordFile = values['record-file'] ?? path.join(state, 'test-live', 'record.json')
  return {
    ...{account, can, recordFile: path.resolve(recordFile)},
    ground: zone === undefined ? {host: name} : {zone},
    yes: values['yes-this-account'],
    only: values.only ?? [],
    cleanUp: values['clean-up'] ?? false,
    observedFile: checkFolder(values['observed-file']),
    apiUrl: (values['api-url'] ?? CLOUDFLARE_API_URL).replace(/\/+$/, ''),
    connectTo: values['connect-to'],
    caFile: values['ca-file'],
  }
}

/** What will be done, before anything is. */
function plan({account, ground, cleanUp, apiUrl}: Settings, count: number): string[] {
  const where = 'zone' in ground ? `zt-live-….${ground.zone}` : ground.host.replace(/^\*/, 'zt-live-…')
  const places = 'host' in ground && !ground.host.startsWith('*') ? `${where}/zt-live-…` : where
  const remove = `Removes what earlier runs have left: objects named zt-live-…, and nothing else.`
  if (cleanUp) return [`Account ${account} at ${apiUrl}`, remove]
  return [
    `Account ${account} at ${apiUrl}: ${count} questions, at most 1000 requests in five minutes.`,
    remove,
    `Makes service tokens, policies, Access groups and applications (at ${places}), all named zt-live-…, and removes each after its question.`,
    'Never changes anything else: not the organisation, not DNS, no object with another name.',
    'Asks a new sandbox on this machine the same questions.',
  ]
}

async function main(words: string[]): Promise<number> {
  bePatient(process.env['ZT_PATIENCE'])
  const settings = read(words)
  if (!settings) {
    out(HELP.split('\n'))
    return 0
  }
  const {account, ground, can, only, cleanUp, yes, apiUrl, connectTo, caFile, recordFile} = settings
  const {asked, left} = choose(can, only)
  if (asked.length + left.size === 0) throw usage('No question has a name that begins as --only says')
  err(plan(settings, asked.length))
  if (yes === undefined) {
    throw new UserError({
      kind: 'needs-action',
      code: 'NOT_CONFIRMED',
      message: 'Nothing was sent',
      why: 'It makes and removes objects in the account that --yes-this-account names.',
      next: [
        `npm run test:live -- ${words.map((word) => quoteForPerson(word)).join(' ')} --yes-this-account ${account}`,
      ],
    })
  }
  const token = process.env['CLOUDFLARE_API_TOKEN'] ?? ''
  if (!/^[\x21-\x7E]+$/.test(token)) throw noToken()
  checkUrl(apiUrl)
  const apiToken = new Secret(token)
  delete process.env['CLOUDFLARE_API_TOKEN']
  await fs.mkdir(path.dirname(recordFile), {recursive: true, mode: 0o700})
  const signal = interruption()
  const common = {ground, time: realTime, signal, say: err}
  const world = {
    apiUrl,
    apiToken,
    accountId: account,
    edge: can.has('edge') ? {connectTo, caFile} : undefined,
  }
  const result = await runLive({...common, world, can, yes, recordFile, questions: cleanUp ? [] : asked})
  const sandbox =
    cleanUp || signal.aborted
      ? undefined
      : await askSandbox({...common, questions: asked, say: () => undefined})
  if (signal.aborted) result.failure ??= signal.reason
  if (result.answers.size > 0) out(comparison(asked, result, sandbox))
  for (const [id, why] of left) err(`Not asked: ${id} (${why})`)
  if (settings.observedFile !== undefined && result.failure === undefined)
    await writeObserved(path.resolve(settings.observedFile), result)
  return conclude(result)
}

function conclude({remaining, failure, unanswered}: LiveResult): number {
  for (const {kind, name, why} of remaining) err(`Not removed: ${name} (${WORDS[kind]}). ${why}`)
  if (failure !== undefined) throw failure as Error
  if (remaining.length > 0) {
    throw new UserError({
      kind: 'needs-action',
      code: 'NOT_UNDONE',
      message: `${remaining.length} objects could not be removed`,
      next: ['Run it again with --clean-up, or remove what is named zt-live-… in the dashboard'],
    })
  }
  if (unanswered.size === 0) return 0
  throw new UserError({
    kind: 'api',
    code: 'NOT_ALL_ANSWERED',
    message: `${unanswered.size} questions have no answer`,
    why: 'The API or the edge refused what they need; the table says what.',
  })
}

/** Aborted by the first signal, so that what was made is removed. A second one ends the process. */
function interruption(): AbortSignal {
  const controller = new AbortController()
  for (const [name, exitCode] of Object.entries(SIGNALS)) {
    process.once(name, () => {
      for (const one of Object.keys(SIGNALS)) process.removeAllListeners(one)
      err(
        'Interrupted: removing what was made. A second signal ends it at once; the next run removes the rest.',
      )
      controller.abort(
        new UserError({kind: 'cancelled', code: 'INTERRUPTED', message: 'Interrupted', exitCode}),
      )
    })
  }
  return controller.signal
}

/** Before minutes of questions: the file is written after them. */
function checkFolder(file: string | undefined): string | undefined {
  if (file === undefined || existsSync(path.dirname(path.resolve(file)))) return file
  throw usage('--observed-file needs a directory that exists')
}

function checkUrl(url: string): void {
  if (/^https:\/\/|^http:\/\/(127\.0\.0\.1|localhost)[:/]/.test(url) && URL.canParse(url)) return
  throw usage('--api-url needs https://, or http:// and an address of this machine')
}

function noToken(): UserError {
  return new UserError({
    kind: 'auth',
    code: 'API_TOKEN_MISSING',
    message: 'There is no API token',
    next: ['Set CLOUDFLARE_API_TOKEN'],
  })
}

try {
  process.exitCode = await main(process.argv.slice(2))
} catch (error) {
  err(errorLines(error))
  process.exitCode = exitCodeOf(error)
}
