import path from 'node:path'
import {fails, only, parseFailOn, parseKinds} from '../../lib/access/audit/choose.js'
import {parseWithin} from '../../lib/core/duration.js'
import {auditTokens} from '../../lib/access/audit/read.js'
import {sarifOf} from '../../lib/access/audit/sarif.js'
import {TokenCommand} from '../../lib/command/token-command.js'
import {outDocument} from '../../lib/cli/streams.js'
import {auditFlags} from '../../lib/command/audit-flags.js'
import {quietFlag, zoneFlag} from '../../lib/command/flags.js'
import {oneStdout} from '../../lib/command/one-stdout.js'
import {auditIds, auditJson, auditText, notCheckedLines} from '../../lib/command/present/audit.js'
import {exitCodeOfKind} from '../../lib/core/exit-codes.js'
import {visibleJson} from '../../lib/core/text.js'
import {writeNamedFile} from '../../lib/system/files.js'

export default class TokenAudit extends TokenCommand<typeof TokenAudit> {
  static override summary = 'Find service tokens, secrets and rules that need attention'
  static override description =
    'Finds service tokens that expire or are not used, secrets without a token, rules that let in more than is used, and more. Each finding has the command that removes its cause. What a rule let in is known from the record of Access, which has samples: rare use may be missing. The exit code is 9 if a finding fails the audit (--fail-on).'
  static override examples = [
    '<%= config.bin %> token audit',
    '<%= config.bin %> token audit --expiring 14d --unused 60d',
    '<%= config.bin %> token audit --kind unused-rule,unused-in-group',
    '<%= config.bin %> token audit --fail-on expired,expiring --sarif audit.sarif',
  ]
  static override flags = {...auditFlags, quiet: quietFlag, zone: zoneFlag}
  // What may not be read is not checked, and the audit says so.
  // prettier-ignore
  static override asks = {
    needs: ['listServiceTokens'],
    tries: ['listPolicies', 'listGroups', 'listApplications', 'accessEvents', 'listZones'],
  } as const

  async run(): Promise<object> {
    const {expiring, unused, kind, sarif} = this.flags
    const kinds = kind === undefined ? [] : parseKinds(kind, '--kind')
    const failOn = parseFailOn(this.flags['fail-on'])
    oneStdout('--sarif', sarif, this.jsonEnabled())
    const windows = {
      expiringSeconds: parseWithin(expiring, '--expiring'),
      unusedSeconds: parseWithin(unused, '--unused'),
    }
    const audit = only(await auditTokens(this.access(), windows), kinds)
    if (sarif === '-') outDocument(sarifOf(audit))
    else {
      if (sarif !== undefined) {
        const text = JSON.stringify(sarifOf(audit), null, 2)
        await writeNamedFile(path.resolve(sarif), `${visibleJson(text)}\n`, {mode: 0o666})
      }
      this.print(() => auditText(audit, kinds.length > 0))
      for (const id of auditIds(audit)) this.printId(id)
    }
    if (this.quiet || sarif === '-') for (const line of notCheckedLines(audit)) this.warn(line)
    if (fails(audit, failOn)) process.exitCode = exitCodeOfKind('needs-action')
    return auditJson(audit)
  }
}
