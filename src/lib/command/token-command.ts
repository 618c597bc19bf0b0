import {type Command} from '@oclif/core'
import {ztCommand} from '../core/command-line.js'
import {pendingOperations} from '../access/tokens/recover.js'
import {listServiceTokens} from '../access/tokens/list.js'
import {UserError} from '../core/errors.js'
import {AccessCommand} from './access-command.js'

/** A command about service tokens: says when an operation on one was interrupted and waits to be settled. */
export abstract class TokenCommand<T extends typeof Command> extends AccessCommand<T> {
  override async init(): Promise<void> {
    await super.init()
    const ctx = this.access()
    const count = await pendingOperations(ctx)
    if (count === 0) return
    const [what, them] = count === 1 ? ['An operation was', 'it'] : [`${count} operations were`, 'them']
    this.warn(`${what} interrupted: ${ztCommand(ctx, 'token', 'recover')} settles ${them}`)
  }

  /**
   * The token that was named, or that is chosen from the account's.
   *
   * @param instead the command line to suggest where nobody can be asked
   */
  protected async chosenToken(named: string | undefined, instead: string): Promise<string> {
    if (named !== undefined) return named
    this.prompts.require('The service token', instead)
    const tokens = await listServiceTokens(this.access())
    if (tokens.length === 0) {
      throw new UserError({
        kind: 'not-found',
        code: 'NOTHING_TO_CHOOSE',
        message: 'The account has no service token',
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
