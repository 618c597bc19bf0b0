import {shellQuote} from '../../lib/core/command-line.js'
import {refreshToken} from '../../lib/access/tokens/changes.js'
import {dryRunFlag, durationFlag, yesFlag} from '../../lib/command/flags.js'
import {changeJson} from '../../lib/command/present/change.js'
import {day} from '../../lib/command/present/token.js'
import {TokenCommand} from '../../lib/command/token-command.js'
import {tokenArg} from '../../lib/command/args.js'
import {mark, style} from '../../lib/cli/streams.js'
import {facts} from '../../lib/cli/table.js'

export default class TokenRefresh extends TokenCommand<typeof TokenRefresh> {
  static override summary = 'Extend a service token by one year and keep its secret'
  static override description =
    'With --duration the token is valid for that long from now instead. If it would then expire earlier than before, zt asks for confirmation.'
  static override examples = [
    '<%= config.bin %> token refresh ci',
    '<%= config.bin %> token refresh ci --duration 90d --yes',
  ]
  static override args = {token: tokenArg}
  static override flags = {
    duration: durationFlag,
    yes: yesFlag,
    'dry-run': dryRunFlag,
  }
  static override asks = {
    needs: ['listServiceTokens', 'getServiceToken', 'refreshServiceToken', 'updateServiceToken'],
  } as const

  async run(): Promise<object> {
    const {duration, yes, 'dry-run': dryRun} = this.flags
    const token = await this.chosenToken(this.args.token, 'zt token refresh NAME')
    const change = await refreshToken(this.access(), {
      token,
      duration,
      dryRun,
      confirm: yes
        ? undefined
        : async ({token: one, until}) => {
            const {name, expiresAt} = one
            const then = `"${name}" would expire on ${day(until, 'never')}, earlier than now (${day(expiresAt, 'never')})`
            this.warn(then)
            this.prompts.require(
              'A confirmation',
              `zt token refresh ${shellQuote(one)} --duration ${duration ?? ''} --yes`,
            )
            await this.prompts.confirm('Let it expire earlier?')
          },
    })
    const {before, after, differs, earlier} = change
    const name = style.name(before.name)
    if (!differs) {
      this.print(`${mark.done} ${name} never expires: there is nothing to extend`)
      return changeJson(change)
    }
    this.print(dryRun ? `Would change the expiry of ${name}:` : `${mark.done} Changed the expiry of ${name}`)
    const note = earlier ? style.caution(' (earlier)') : ''
    this.print(
      facts([
        ['before', before.expiresAt ?? 'never'],
        [dryRun ? 'then' : 'now', (after.token.expiresAt ?? 'never') + note],
        ['secret', 'stays as it is'],
      ]),
    )
    if (after.status !== 'active') this.warn(`The service token is ${after.status}: it opens nothing`)
    return changeJson(change)
  }
}
