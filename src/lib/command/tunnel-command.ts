import {type Command} from '@oclif/core'
import type {Asks} from '../api/operations.js'
import {explainFailure} from '../access/explain/explain.js'
import type {Settings} from '../config/types.js'
import type {UserError} from '../core/errors.js'
import {
  chosenToken,
  findTarget,
  type ChosenToken,
  type Reading,
  type Target,
} from '../tunnel/target/target.js'
import {AccessCommand} from './access-command.js'

/** Who chose a host: the person, or the file of a project. */
interface HostFrom {
  fromProject: boolean
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
  protected chooseToken(host: string, from?: HostFrom): Promise<ChosenToken> {
    return chosenToken({settings: this.settingsFor(from), ...this.wanted(host)})
  }

  /** The same with its secret. */
  protected findTarget(host: string, from?: HostFrom): Promise<Target> {
    return findTarget({...this.reading, settings: this.settingsFor(from), ...this.wanted(host)})
  }

  /** A pair in the environment is for hosts that the person named. */
  private settingsFor({fromProject}: HostFrom = {fromProject: false}): Settings {
    return fromProject ? {...this.settings, environmentCredentials: undefined} : this.settings
  }

  /** Why a connection failed, as far as the account tells. */
  protected explain(
    target: Target,
    error: UserError,
    {path, cookie}: {path?: string; cookie?: boolean} = {},
  ): Promise<UserError> {
    const {edge, tokenId, credentials} = target
    return explainFailure(this.access(), {
      host: edge.host,
      path,
      cookie,
      tokenId,
      clientId: credentials.clientId,
      error,
    })
  }

  private wanted(host: string) {
    const {token, yes} = this.flags as {token?: string; yes?: boolean}
    return {host, token, confirm: (name: string) => yes === true || this.confirmToken(name, host)}
  }

  /** @throws UserError `cancelled` / `CANCELLED` when the answer is no */
  private async confirmToken(name: string, host: string): Promise<boolean> {
    if (!this.prompts.possible) return false
    const question = `${host} is not bound to "${name}". Send its secret there this once?`
    await this.prompts.confirm(question, 'nothing was sent')
    return true
  }
}
