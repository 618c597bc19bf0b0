import {BaseCommand} from '../lib/cli/base-command.js'
import {facts} from '../lib/cli/table.js'
import {versionInWords, versionReport} from '../lib/system/build-facts.js'

export default class VersionCommand extends BaseCommand<typeof VersionCommand> {
  static override summary = 'Show the version, and what it was built from'
  static override description =
    'zt --version prints one line. zt --version --json prints the same as zt version --json.'
  static override examples = ['<%= config.bin %> version', '<%= config.bin %> version --json']
  static override profile = 'ignored' as const

  async run(): Promise<object> {
    const report = versionReport()
    const {commit, dirty, node, openssl, platform, arch, executable, bundled} = report
    this.print(`zt ${versionInWords(report)}`)
    this.print(
      facts([
        ['commit', commit === null ? undefined : `${commit}${dirty ? ', with changes' : ''}`],
        ['node', `${node}${openssl === null ? '' : `, OpenSSL ${openssl}`}, ${platform}-${arch}`],
        ['executable', executable.kind],
        ...Object.entries(bundled).map(([name, version]): [string, string] => [name, version]),
      ]),
    )
    return report
  }
}
