import path from 'node:path'
import {Args} from '@oclif/core'
import {MOST_BYTES, parseExpectations, readExpectations} from '../../lib/access/policies/expectations.js'
import {readPlannedChanges} from '../../lib/access/policies/planned-file.js'
import {testPolicies} from '../../lib/access/policies/test.js'
import {completing} from '../../lib/cli/completing.js'
import {readTextFromStdin} from '../../lib/cli/stdin.js'
import {AccessCommand} from '../../lib/command/access-command.js'
import {fileFlag, quietFlag} from '../../lib/command/flags.js'
import {junit, policyTestJson, policyTestText} from '../../lib/command/present/policy-test.js'
import {EXIT_EXPECTATION_NOT_MET} from '../../lib/core/exit-codes.js'
import {writeNamedFile} from '../../lib/system/files.js'

export default class PolicyTest extends AccessCommand<typeof PolicyTest> {
  static override summary = 'Test whom the rules admit against a file of expectations'
  static override description =
    'Evaluates the rules of the account and of the zones that the API token can list, and sends no request to any application. The file is YAML: a list of who, from where, which URL, and the expected verdict.'
  static override examples = [
    '<%= config.bin %> policy test expectations.yaml',
    '<%= config.bin %> policy test expectations.yaml --junit report.xml',
    '<%= config.bin %> policy test expectations.yaml --plan edit.json',
    'generate-expectations | <%= config.bin %> policy test -',
  ]
  static override args = {
    file: completing(
      'file',
      Args.string({description: 'YAML file of expectations; - for stdin', required: true, ignoreStdin: true}),
    ),
  }
  static override flags = {
    junit: fileFlag('also write the results to this file, as JUnit XML'),
    plan: fileFlag('evaluate as if this edit were made: what its --dry-run --json has printed'),
    quiet: quietFlag,
  }
  static override asks = {
    needs: ['listServiceTokens', 'listPolicies', 'listGroups', 'listApplications'],
    // What strict authentication decides is unknown without it.
    tries: ['getOrganization'],
  } as const

  async run(): Promise<object> {
    const {junit: report, plan} = this.flags
    const isStdin = this.args.file === '-'
    const file = isStdin ? 'stdin' : this.args.file
    const expectations = isStdin
      ? parseExpectations(await readTextFromStdin('a file of expectations', MOST_BYTES), file)
      : readExpectations(file)
    const planned = plan === undefined ? [] : readPlannedChanges(plan)
    const tested = await testPolicies(this.access(), {expectations, planned})
    if (report !== undefined) await writeNamedFile(path.resolve(report), junit(tested, file), {mode: 0o666})
    for (const warning of tested.warnings) this.warn(warning)
    this.print(policyTestText(tested, file))
    const unmet = tested.results.filter(({met}) => !met)
    for (const {name} of unmet) this.printId(name)
    if (unmet.length > 0) process.exitCode = EXIT_EXPECTATION_NOT_MET
    return policyTestJson(tested)
  }
}
