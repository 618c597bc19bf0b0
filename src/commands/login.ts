import {Flags} from '@oclif/core'
import {saveApiToken, verifyLogin} from '../lib/access/session.js'
import {AccessCommand} from '../lib/app/access-command.js'
import {edgeFlags, storeFlag} from '../lib/app/flags.js'
import {readSecretFromStdin} from '../lib/cli/stdin.js'
import {style} from '../lib/cli/streams.js'
import {facts} from '../lib/cli/table.js'
import {updateProfile} from '../lib/config/profiles.js'
import {UserError} from '../lib/core/errors.js'
import type {Secret} from '../lib/core/secret.js'

export default class Login extends AccessCommand<typeof Login> {
  static override summary = 'Save an API token for a profile, after Cloudflare has confirmed it'
  static override description = `The API token comes from stdin or a hidden prompt, never from a flag. It needs the permissions
"Access: Apps and Policies Write" and "Access: Service Tokens Write"; make one at
https://dash.cloudflare.com/profile/api-tokens.`
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
  protected override readonly makesProfile = true

  async run(): Promise<object> {
    const {
      paths,
      profileName: profile,
      apiUrl,
      connectTo,
      caFile,
      apiTokenStore,
      profileStore,
    } = this.settings
    const apiToken = await this.readApiToken()
    const ctx = this.access()
    const {account, apiToken: verified} = await verifyLogin(
      ctx,
      apiToken,
      this.prompts.possible
        ? (accounts) =>
            this.prompts.choose(
              'Account',
              accounts.map((one) => ({name: `${one.name}  ${one.id}`, value: one})),
            )
        : undefined,
    )
    // A profile whose own store cannot be read has its API token elsewhere: there it stays.
    const apart = this.flags.store === undefined && apiTokenStore !== profileStore ? apiTokenStore : undefined
    const {store} = await saveApiToken(ctx, apiToken, apart)
    await updateProfile(paths, profile, {
      accountId: account.id,
      accountName: account.name,
      ...(apart === undefined && store.kind !== 'env' && {store: store.kind, apiTokenStore: undefined}),
      ...(this.flags['api-url'] !== undefined && {apiUrl}),
      ...(this.flags['connect-to'] !== undefined && {connectTo}),
      ...(this.flags['ca-file'] !== undefined && {caFile}),
    })
    this.print(`${style.green('✓')} Logged in to ${style.bold(account.name)}`)
    this.print(
      facts([
        ['profile', profile],
        ['account id', account.id],
        ['API token', `${verified.id}, saved in ${store.label}`],
        ['expires', verified.expiresOn],
      ]),
    )
    if (this.settings.environmentApiToken)
      this.warn('CLOUDFLARE_API_TOKEN is set, and used instead of the saved API token')
    this.next('zt token create')
    return {
      profile,
      account,
      apiToken: {...verified, expiresOn: verified.expiresOn ?? null},
      store: store.kind,
    }
  }

  private async readApiToken(): Promise<Secret> {
    if (this.prompts.possible) return this.prompts.secret('API token')
    const token = process.stdin.isTTY ? undefined : await readSecretFromStdin()
    if (token) return token
    throw new UserError({
      kind: 'usage',
      code: 'INPUT_REQUIRED',
      message: 'There is no API token',
      why: 'It is read from stdin, or asked for on a terminal.',
      next: ['zt login < FILE'],
    })
  }
}
