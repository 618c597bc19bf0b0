import {Flags} from '@oclif/core'
import {createServiceToken, planServiceToken} from '../../lib/access/tokens/create.js'
import {checkTokenName} from '../../lib/access/tokens/list.js'
import {TokenCommand} from '../../lib/command/token-command.js'
import {dryRunFlag, durationFlag, quietFlag, storeFlag} from '../../lib/command/flags.js'
import {newNameArg} from '../../lib/command/args.js'
import {createdText} from '../../lib/command/present/token.js'
import {rememberStore} from '../../lib/config/profiles.js'
import {shellQuote} from '../../lib/core/command-line.js'
import {style} from '../../lib/cli/streams.js'
import {durationInWords} from '../../lib/core/duration.js'
import {messageOf} from '../../lib/core/errors.js'

export default class TokenCreate extends TokenCommand<typeof TokenCreate> {
  static override summary = 'Create a service token and store its secret'
  static override description =
    'The secret goes to the secret store and is read back from there. It is shown only with --reveal. The token is valid for one year unless --duration is given.'
  static override examples = [
    '<%= config.bin %> token create gitlab-admin',
    '<%= config.bin %> token create ci --duration 90d --json',
  ]
  static override args = {name: newNameArg('service token')}
  static override flags = {
    duration: durationFlag,
    reveal: Flags.boolean({description: 'also print the secret', exclusive: ['quiet']}),
    store: storeFlag,
    quiet: quietFlag,
    'dry-run': dryRunFlag,
  }
  // prettier-ignore
  static override asks = {
    needs: [
      'listServiceTokens', 'getServiceToken', 'createServiceToken', 'updateServiceToken',
      'deleteServiceToken',
    ],
  } as const

  async run(): Promise<object> {
    const name = this.args.name ?? (await this.askName())
    if (this.flags['dry-run']) return this.plan(name)
    const {duration, reveal} = this.flags
    const created = await createServiceToken(this.access(), {name, duration})
    const {token, clientSecret, store} = created
    await rememberStore(this.settings, store)
    for (const warning of created.warnings) this.warn(warning)
    if (reveal) this.maskInLog(clientSecret)
    this.print(createdText(created, reveal))
    this.printId(token.id)
    this.next(`zt app add-rule --service-auth --token ${shellQuote(token)}`)
    return {
      token: {...token, expiresAt: token.expiresAt ?? null},
      store: store.kind,
      ...(reveal && {clientSecret: clientSecret.expose()}),
    }
  }

  private async plan(name: string): Promise<object> {
    const plan = await planServiceToken(this.access(), {name, duration: this.flags.duration})
    for (const warning of plan.warnings) this.warn(warning)
    this.print(`Would create ${style.name(plan.name)}, valid for ${durationInWords(plan.duration)}.`)
    this.print(`Its secret would go to ${plan.store.label}.`)
    return {dryRun: true, name: plan.name, duration: plan.duration, store: plan.store.kind}
  }

  private async askName(): Promise<string> {
    this.prompts.require('The name', 'zt token create NAME')
    return this.prompts.text('Name of the service token', (text) => {
      try {
        checkTokenName(text)
        return true
      } catch (error) {
        return messageOf(error)
      }
    })
  }
}
