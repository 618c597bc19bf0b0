import {type Command} from '@oclif/core'
import {
  openAccess,
  type AccessContext,
  type AccessDependencies,
  type SecretFields,
  type StoreChoice,
} from '../access/account/context.js'
import {BaseCommand} from '../cli/base-command.js'
import type {Settings} from '../config/types.js'
import {USER_AGENT} from '../core/version.js'
import type {Asks} from '../api/operations.js'
import type {Pause} from '../api/types.js'
import type {ClosedConnections} from '../tunnel/types.js'
import {shellQuote} from '../core/command-line.js'
import {nameKeeper} from './keep-names.js'
import {connectionsText} from './present/connections.js'
import {planInWords} from './present/plan.js'
import {readSecretFields} from './secret-fields.js'

/** A command that works on an account. */
export abstract class AccessCommand<T extends typeof Command> extends BaseCommand<T> {
  static asks: Asks | undefined
  #secretFields: SecretFields | undefined

  override async init(): Promise<void> {
    await super.init()
    const {'secret-field': names = [], 'dry-run': dryRun} = this.flags as {
      'secret-field'?: readonly string[]
      'dry-run'?: boolean
    }
    if (names.length > 0)
      this.#secretFields = await readSecretFields(names, this.prompts, {send: dryRun !== true})
  }

  /** The command line, for the undo record and suggestions. No flag of zt takes a secret. */
  protected commandInWords(): string {
    return ['zt', ...(this.id ?? '').split(':'), ...this.argv.map((word) => shellQuote(word))].join(' ')
  }

  /** The context of the use-cases. Stores and the API are opened on first use. */
  protected access(
    settings: Settings = this.settings,
    more: Pick<AccessDependencies, 'askPassphrase' | 'limits'> = {},
  ): AccessContext {
    return openAccess(settings, {
      userAgent: USER_AGENT,
      names: nameKeeper(settings),
      command: this.id?.replaceAll(':', ' '),
      progress: this.progress,
      interruptible: this.interruptible,
      warn: (text) => {
        this.warn(text)
      },
      zone: this.zone,
      secretFields: this.#secretFields,
      commandLine: this.commandInWords(),
      onWait: (pause) => {
        this.showPause(pause)
      },
      onPlan: (plan) => {
        this.notice(planInWords(plan))
      },
      askPassphrase: this.prompts.possible ? (label) => this.prompts.secret(label) : undefined,
      interactive: this.prompts.possible,
      proxies: process.env,
      environment: {
        dbusAddress: process.env['DBUS_SESSION_BUS_ADDRESS'],
        runtimeDir: process.env['XDG_RUNTIME_DIR'],
      },
      onWithheld: (why) => {
        this.note(`zt does not use CLOUDFLARE_API_TOKEN: ${why}`)
      },
      onStoreChosen: (choice) => {
        this.showStoreChoice(choice)
      },
      ...more,
    })
  }

  /** The zone of --zone. */
  private get zone(): string | undefined {
    const {zone} = this.flags as {zone?: unknown}
    return typeof zone === 'string' ? zone : undefined
  }

  /** A countdown on the progress line, or one note without it. */
  private showPause({seconds, left, why, known}: Pause): void {
    const {progress} = this
    if (progress.pause) progress.pause(left > 0 ? `${why}: continuing in ${left} s` : undefined)
    else if (left === seconds && known !== true) this.note(`${why}: waiting ${seconds} s`)
  }

  /** For a command that ends a token's access: the connections on this machine to end. */
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

  /** Warns about connections that are still open. @returns a line about the others */
  protected heardOf(closed: ClosedConnections): string | undefined {
    const {line, warnings} = connectionsText(closed)
    for (const warning of warnings) this.warn(warning)
    return line
  }

  /** The same, with the others on an indented line. */
  protected showClosed(closed: ClosedConnections): void {
    const line = this.heardOf(closed)
    if (line !== undefined) this.print(`  ${line}`)
  }

  private showStoreChoice({store, passedOver}: StoreChoice): void {
    for (const {kind, status} of passedOver) {
      this.note(`zt does not use the ${kind}: ${status.why ?? status.state} Secrets go to ${store.label}.`)
    }
  }
}
