import {Flags} from '@oclif/core'
import {login} from '../lib/access/session.js'
import {AccessCommand} from '../lib/app/access-command.js'
import {storeFlag} from '../lib/app/flags.js'
import {readSecretFromStdin} from '../lib/cli/stdin.js'
import {style} from '../lib/cli/streams.js'
import {facts} from '../lib/cli/table.js'
import {CLOUDFLARE_API_URL} from '../lib/config/types.js'
import {updateProfile} from '../lib/config/profiles.js'
import {loadSettings} from '../lib/config/settings.js'
import {UserError} from '../lib/core/errors.js'
import type {Secret} from '../lib/core/secret.js'

export default class Login extends AccessCommand<typeof Login> {
  static override summary = 'Save an API token for a profile, after Cloudflare has confirmed it'
  static override description = `The API token comes from stdin or a hidden prompt, never from a flag. It needs the permissions
"Access: Apps and Policies Edit" and "Access: Service Tokens Edit"; make one at
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
    'connect-to': Flags.string({description: 'reach the edge at this address', helpValue: 'HOST:PORT'}),
    'ca-file': Flags.string({description: 'PEM file of a CA to trust for the edge', helpValue: 'FILE'}),
  }
  protected override readonly makesProfile = true

  async run(): Promise<object> {
    const apiToken = await this.readApiToken()
    return {}
  }
}
