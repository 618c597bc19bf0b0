import {Flags} from '@oclif/core'
import {readCopiedCredentials} from '../../lib/command/copied-credentials.js'
import {connectSuggestion} from '../../lib/access/account/connect.js'
import {importToken} from '../../lib/access/tokens/import.js'
import {dryRunFlag, storeFlag} from '../../lib/command/flags.js'
import {importedText, tokenJson} from '../../lib/command/present/token.js'
import {TokenCommand} from '../../lib/command/token-command.js'
import {tokenArg} from '../../lib/command/args.js'
import {completing} from '../../lib/cli/completing.js'
import {rememberStore} from '../../lib/config/profiles.js'

export default class TokenImport extends TokenCommand<typeof TokenImport> {
  static override summary = 'Store the credentials of an existing service token'
  static override description =
    'They are read from stdin or from prompts, never from a flag, in the form in which they were copied: header lines, .env lines, options of curl, two bare lines, or JSON of Cloudflare, Terraform, 1Password, Vault and others. The input must have one pair alone.'
  static override examples = [
    '<%= config.bin %> token import gitlab-admin',
    '<%= config.bin %> token import --host gitlab-ssh.widgetcorp.tech < credentials.json',
    'terraform output -json | <%= config.bin %> token import',
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
    const credentials = await readCopiedCredentials(this.prompts)
    const ctx = this.access()
    const result = await importToken(ctx, {credentials, token: this.args.token, replace, host, dryRun})
    if (!dryRun) await rememberStore(this.settings, result.store)
    const {token, how, store, bound} = result
    for (const warning of result.warnings) this.warn(warning)
    this.print(importedText(result))
    if (bound) {
      const instead = bound.replaced ? ' (instead of another token)' : ''
      this.print(`${dryRun ? 'Would use' : 'zt uses'} it for ${bound.host}${instead}`)
      if (!dryRun) this.next(...connectSuggestion(ctx, bound))
    }
    return {dryRun, how, token: tokenJson(token), store: store.kind, bound: bound ?? null}
  }
}
