import {type Command} from '@oclif/core'
import {ztCommand} from '../core/command-line.js'
import {countUnfinished} from '../access/tokens/journal-entries.js'
import {listServiceTokens} from '../access/tokens/list.js'
import {out} from '../cli/streams.js'
import {UserError} from '../core/errors.js'
import type {Secret} from '../core/secret.js'
import {AccessCommand} from './access-command.js'

/** A command about service tokens. Warns when a creation or rotation was interrupted and is not settled. */
export abstract class TokenCommand<T extends typeof Command> extends AccessCommand<T> {
  override async init(): Promise<void> {
    await super.init()
    const ctx = this.access()
    const count = await countUnfinished(ctx)
    if (count === 0) return
    const what = count === 1 ? 'A creation or rotation was' : `${count} creations or rotations were`
    this.warn(`${what} interrupted. To settle: ${ztCommand(ctx, 'token', 'recover')}`)
  }

  /** A secret that is about to be printed is hidden in the log of a GitHub workflow; not in JSON, which a program reads. */
  protected maskInLog(secret: Secret): void {
    if (process.env['GITHUB_ACTIONS'] === 'true' && !this.jsonEnabled()) out(`::add-mask::${secret.expose()}`)
  }

  /**
   * The token that was named, or that is chosen from the account's.
   *
   * @param instead the command line to suggest where zt cannot prompt
   */
  protected async chosenToken(named: string | undefined, instead: string): Promise<string> {
    if (named !== undefined) return named
    this.prompts.require('The service token', instead)
    const tokens = await listServiceTokens(this.access())
    if (tokens.length === 0) {
      throw new UserError({
        kind: 'not-found',
        code: 'NOTHING_TO_CHOOSE',
        message: 'The account has no service tokens',
        next: ['zt token create'],
      })
    }
    return this.prompts.choose(
      'Service token',
      tokens.map(({token, status}) => ({
        name: status === 'active' ? token.name : `${token.name}  (${status})`,
        value: token.id,
      })),
    )
  }
}
