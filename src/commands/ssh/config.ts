import path from 'node:path'
import {Flags} from '@oclif/core'
import {dryRunFlag, sshBlockFlags, sshConfigFlag, yesFlag} from '../../lib/command/flags.js'
import {configChange, configResult, escapedWarnings} from '../../lib/command/present/ssh-config.js'
import {destinationArg, required} from '../../lib/command/args.js'
import {TunnelCommand} from '../../lib/command/tunnel-command.js'
import {ztProgram} from '../../lib/system/zt-program.js'
import {trustFlags} from '../../lib/tunnel/carrier/trust.js'
import {requestedBlock} from '../../lib/tunnel/ssh/config/requested-block.js'
import {applySshConfig, planSshConfig} from '../../lib/tunnel/ssh/config/change.js'
import {defaultSshConfig} from '../../lib/tunnel/ssh/config-values.js'

export default class SshConfig extends TunnelCommand<typeof SshConfig> {
  static override summary = 'Let ssh, scp, rsync, git and Ansible reach a host through the tunnel'
  static override description =
    'Prints a block for ~/.ssh/config. HOST may be an alias of that file. --write puts it into the file, before the first Host line. --remove removes it. Nothing else in the file changes. zt shows the change and asks before it writes.'
  static override examples = [
    '<%= config.bin %> ssh config gitlab-ssh.widgetcorp.tech',
    '<%= config.bin %> ssh config git@gitlab-ssh.widgetcorp.tech --write',
    '<%= config.bin %> ssh config gitlab-ssh.widgetcorp.tech --remove --dry-run',
  ]
  static override args = {host: required(destinationArg)}
  static override flags = {
    write: Flags.boolean({description: 'write the block to the configuration', exclusive: ['remove']}),
    remove: Flags.boolean({description: 'remove the block from the configuration'}),
    file: sshConfigFlag,
    ...sshBlockFlags,
    yes: yesFlag,
    'dry-run': dryRunFlag,
  }

  static override asks = undefined

  async run(): Promise<object> {
    const {write, remove, client, share, 'dry-run': dryRun, 'short-lived-cert': shortLivedCert} = this.flags
    const question = (to: string) => `Let the block send the service token of the environment to ${to}?`
    const got = await requestedBlock({
      ...{settings: this.settings, program: ztProgram(this.config.root, trustFlags()), env: process.env},
      ...{destination: this.args.host, file: this.flags.file, remove, client, share, shortLivedCert},
      mayUseEnvironment: (to) =>
        this.mayUseEnvironment(to) || (this.prompts.possible && this.prompts.agree(question(to))),
    })
    const {host, name, block} = got
    const result = {host, ...(got.alias && {alias: name}), user: got.user ?? null, block: block?.text ?? null}
    for (const warning of [...got.warnings, ...(write ? [] : escapedWarnings(block))]) this.warn(warning)
    for (const note of got.notes) this.note(note)
    if (block && !write) {
      this.print(block.text.split('\n'))
      return {...result, file: null, action: 'none', changed: false, dryRun}
    }
    const file = path.resolve(this.flags.file ?? defaultSshConfig())
    const change = {file, host: name, block: block?.options, env: process.env}
    let plan = await planSshConfig(change)
    const {warnings, notes, text} = configChange(plan)
    for (const warning of warnings) this.warn(warning)
    for (const note of notes) this.note(note)
    this.print(text ?? [])
    if (text !== undefined && !dryRun) {
      if (!this.flags.yes) {
        this.prompts.require(`A confirmation that ${file} may be changed`, 'Add --yes to make the change')
        await this.prompts.confirm(`Change ${file}?`)
      }
      plan = await applySshConfig(plan, change, {state: this.settings.paths.state, again: this.flags.yes})
    }
    const about = {host, name, remove, dryRun, destination: this.args.host, file: this.flags.file}
    const {changed, ...shown} = configResult(plan, about)
    this.print(shown.done)
    for (const note of shown.notes) this.note(note)
    this.next(...shown.next)
    const {action, edited, diff, others, taken, aliases} = plan
    return {...result, file, action, changed, dryRun, edited, diff, others, taken, aliases}
  }
}
