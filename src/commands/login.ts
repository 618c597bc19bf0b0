import {Flags} from '@oclif/core'
import {login, refuseUnnamedAddress} from '../lib/access/account/login.js'
import {AccessCommand} from '../lib/command/access-command.js'
import {edgeFlags, storeFlag} from '../lib/command/flags.js'
import {loginJson, loginText} from '../lib/command/present/login.js'
import {readSecretFromStdin} from '../lib/cli/stdin.js'
import {UserError} from '../lib/core/errors.js'
import type {Secret} from '../lib/core/secret.js'
import {reading} from '../lib/core/shell-words.js'

export default class Login extends AccessCommand<typeof Login> {
  static override summary = 'Save an API token for a profile after checking it with Cloudflare'
  static override description =
    'The API token is read from stdin or from a hidden prompt, never from a flag. It needs the permissions "Access: Apps and Policies Write" and "Access: Service Tokens Write". Create one at https://dash.cloudflare.com/profile/api-tokens.'
  static override examples = [
    '<%= config.bin %> login',
    '<%= config.bin %> login --profile production < api-token.txt',
    'pass show cloudflare | <%= config.bin %> login --account 023e105f4ecef8ad9ca31a8372d0c353 --json',
  ]
  static override flags = {
    store: storeFlag,
    'api-url': Flags.string({
      description: "base URL of the API, if it is not Cloudflare's",
      helpValue: 'URL',
    }),
    ...edgeFlags,
  }
  static override profile = 'new' as const

  async run(): Promise<object> {
    const {flags, prompts, settings} = this
    refuseUnnamedAddress(settings)
    const result = await login(this.access(), {
      apiToken: await this.readApiToken(),
      settings,
      storeNamed: flags.store !== undefined,
      addresses: {
        ...(flags['api-url'] !== undefined && {apiUrl: settings.apiUrl}),
        ...(flags['connect-to'] !== undefined && {connectTo: settings.connectTo}),
        ...(flags['ca-file'] !== undefined && {caFile: settings.caFile}),
      },
      chooseAccount: prompts.possible
        ? (accounts) =>
            prompts.choose(
              'Account',
              accounts.map((one) => ({name: `${one.name}  ${one.id}`, value: one})),
            )
        : undefined,
    })
    this.print(loginText(result, settings.profileName))
    if (settings.environmentApiToken)
      this.warn('CLOUDFLARE_API_TOKEN is set and is used instead of the saved API token')
    this.next('zt token create')
    return loginJson(result, settings.profileName)
  }

  private async readApiToken(): Promise<Secret> {
    if (this.prompts.possible) return this.prompts.secret('API token')
    const token = process.stdin.isTTY ? undefined : await readSecretFromStdin()
    if (token) return token
    throw new UserError({
      kind: 'usage',
      code: 'INPUT_REQUIRED',
      message: 'The API token is missing',
      why: 'zt reads it from stdin, or prompts for it on a terminal.',
      next: [reading('zt login')],
    })
  }
}
