import {Flags} from '@oclif/core'
import {checkCredentials, parseCredentials} from '../../lib/access/tokens/credential-input.js'
import {importToken} from '../../lib/access/tokens/import.js'
import {dryRunFlag, storeFlag} from '../../lib/command/flags.js'
import {importedText, tokenJson} from '../../lib/command/present/token.js'
import {TokenCommand} from '../../lib/command/token-command.js'
import {tokenArg} from '../../lib/command/args.js'
import {completing} from '../../lib/cli/completing.js'
import {readSecretFromStdin} from '../../lib/cli/stdin.js'
import {UserError} from '../../lib/core/errors.js'
import {rememberStore} from '../../lib/config/profiles.js'

export default class TokenImport extends TokenCommand<typeof TokenImport> {
  static override summary = 'Store the credentials of an existing service token'
  static override description =
    'They are read from stdin or from prompts, never from a flag. stdin takes JSON with "client_id" and "client_secret", the header lines CF-Access-Client-Id: and CF-Access-Client-Secret:, or the lines CF_ACCESS_CLIENT_ID= and CF_ACCESS_CLIENT_SECRET=.'
  static override examples = [
    '<%= config.bin %> token import gitlab-admin',
    '<%= config.bin %> token import --host gitlab-ssh.widgetcorp.tech < credentials.json',
    'pass show cf-access | <%= config.bin %> token import ci --store vault',
  ]
  static override args = {
    token: tokenArg,
  }
  static override flags = {
    store: storeFlag,
    replace: Flags.boolean({description: 'replace another secret that is stored for the token'}),
    host: completing(
      'host',
      Flags.string({description: 'also bind this host, or this path of it, to it', helpValue: 'HOST[/PATH]'}),
    ),
    'dry-run': dryRunFlag,
  }
  static override asks = {needs: ['listServiceTokens']} as const

  async run(): Promise<object> {
    const {replace, host, 'dry-run': dryRun} = this.flags
    const credentials = await this.readCredentials()
    const ctx = this.access()
    const result = await importToken(ctx, {credentials, token: this.args.token, replace, host, dryRun})
    if (!dryRun) await rememberStore(this.settings, result.store)
    const {token, how, store, bound} = result
    for (const warning of result.warnings) this.warn(warning)
    this.print(importedText(result))
    if (bound) {
      const instead = bound.replaced ? ' (instead of another token)' : ''
      this.print(`${dryRun ? 'Would use' : 'zt ssh uses'} it for ${bound.host}${instead}`)
      if (!dryRun) this.next(`zt ssh ${bound.host}`)
    }
    return {dryRun, how, token: tokenJson(token), store: store.kind, bound: bound ?? null}
  }

  private async readCredentials() {
    if (this.prompts.possible) {
      const clientId = await this.prompts.text('Client ID')
      return checkCredentials(clientId.trim(), await this.prompts.secret('Client Secret'))
    }
    const input = process.stdin.isTTY ? undefined : await readSecretFromStdin()
    if (input) return parseCredentials(input)
    throw new UserError({
      kind: 'usage',
      code: 'INPUT_REQUIRED',
      message: 'The credentials are missing',
      why: 'zt reads them from stdin, or prompts for them on a terminal.',
      next: ['zt token import < FILE'],
    })
  }
}
