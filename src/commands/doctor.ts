import {Args, Flags} from '@oclif/core'
import {completing} from '../lib/cli/completing.js'
import {outJson} from '../lib/cli/streams.js'
import {DespiteSettingsCommand} from '../lib/command/despite-settings-command.js'
import {fileFlag, yesFlag} from '../lib/command/flags.js'
import {oneStdout} from '../lib/command/one-stdout.js'
import {bundleText, countsOf, findingsText, fixesText, reportJson} from '../lib/command/present/doctor.js'
import {PROBES} from '../lib/command/probes.js'
import type {Settings} from '../lib/config/types.js'
import {exitCodeOfKind} from '../lib/core/exit-codes.js'
import {makeBundle, saveBundle, type Bundle} from '../lib/doctor/bundle/bundle.js'
import {CHECKS} from '../lib/doctor/checks.js'
import {applyFixes} from '../lib/doctor/fix.js'
import {runChecks} from '../lib/doctor/run.js'
import type {DoctorWorld, Finding} from '../lib/doctor/types.js'
import {doctorLimits, openWorld} from '../lib/doctor/world.js'

export default class Doctor extends DespiteSettingsCommand<typeof Doctor> {
  static override summary = 'Find out what is wrong with this machine, the account and a host'
  static override description =
    'Looks at node, ssh, cloudflared, the secret stores, the settings, the files of zt, the account, the network and, with HOST, the way to it. Each line is ok, warn, fail or skipped, with what to do. It changes nothing without --fix, which does only what loses nothing and opens nothing. The exit code is 9 if something fails.'
  static override examples = [
    '<%= config.bin %> doctor',
    '<%= config.bin %> doctor gitlab-ssh.widgetcorp.tech',
    '<%= config.bin %> doctor --offline --fix',
    '<%= config.bin %> doctor --bundle report.json',
  ]
  static override args = {
    host: completing('host', Args.string({description: 'host to check the way to', ignoreStdin: true})),
  }
  static override flags = {
    offline: Flags.boolean({description: 'leave out what needs a network'}),
    fix: Flags.boolean({description: 'do what is safe, after a question for each'}),
    bundle: fileFlag('write a bug report without secrets, names and IDs to a new file'),
    yes: yesFlag,
  }
  // prettier-ignore
  static override asks = {
    tries: [...PROBES, 'listApplications', 'listApplicationPolicies', 'getOrganization', 'listZones'],
  } as const

  async run(): Promise<object> {
    const {flags, args, progress} = this
    const {offline, fix, bundle: file} = flags
    oneStdout('--bundle', file, this.jsonEnabled())
    if (fix && !flags.yes) this.prompts.require('A confirmation', 'zt doctor --fix --yes')
    const say = (lines: string[]): void => void (file === '-' || this.print(lines))
    const step = (text: string): string => this.step(text)
    const isAsking = (): boolean => this.prompts.asking
    const options = {offline, progress, isAsking, again: () => this.world()}
    const found = await runChecks(CHECKS, await this.world(), options)
    say(findingsText(found, step))
    const agree = async ({detail}: Finding, what: string): Promise<boolean> =>
      flags.yes || this.prompts.agree(`${detail}. ${what}?`)
    const nothing = {fixes: [], findings: found}
    const {fixes, findings} = fix ? await applyFixes(found, CHECKS, {agree, ...options}) : nothing
    if (fix) say(fixesText(fixes, findings, step))
    const bundle = file === undefined ? undefined : await makeBundle({world: await this.world(), findings})
    if (bundle) await this.deliver(bundle, file ?? '')
    if (countsOf(findings).fail > 0) process.exitCode = exitCodeOfKind('needs-action')
    const report = {findings, fixes, bundle: bundle && {...bundle, file: file ?? ''}}
    return {host: args.host ?? null, offline, ...reportJson(report, step, (error) => this.errorJson(error))}
  }

  private async world(): Promise<DoctorWorld> {
    const place = {env: process.env, root: this.config.root, host: this.args.host}
    const limits = doctorLimits()
    const access = (usable: Settings) => this.access(usable, {limits})
    return openWorld({settings: await this.settingsOrError(), access, ...place, timeoutMs: limits.timeoutMs})
  }

  private async deliver(bundle: Bundle, file: string): Promise<void> {
    if (file === '-') return outJson(bundle.text.trimEnd())
    await saveBundle(bundle, file)
    this.print(bundleText(bundle, file))
  }
}
