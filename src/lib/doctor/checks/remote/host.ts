import {connectCommand} from '../../../access/account/connect.js'
import type {Application} from '../../../api/types.js'
import {causesInWords} from '../../../access/explain/explain.js'
import type {ExplainedTrap} from '../../../access/explain/application.js'
import {UserError} from '../../../core/errors.js'
import {ztCommand} from '../../../core/command-line.js'
import {quoteForPerson} from '../../../core/quote.js'
import {RefusedError} from '../../../tunnel/failure/refusal.js'
import {aliasText} from '../../../tunnel/ssh/alias.js'
import type {CheckStep} from '../../../tunnel/types.js'
import {requireDirectories} from '../local/files.js'
import {foreignIn, textsIn, type Says} from '../../finding.js'
import type {DoctorWorld, Finding} from '../../types.js'
import {isNoAnswer, type Facts} from './facts.js'
import {interceptedBy, isMisled} from './network.js'
import {type RemoteCheck} from './finding.js'

/** Only with a HOST. */
export const hostChecks: readonly RemoteCheck[] = [
  {
    ...{id: 'host-token', area: 'host', title: 'Token', doing: 'Looking for the token of the host'},
    ...{local: true, host: true},
    look: hostToken,
  },
  {
    ...{id: 'application', area: 'host', title: 'Application', doing: 'Reading the application', host: true},
    look: application,
  },
  {
    ...{id: 'verdict', area: 'host', title: 'Verdict', doing: 'Evaluating the rules', host: true},
    look: verdict,
  },
  {
    ...{id: 'trap', area: 'host', title: 'Rules', doing: 'Looking for traps', host: true},
    look: traps,
  },
  {
    ...{id: 'connection', area: 'host', title: 'Connection', doing: 'Connecting to the host', host: true},
    look: connection,
  },
]

async function hostToken(facts: Facts, {ctx, paths}: DoctorWorld, says: Says): Promise<Finding[]> {
  let target
  try {
    target = await facts.target()
  } catch (error) {
    await requireDirectories(paths)
    if (!(error instanceof UserError) || error.code !== 'HOST_NOT_BOUND') throw error
    const host = await facts.host()
    const boundIn: unknown = error.details['boundIn']
    const other: unknown = Array.isArray(boundIn) ? boundIn[0] : undefined
    // What the error says is for a command that takes --token.
    const elsewhere =
      typeof other === 'string'
        ? [`zt doctor ${quoteForPerson(host)} --profile ${quoteForPerson(other)}`]
        : []
    return [says.error(error, {next: [...elsewhere, ztCommand(ctx, 'setup', host)]})]
  }
  const {name, by, edge} = target
  const alias = await facts.alias()
  const from = by === 'environment' ? 'of the environment' : 'bound, and its secret is here'
  return [
    says.ok(`${alias ? `${aliasText(alias)}; ` : ''}"${name}" for ${edge.host}: ${from}`, {
      foreign: [name, edge.host],
    }),
  ]
}

/** Why the account's side is left out; undefined: it is not. */
async function leftOut(facts: Facts): Promise<string | undefined> {
  return (await facts.noAccount())?.why
}

async function application(facts: Facts, _world: DoctorWorld, says: Says): Promise<Finding[]> {
  const why = await leftOut(facts)
  if (why !== undefined) return [says.skipped(why)]
  const refused = await refusal(facts)
  try {
    const explained = await facts.explained()
    return [
      says.ok(inWords(explained.application, explained.address?.host), {
        foreign: namesIn(explained.application),
      }),
    ]
  } catch (error) {
    if (!(error instanceof UserError)) throw error
    if (error.kind === 'permission') return [says.skipped('the API token may not read the applications')]
    if (isNoAnswer(error)) return [says.skipped('the API does not answer')]
    return refused ? [says.skipped('the connection to the host says why')] : [says.error(error)]
  }
}

function inWords({name, domains, policies}: Application, host: string | undefined): string {
  return `"${name}" covers ${host ?? domains[0] ?? 'it'}, with ${policies.length === 1 ? 'one rule' : `${policies.length} rules`}`
}

/** The connection's refusal, which has the account's reasons. */
async function refusal(facts: Facts): Promise<RefusedError | undefined> {
  const {failure} = (await facts.connection()) ?? {}
  return failure instanceof RefusedError ? failure : undefined
}

/** What the rules say of the token that zt would send, in the words of `zt app explain`. */
async function verdict(facts: Facts, {ctx}: DoctorWorld, says: Says): Promise<Finding[]> {
  const why = await leftOut(facts)
  if (why !== undefined) return [says.skipped(why)]
  const explained = await facts.explained().catch(noUserError)
  if (!explained) return [says.skipped('the application is not known')]
  const tokenId = await facts.target().then(({tokenId: id, credentials}) => (id === 'env' ? credentials.clientId : id), noUserError)
  if (tokenId === undefined) return [says.skipped('there is no token to evaluate them for')]
  if (await refusal(facts)) return [says.skipped('the connection to the host says what is wrong')]
  let answer
  try {
    answer = explained.answerTo({kind: 'token', wanted: tokenId})
  } catch (error) {
    if (error instanceof UserError) return [says.skipped('the API does not show this service token')]
    throw error
  }
  const {answer: {verdict: answered, policy}, causes} = answer
  const foreign = namesIn(explained.application)
  const rule = policy === undefined ? '' : ` by the rule "${policy.name}"`
  if (answered === 'allow' || answered === 'bypass') return [says.ok(`the rules ${answered === 'allow' ? 'admit' : 'bypass'} it${rule}`, {foreign})]
  const {why: reasons, next} = causesInWords({known: [], causes})
  const show = ztCommand(ctx, 'app', 'explain', explained.application, '--token', tokenId)
  const more = {why: reasons.join(' '), next: next.length > 0 ? next : [show], foreign}
  return answered === 'unknown'
    ? [says.warn('zt cannot tell whether the rules admit the token', more)]
    : [says.fail('The rules do not admit the token', more)]
} // prettier-ignore

function noUserError(error: unknown): undefined {
  if (!(error instanceof UserError)) throw error
  return undefined
}

async function traps(facts: Facts, _world: DoctorWorld, says: Says): Promise<Finding[]> {
  const why = await leftOut(facts)
  if (why !== undefined) return [says.skipped(why)]
  const explained = await facts.explained().catch(noUserError)
  if (!explained) return [says.skipped('the application is not known')]
  // The refusal of the token names the trap that keeps it out.
  const said = (await refusal(facts))?.why ?? ''
  const left = explained.traps.filter((one) => said === '' || !concernsRefusal(one))
  if (left.length === 0)
    return [said === '' ? says.ok('no rule does anything but what it seems to do') : says.skipped('the connection to the host says what is wrong')]
  return left.map((trap) =>
    says.warn(`"${nameOf(explained.application, trap)}" does not do what it seems to do`, {at: trap.id, 
      why: trap.why,
      foreign: namesIn(explained.application),
      next: trap.remedies.map(({what, command}) => (command === undefined ? what : `${what}: ${command}`)),
    }),
  )
} // prettier-ignore

function concernsRefusal({id}: ExplainedTrap): boolean {
  return id === 'token-under-allow' || id === 'group-under-allow'
}

/** The names that sentences about an application have. */
function namesIn({name, domains, policies}: Application): string[] {
  return [name, ...domains, ...policies.map((one) => one.name)]
}

function nameOf({policies, name}: Application, {policyId}: ExplainedTrap): string {
  return policies.find(({id}) => id === policyId)?.name ?? name
}

const TITLES: Record<CheckStep['step'], string> = {
  dns: 'DNS',
  tcp: 'TCP',
  proxy: 'Proxy',
  tls: 'TLS',
  edge: 'Edge',
  ssh: 'SSH',
}

/** The steps of `zt ssh check`, in its words. */
async function connection(facts: Facts, world: DoctorWorld, says: Says): Promise<Finding[]> {
  const made = await facts.connection()
  if (!made) return [says.skipped('there is no token to make one with')]
  const {steps, failure} = made
  const fails = steps.find(({state}) => state === 'failed')
  if (failure && (fails?.step === 'dns' || fails?.step === 'tcp') && (await isMisled('edge', facts, world)))
    return [says.skipped('the name of the host leads elsewhere: DNS')]
  if (failure?.code === 'EDGE_NOT_TRUSTED' && (await interceptedBy(facts, world)) !== undefined)
    return [says.skipped('something on the way opens TLS: Certificates')]
  return steps.flatMap((step): Finding[] => {
    const at = {at: step.step, title: TITLES[step.step], foreign: textsIn(step.facts)}
    if (step !== fails || !failure)
      return [says[step.state === 'ok' ? 'ok' : 'skipped'](step.detail.replace(/^skipped: /, ''), at)]
    return [isServedOtherwise(failure, step) ? notSsh(says, at, world, failure) : says.error(failure, at)]
  })
}

/** Access let the request in, and what is behind it is no SSH server: a website, for example. */
function isServedOtherwise(failure: UserError, {step}: CheckStep): boolean {
  return (
    (step === 'edge' && failure instanceof RefusedError && failure.answer.by === 'service' && failure.answer.reason !== 'origin-down') ||
    (step === 'ssh' && failure.code === 'NOT_SSH')
  )
} // prettier-ignore

function notSsh(
  says: Says,
  at: {at: string; title: string; foreign: string[]},
  {ctx, host = ''}: DoctorWorld,
  failure: UserError,
): Finding {
  return says.warn('Access lets the token in, and the service behind it is no SSH server', {
    ...at,
    foreign: [...at.foreign, ...foreignIn(failure)],
    why: `${failure.why ?? failure.message} That is right for a website, and wrong for zt ssh.`,
    next: [
      `For HTTP: ${connectCommand(ctx, 'http', `https://${host}/`)}`,
      "For SSH, set the tunnel's service to ssh:// with the host and port of the SSH server: ssh://HOST:PORT",
    ],
  })
}
