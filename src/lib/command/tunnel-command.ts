import {type Command} from '@oclif/core'
import {cancelled} from '../core/errors.js'
import {AccessCommand} from './access-command.js'

/** A command that sends a secret to a host which may not be bound to it. */
export abstract class TunnelCommand<T extends typeof Command> extends AccessCommand<T> {
  /** Asks whether a token may be sent to a host that it is not bound to; a no ends the command. */
  protected async confirmToken(name: string, host: string): Promise<void> {
    const flags = 'Add --yes to send it this once'
    this.prompts.require(`A confirmation that the secret of "${name}" may be sent to ${host}`, flags)
    if (await this.prompts.confirm(`${host} is not bound to "${name}". Send its secret there this once?`))
      return
    throw cancelled('nothing was sent')
  }
}
