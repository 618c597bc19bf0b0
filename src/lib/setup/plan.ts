import type {SetupRecord} from '../access/account/setup-records.js'
import {connectCommand} from '../access/account/connect.js'
import {describeChanges} from '../access/edit/describe.js'
import type {ExplainedApplication} from '../access/explain/application.js'
import {isOlderSecret} from '../access/explain/causes.js'
import {durationInWords} from '../core/duration.js'
import {findProgram} from '../system/programs.js'
import {aliasFor, aliasText} from '../tunnel/ssh/alias.js'
import {parseDestination} from '../tunnel/target/destination.js'
import {applicationOf, planAdmission, withToken, type AdmissionPlan} from './admission.js'
import {rehearse} from './rehearse.js'
import {planSshPart, type SshConfigPart, type SshConfigWish, type SshName} from './ssh-config.js'
import {NEW_TOKEN, planToken, type PlannedToken} from './token.js'
import type {PlanOutline, SetupStep, StepName, StepState} from './types.js'
import {keyOf, type SetupWorld} from './world.js'

/** What a person asks for. */
export interface SetupWish {
  /** `[USER@]HOST`, or an alias of ssh's configuration. */
  destination: string
  token: string | undefined
  /** The name of a new application. */
  app: string | undefined
  duration: string | undefined
  sshConfig: SshConfigWish
  /** Whether to connect at the end; why not, for people. */
  connect: true | {not: string}
  /** Whether someone reads what the plan opens. */
  shown: boolean
  /** Whether the steps will be taken, so that what they need is tried before. */
  rehearsed: boolean
}

export interface SetupPlan extends PlanOutline {
  ssh: SshName
  user: string | undefined
  port: number | undefined
  token: PlannedToken
  application: {id: string | undefined; name: string}
  /** Undefined: the token is admitted already. */
  admission: AdmissionPlan | undefined
  /** Undefined: the host is bound to the token. */
  bind: {replaced: boolean} | undefined
  sshPart: SshConfigPart | undefined
  /** Whether a person decides about ssh's configuration. */
  sshOffered: boolean
  /** Whether to connect at the end. */
  connects: boolean
  duration: string | undefined
  /** Whether the rules let in no one without credentials. */
  isClosed: boolean
  /** Whether anything is to be changed. */
  changes: boolean
}

const USAGE = 'zt setup [USER@]HOST'

/**
 * What a host still needs until it can be reached. Reads the account, this machine and ssh's configuration, and changes
 * nothing.
 *
 * @throws UserError of the parts
 */
export async function planSetup(world: SetupWorld, wish: SetupWish): Promise<SetupPlan> {
  const {ctx} = world
  const ssh = await nameOf(world, wish.destination)
  const {host, user, port} = ssh
  const record = await ctx.setups.read(await keyOf(world, host))
  const api = await ctx.api()
  const app = await applicationOf(ctx, host)
  const tokens = await api.listServiceTokens()
  const token = await planToken(ctx, {...wish, host}, {tokens, app, record})
  const {name, id} = token.token
  const application = app?.application ?? {id: undefined, name: wish.app ?? host}

  const all = await app?.admission()
  const admitted = all?.tokens.find((one) => one.token.id === id)
  const lets = admitted !== undefined && admitted.admitted !== 'no' ? admitted.policy : undefined
  const admission = lets
    ? undefined
    : await planAdmission(ctx, {host, application, token: token.token, withReach: wish.shown})
  const needed = admission && admission.changes.length > 0 ? admission : undefined
  const binding = await ctx.index.bindingFor(ctx.profile, host)
  const bind = binding?.tokenId === id ? undefined : {replaced: binding !== undefined}
  const known = id === NEW_TOKEN ? undefined : id
  const part = await planSshPart(world, ssh, {wish: wish.sshConfig, record, token: known})
  const sshPart = 'not' in part ? undefined : part
  const sshOffered = wish.sshConfig === 'ask' && sshPart !== undefined && sshPart.how !== 'there'
  const connect =
    wish.connect === true && findProgram('ssh', world.env) === undefined
      ? {not: 'ssh is not installed'}
      : wish.connect

  const steps: SetupStep[] = [
    line('login', 'there', `Logged in with profile ${ctx.profile}`),
    tokenLine(token, world),
    application.id === undefined
      ? line('application', 'todo', `Create the application "${application.name}" for ${host}`)
      : line('application', 'there', `The application of ${host} is "${application.name}"`),
    needed
      ? line('rule', 'todo', `Admit "${name}" by the Service Auth rule "${needed.rule ?? ''}"`)
      : line(
          'rule',
          'there',
          `${lets ? `The rule "${lets.name}"` : `"${application.name}"`} admits "${name}"${admitted?.admitted === 'conditional' ? ', under conditions' : ''}`,
        ),
    bind
      ? line(
          'binding',
          'todo',
          `Use "${name}" for ${host}${bind.replaced ? ' instead of another token' : ''}`,
        )
      : line('binding', 'there', `zt uses "${name}" for ${host}`),
    line('edge', 'todo', 'Wait until the edge accepts the token'),
    'not' in part
      ? line('ssh-config', 'skipped', part.not)
      : line(
          'ssh-config',
          part.how === 'there' ? 'there' : 'todo',
          `${part.text}${sshOffered ? ', if you wish' : ''}`,
        ),
    connect === true
      ? line('connect', 'todo', `Connect: ${connectCommand(ctx, 'ssh', wish.destination)}`)
      : line('connect', 'skipped', `Not connecting: ${connect.not}`),
  ]
  const entry = (await ctx.index.list(ctx.profile)).find(({tokenId}) => tokenId === id)
  const outdated =
    entry && isOlderSecret(entry, token.token)
      ? [`The secret of "${name}" here may no longer work: the token was rotated elsewhere`]
      : []
  const described = needed && (await describeChanges(withToken(ctx, token.token), needed.changes))
  const plan = {
    ...{host, ssh, user, port, token, application, admission: needed, bind, sshPart, sshOffered, steps},
    connects: connect === true,
    duration: wish.duration,
    isClosed: all === undefined || all.everyone.admitted === 'no',
    changes: changes(steps),
    edit: needed && described && {changes: needed.changes, described, reach: needed.reach},
    diff: sshPart?.diff ?? '',
    warnings: [...outdated, ...(needed?.warnings ?? []), ...(sshPart?.warnings ?? [])],
    notes: [...(ssh.said ? [ssh.said] : []), ...unused(wish, {token, app, record}), ...(needed?.notes ?? [])],
  }
  if (wish.rehearsed && plan.changes) await rehearse(world, plan)
  return plan
}

/** What was asked for and has no effect, as there is a token or an application already that this setup did not make. */
function unused(
  {duration, app: name}: SetupWish,
  {
    token,
    app,
    record,
  }: {token: PlannedToken; app: ExplainedApplication | undefined; record: SetupRecord | undefined},
): string[] {
  const isOwn = record?.tokens.some(({id}) => id === token.token.id) === true
  const there = app?.application
  return [
    ...(duration !== undefined && token.how === 'there' && !isOwn
      ? [`--duration is for a new token; "${token.token.name}" is there already`]
      : []),
    ...(name !== undefined && there && there.id !== record?.application?.id
      ? [`--app names a new application; "${there.name}" is there already`]
      : []),
  ]
}

/** The same plan, which leaves ssh's configuration alone. */
export function withoutSshConfig(world: SetupWorld, plan: SetupPlan): SetupPlan {
  const left = line('ssh-config', 'skipped', `${world.file} stays as it is`)
  const steps = plan.steps.map((one) => (one.step === 'ssh-config' ? left : one))
  return {...plan, steps, sshPart: undefined, changes: changes(steps)}
}

function changes(steps: readonly SetupStep[]): boolean {
  return steps.some(({step, state}) => state === 'todo' && step !== 'edge' && step !== 'connect')
}

/** The host of a command line, which may name it by an alias. */
export async function nameOf(
  {settings, env}: Pick<SetupWorld, 'settings' | 'env'>,
  destination: string,
): Promise<SshName & {user: string | undefined; port: number | undefined; said: string | undefined}> {
  const {host: given, user, port} = parseDestination(destination, USAGE)
  const alias = await aliasFor({settings, host: given, written: destination, env})
  const host = alias?.host ?? given
  const name = alias?.name ?? host
  return {host, name, destination, user, port, said: alias && aliasText(alias)}
}

function line(step: StepName, state: StepState, text: string): SetupStep {
  return {step, state, text}
}

function tokenLine(planned: PlannedToken, {ctx}: SetupWorld): SetupStep {
  const {name} = planned.token
  switch (planned.how) {
    case 'there':
      return line('token', 'there', `The service token "${name}" has its secret in profile ${ctx.profile}`)
    case 'finish':
      return line(
        'token',
        'todo',
        `Finish the creation of the service token "${name}", which was interrupted`,
      )
    case 'create':
      return line(
        'token',
        'todo',
        `Create the service token "${name}", valid for ${durationInWords(planned.duration)}; its secret goes to ${planned.store}`,
      )
  }
}
