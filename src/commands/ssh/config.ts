import path from 'node:path'
import {Flags} from '@oclif/core'
import {connectionFlags, dryRunFlag, yesFlag} from '../../lib/command/flags.js'
import {configChange, configDone, sshCommand} from '../../lib/command/present/ssh-config.js'
import {destinationArg, required} from '../../lib/command/args.js'
import {completing} from '../../lib/cli/completing.js'
import {TunnelCommand} from '../../lib/command/tunnel-command.js'
import {ztProgram} from '../../lib/system/zt-program.js'
import {isVisible} from '../../lib/core/text.js'
import {trustFlags} from '../../lib/tunnel/carrier/trust.js'
import {parseDestination} from '../../lib/tunnel/target/destination.js'
import {blockFor} from '../../lib/tunnel/ssh/config/wanted-block.js'
import {applySshConfig, planSshConfig} from '../../lib/tunnel/ssh/config/change.js'
import {defaultSshConfig} from '../../lib/tunnel/ssh/config-values.js'

export default class SshConfig extends TunnelCommand<typeof SshConfig> {
  static override summary = 'Let ssh, scp, rsync, git and Ansible reach a host through the tunnel'
  static override description =
    'Prints a block for ~/.ssh/config. --write puts it into the file, before the first Host line. --remove removes it. Nothing else in the file changes. zt shows the change and asks before it writes.'
  static override examples = [
    '<%= config.bin %> ssh config gitlab-ssh.widgetcorp.tech',
    '<%= config.bin %> ssh config git@gitlab-ssh.widgetcorp.tech --write',
    '<%= config.bin %> ssh config gitlab-ssh.widgetcorp.tech --remove --dry-run',
  ]
  static override args = {host: required(destinationArg)}
  static override flags = {
    write: Flags.boolean({description: 'write the block to the configuration', exclusive: ['remove']}),
    remove: Flags.boolean({description: 'remove the block from the configuration'}),
    file: completing(
      'file',
      Flags.string({description: 'ssh configuration (default: ~/.ssh/config)', helpValue: 'FILE'}),
    ),
    ...connectionFlags,
    yes: yesFlag,
    'dry-run': dryRunFlag,
  }

  static override asks = undefined

  async run(): Promise<object> {
    const {write, remove, client, share, 'dry-run': dryRun} = this.flags
    const {host, user} = parseDestination(this.args.host, 'zt ssh config [USER@]HOST')
    const {settings} = this
    const wanted = {settings, host, user, client, share, program: ztProgram(this.config.root, trustFlags())}
    const question = `Let the block send the service token of the environment to ${host}?`
    const mayUseEnvironment = () =>
      this.mayUseEnvironment(host) || (this.prompts.possible && this.prompts.agree(question))
    const written = remove ? undefined : await blockFor({...wanted, mayUseEnvironment})
    const result = {host, user: user ?? null, block: written?.text ?? null}
    for (const warning of written?.warnings ?? []) this.warn(warning)
    for (const note of written?.notes ?? []) this.note(note)
    if (written && !write) {
      const lines = written.text.split('\n')
      this.print(lines)
      if (!lines.every(isVisible))
        this.warn('It holds characters that are shown as escapes here; --write puts it in as it is')
      return {...result, file: null, action: 'none', changed: false, dryRun}
    }
    const file = path.resolve(this.flags.file ?? defaultSshConfig())
    const change = {file, host, block: written?.options, env: process.env}
    let plan = await planSshConfig(change)
    const {warnings, notes, text} = configChange(plan)
    for (const warning of warnings) this.warn(warning)
    for (const note of notes) this.note(note)
    if (text !== undefined) this.print(text)
    if (text !== undefined && !dryRun) {
      if (!this.flags.yes) {
        this.prompts.require(`A confirmation that ${file} may be changed`, 'Add --yes to make the change')
        await this.prompts.confirm(`Change ${file}?`)
      }
      plan = await applySshConfig(plan, change, {state: settings.paths.state, again: this.flags.yes})
    }
    const {action, edited, diff, others} = plan
    if (action === 'none' || !dryRun) this.print(configDone(plan, host, remove))
    if (write && !dryRun) this.next(sshCommand(this.args.host, this.flags.file))
    return {...result, file, action, changed: action !== 'none' && !dryRun, dryRun, edited, diff, others}
  }
}
