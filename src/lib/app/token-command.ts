import {type Command} from '@oclif/core'
import {ztCommand} from '../access/command-line.js'
import {pendingOperations} from '../access/token-recover.js'
import {AccessCommand} from './access-command.js'

/** A command about service tokens: says when an operation on one was interrupted and waits to be settled. */
export abstract class TokenCommand<T extends typeof Command> extends AccessCommand<T> {
  override async init(): Promise<void> {
    await super.init()
    const ctx = this.access()
    const count = await pendingOperations(ctx)
    if (count === 0) return
    const what = count === 1 ? 'An operation was' : `${count} operations were`
    this.warn(
      `${what} interrupted: ${ztCommand(ctx, 'token', 'recover')} settles ${count === 1 ? 'it' : 'them'}`,
    )
  }
}
