import path from 'node:path'
import {readEarlierReport} from '../lib/access/report/earlier.js'
import {makeReport} from '../lib/access/report/report.js'
import {mark, writeLines} from '../lib/cli/streams.js'
import {AccessCommand} from '../lib/command/access-command.js'
import {fileFlag, zoneFlag} from '../lib/command/flags.js'
import {oneStdout} from '../lib/command/one-stdout.js'
import {reportText, sizeInWords} from '../lib/command/present/report.js'
import {reportCsv} from '../lib/report/csv.js'
import {reportPage} from '../lib/report/page.js'
import {writeDirectory, writeNamedFile} from '../lib/system/files.js'

export default class ReportCommand extends AccessCommand<typeof ReportCommand> {
  static override summary = 'Review who gets in: what each service token opens, and what it used'
  static override description =
    'Lists which service tokens the rules let into which applications, which of these ways were used in 90 days, when tokens expire, and what needs attention. --html writes one page that needs nothing else: it can be mailed, printed, sorted and filtered. Requests are counted by the record of Access, which has samples.'
  static override examples = [
    '<%= config.bin %> report',
    '<%= config.bin %> report --html review.html',
    '<%= config.bin %> report --html review.html --since last-review.html',
    '<%= config.bin %> report --csv review',
  ]
  static override flags = {
    html: fileFlag('write the review as one page to this file; -: to stdout'),
    csv: fileFlag('write the review as CSV files to this directory', 'DIR'),
    since: fileFlag('say what has changed since this report (its page or its JSON)'),
    zone: zoneFlag,
  }
  // What may not be read is left out, and the report says so.
  // prettier-ignore
  static override asks = {
    needs: ['listServiceTokens'],
    tries: ['listPolicies', 'listGroups', 'listApplications', 'accessEvents', 'listZones', 'listAccounts'],
  } as const

  async run(): Promise<object> {
    const {html, csv, since} = this.flags
    oneStdout('--html', html, this.jsonEnabled())
    const earlier = since === undefined ? undefined : readEarlierReport(path.resolve(since))
    const report = await makeReport(this.access(), earlier)
    const page = html === undefined ? '' : reportPage(report)
    if (html === '-') writeLines(page.trimEnd().split('\n'))
    else if (html !== undefined) {
      await writeNamedFile(path.resolve(html), page)
      this.print(`${mark.done} Wrote ${html} (${sizeInWords(Buffer.byteLength(page))})`)
    }
    if (csv !== undefined) {
      await writeDirectory(path.resolve(csv), reportCsv(report))
      if (html !== '-') this.print(`${mark.done} Wrote the CSV files in ${csv}`)
    }
    if (html === undefined && csv === undefined) {
      this.print(reportText(report))
      this.next('zt report --html review.html')
    }
    return report
  }
}
