import {type Command} from '@oclif/core'
import {
  openAccess,
  type AccessContext,
  type AccessDependencies,
  type StoreChoice,
} from '../access/account/context.js'
import {BaseCommand} from '../cli/base-command.js'
import {updateProfile} from '../config/profiles.js'
import type {Settings} from '../config/types.js'
import {USER_AGENT} from '../core/version.js'
import type {Pause} from '../api/types.js'
import {isKeepingStoreKind} from '../secrets/stores.js'
import type {SecretStore} from '../secrets/types.js'
import type {ClosedConnections} from '../tunnel/types.js'
import {connectionsText} from './present/connections.js'

/** A command that works on an account: adds the use-cases' context to {@link BaseCommand}. */
export abstract class AccessCommand<T extends typeof Command> extends BaseCommand<T> {
  /** The context of the use-cases. It opens nothing until it is asked. */
  protected access(
    settings: Settings = this.settings,
    more: Pick<AccessDependencies, 'askPassphrase'> = {},
  ): AccessContext {
    return openAccess(settings, {
      userAgent: USER_AGENT,
      command: this.id?.replaceAll(':', ' '),
      progress: this.progress,
      warn: (text) => {
        this.warn(text)
      },
      zone: this.zone,
      onWait: (pause) => {
        this.showPause(pause)
      },
      askPassphrase: this.prompts.possible ? (label) => this.prompts.secret(label) : undefined,
      interactive: this.prompts.possible,
      environment: {
        dbusAddress: process.env['DBUS_SESSION_BUS_ADDRESS'],
        runtimeDir: process.env['XDG_RUNTIME_DIR'],
      },
      onWithheld: (why) => {
        this.note(`CLOUDFLARE_API_TOKEN is not used: ${why}`)
      },
      onStoreChosen: (choice) => {
        this.showStoreChoice(choice)
      },
      ...more,
    })
  }

  /** The zone that was named, for the commands that have {@link zoneFlag}. */
  private get zone(): string | undefined {
    const {zone} = this.flags as {zone?: unknown}
    return typeof zone === 'string' ? zone : undefined
  }

  /** A countdown where there is a progress line; otherwise it is said once. */
  private showPause({seconds, left, why}: Pause): void {
    const {progress} = this
    if (progress.pause) progress.pause(left > 0 ? `${why}: going on in ${left} s` : undefined)
    else if (left === seconds) this.note(`${why}: waiting ${seconds} s`)
  }

  /**
   * Keeps a store that was chosen for a profile which had none, so that the next command looks in the same place.
   * Called once something has been saved in it.
   */
  protected async rememberStore(store: Pick<SecretStore, 'kind'>, settings = this.settings): Promise<void> {
    const {kind} = store
    if (!isKeepingStoreKind(kind) || settings.profileStore !== undefined) return
    await updateProfile(settings.paths, settings.profileName, {store: kind})
  }

  /** Which of this machine's connections a command is about that ends a token's access. */
  protected connectionsOf<Token>(token: Token): {
    state: string
    profile: string
    token: Token
    keep: boolean
    dryRun: boolean
  } {
    const {'keep-connections': keep, 'dry-run': dryRun} = this.flags as Record<string, unknown>
    const {paths, profileName: profile} = this.settings
    return {state: paths.state, profile, token, keep: keep === true, dryRun: dryRun === true}
  }

  /** Warns of connections that are still open. @returns what became of the others, for people */
  protected heardOf(closed: ClosedConnections): string | undefined {
    const {line, warnings} = connectionsText(closed)
    for (const warning of warnings) this.warn(warning)
    return line
  }

  private showStoreChoice({store, passedOver}: StoreChoice): void {
    for (const {kind, status} of passedOver) {
      this.note(`the ${kind} is not used: ${status.why ?? status.state} Secrets go to ${store.label}.`)
    }
  }
}
