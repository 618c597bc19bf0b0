import {Args, Flags} from '@oclif/core'
import {completing} from '../lib/cli/completing.js'
import {yesFlag} from '../lib/command/flags.js'
import {DespiteSettingsCommand} from '../lib/command/despite-settings-command.js'
import {countsOf, findingJson, findingsText, fixedJson, fixesText} from '../lib/command/present/doctor.js'
import {exitCodeOfKind} from '../lib/core/exit-codes.js'
import {patient} from '../lib/core/patience.js'
import {CHECKS} from '../lib/doctor/checks.js'
import {applyFixes} from '../lib/doctor/fix.js'
import {runChecks} from '../lib/doctor/run.js'
import type {DoctorWorld, Fixed} from '../lib/doctor/types.js'
import {openWorld} from '../lib/doctor/world.js'
import {TIMEOUT_MS} from '../lib/tunnel/carrier/deadlines.js'

export default class Doctor extends DespiteSettingsCommand<typeof Doctor> {
  static override summary = 'Find out what is wrong with this machine, the account and a host'
  static override description =
    'Looks at node, ssh, cloudflared, the secret stores, the settings, the files of zt, the account, the network and, with HOST, the way to it. Each line is ok, warn, fail or skipped, with what to do. It changes nothing without --fix, which does what loses and opens nothing. The exit code is 9 if something fails.'
  static override examples = [
    '<%= config.bin %> doctor',
    '<%= config.bin %> doctor gitlab-ssh.widgetcorp.tech',
    '<%= config.bin %> doctor --offline --fix',
  ]
  static override args = {
    host: completing(
      'host',
      Args.string({description: 'also check the way to this host', ignoreStdin: true}),
    ),
  }
  static override flags = {
    offline: Flags.boolean({description: 'leave out what needs a network'}),
    fix: Flags.boolean({description: 'do what is safe, after a question for each'}),
    yes: yesFlag,
  }
  // prettier-ignore
  static override asks = {
    tries: ['listServiceTokens', 'getServiceToken'],
  } as const
  async run(): Promise<object> {
    const {flags, args, progress} = this
    if (flags.fix && !flags.yes) this.prompts.require('A confirmation', 'zt doctor --fix --yes')
    const options = {offline: flags.offline, progress}
    const step = (text: string): string => this.step(text)
    let findings = await runChecks(CHECKS, await this.world(), options)
    let fixes: Fixed[] = []
    this.print(findingsText(findings, step))
    if (flags.fix) {
      const agree = ({detail}: {detail: string}, what: string): Promise<boolean> =>
        flags.yes ? Promise.resolve(true) : this.prompts.agree(`${detail}. ${what}?`)
      ;({fixes, findings} = await applyFixes(findings, CHECKS, {
        agree,
        again: () => this.world(),
        ...options,
      }))
      this.print(fixesText(fixes, findings, step))
    }
    const counts = countsOf(findings)
    if (counts.fail > 0) process.exitCode = exitCodeOfKind('needs-action')
    return {
      host: args.host ?? null,
      offline: flags.offline,
      findings: findings.map((one) => findingJson(one, step)),
      fixes: fixes.map((one) => fixedJson(one, (error) => this.errorJson(error))),
      counts,
    }
  }

  private async world(): Promise<DoctorWorld> {
    return openWorld({
      settings: await this.settingsOrError(),
      access: (settings) => this.access(settings),
      ...{env: process.env, root: this.config.root, host: this.args.host},
      timeoutMs: patient(TIMEOUT_MS),
    })
  }
}
