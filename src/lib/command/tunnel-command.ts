import {type Command} from '@oclif/core'
import type {Asks} from '../api/operations.js'
import {explainFailure} from '../access/explain/explain.js'
import type {Settings} from '../config/types.js'
import type {UserError} from '../core/errors.js'
import {
  confirmedToken,
  environmentText,
  findTarget,
  mayUseEnvironment,
  withoutPairFor,
  type ChosenToken,
  type Reading,
  type Target,
} from '../tunnel/target/target.js'
import type {RequestFacts} from '../tunnel/types.js'
import {AccessCommand} from './access-command.js'

/** Where a host comes from. */
interface HostFrom {
  /** The file of a project chose it, and not the person. */
  fromProject?: boolean
  /** The path, for an application that has one. */
  path?: string | undefined
}

/** A command that uses a stored secret: it may have to ask whether a host may receive it, or for a passphrase. */
export abstract class TunnelCommand<T extends typeof Command> extends AccessCommand<T> {
  // Only to explain why Access refused.
  static override asks: Asks | undefined = {
    // prettier-ignore
    tries: [
      'listApplications', 'listServiceTokens', 'listApplicationPolicies', 'listGroups', 'listZones',
      'getOrganization',
    ],
  }

  /** What reading a secret needs from the settings, the person and the environment. */
  protected get reading(): Reading {
    return {
      settings: this.settings,
      askPassphrase: this.prompts.possible ? (label) => this.prompts.secret(label) : undefined,
      environment: {
        dbusAddress: process.env['DBUS_SESSION_BUS_ADDRESS'],
        runtimeDir: process.env['XDG_RUNTIME_DIR'],
      },
    }
  }

  /** The token for a host. The person confirms one that the host is not bound to. */
  protected async chooseToken(host: string, from?: HostFrom): Promise<ChosenToken> {
    const chosen = await confirmedToken({
      settings: this.settingsFor(host, from),
      ...this.wanted(host),
      path: from?.path,
    })
    if (chosen.by === 'environment') this.note(environmentText(chosen, host))
    return chosen
  }

  /** The same with its secret, and with what the flags say of the request. */
  protected async findTarget(host: string, from?: HostFrom): Promise<Target> {
    const {destination, header} = this.flags as {destination?: string; header?: string[]}
    const settings = this.settingsFor(host, from)
    const target = await findTarget({...this.reading, settings, ...this.wanted(host), path: from?.path})
    if (target.by === 'environment') this.note(environmentText(target, host))
    return {...target, edge: {...target.edge, destination, headers: header}}
  }

  /** A pair in the environment is for hosts that the person named: on the command line, or in ZT_HOSTS. */
  private settingsFor(host: string, {fromProject = false}: HostFrom = {}): Settings {
    return fromProject ? withoutPairFor(host, this.settings) : this.settings
  }

  /** Whether the environment's pair may go to this host without a question. */
  protected mayUseEnvironment(host: string): boolean {
    const {settings, prompts, ownWords: words} = this
    return mayUseEnvironment(settings, host, {terminal: prompts.terminal, words})
  }

  /** The same, with a question where a person can be asked. */
  protected async agreesToEnvironment(host: string, question: string): Promise<boolean> {
    return this.mayUseEnvironment(host) || (this.prompts.possible && (await this.prompts.agree(question)))
  }

  /** Why a connection failed, as far as the account tells. */
  protected explain(target: Target, error: UserError, sent: RequestFacts = {}): Promise<UserError> {
    const {edge, tokenId, credentials} = target
    const {clientId} = credentials
    return explainFailure(this.access(), {...sent, host: edge.host, tokenId, clientId, error})
  }

  private wanted(host: string) {
    const {token, yes} = this.flags as {token?: string; yes?: boolean}
    return {host, token, confirm: (chosen: ChosenToken) => this.confirmToken(chosen, host, yes === true)}
  }

  /** @throws UserError `cancelled` / `CANCELLED` when the answer is no */
  private async confirmToken({name, by}: ChosenToken, host: string, yes: boolean): Promise<boolean> {
    // --yes is about the token that was named with it.
    if (by === 'environment' ? this.mayUseEnvironment(host) : yes) return true
    if (!this.prompts.possible) return false
    const question =
      by === 'environment'
        ? `Send the service token of the environment (${name}) to ${host} this once?`
        : `${host} is not bound to "${name}". Send its secret there this once?`
    await this.prompts.confirm(question, 'nothing was sent')
    return true
  }
}
