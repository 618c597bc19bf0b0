import path from 'node:path'
import {sshConfigFlags} from '../../lib/command/flags.js'
import {configChange, configResult, escapedWarnings} from '../../lib/command/present/ssh-config.js'
import {destinationArg} from '../../lib/command/args.js'
import {adoptionChange, adoptionDone, adoptionJson} from '../../lib/command/present/ssh-adoption.js'
import {givenHost} from '../../lib/command/choose.js'
import {FileEditCommand} from '../../lib/command/file-edit-command.js'
import {ztProgram} from '../../lib/system/zt-program.js'
import {trustFlags} from '../../lib/tunnel/carrier/trust.js'
import {requestedBlock} from '../../lib/tunnel/ssh/config/requested-block.js'
import {applyAdoption, planAdoption} from '../../lib/tunnel/ssh/config/adopt.js'
import {applySshConfig, planSshConfig} from '../../lib/tunnel/ssh/config/change.js'
import {defaultSshConfig} from '../../lib/tunnel/ssh/config-values.js'

export default class SshConfig extends FileEditCommand<typeof SshConfig> {
  static override summary = 'Let ssh, scp, rsync, git and Ansible reach a host through the tunnel'
  static override description =
    'Prints a block for ~/.ssh/config. HOST may be an alias of that file. --write puts it into the file, before the first Host line. --remove removes it. Nothing else in the file changes. HOST may also be a pattern that is bound to a token, such as *.example.com. --adopt moves the ProxyCommands of cloudflared access that the file and its Includes have to zt. zt shows the change and asks before it writes.'
  // Nothing: --adopt and --write only look into files and stores.
  static override asks = undefined
  static override examples = [
    '<%= config.bin %> ssh config gitlab-ssh.widgetcorp.tech',
    '<%= config.bin %> ssh config git@gitlab-ssh.widgetcorp.tech --write',
    '<%= config.bin %> ssh config gl --write',
    '<%= config.bin %> ssh config "*.widgetcorp.tech" --write',
    '<%= config.bin %> ssh config gitlab-ssh.widgetcorp.tech --remove --dry-run',
    '<%= config.bin %> ssh config --adopt --dry-run',
  ]
  static override args = {host: destinationArg}
  static override flags = sshConfigFlags

  run(): Promise<object> {
    return this.flags.adopt ? this.adopt() : this.block()
  }

  private async block(): Promise<object> {
    const destination = await givenHost(this.args.host, this.prompts, 'zt ssh config [USER@]HOST')
    const {write, remove, client, share, 'dry-run': dryRun, 'short-lived-cert': shortLivedCert} = this.flags
    const asked = {destination, file: this.flags.file, remove, client, share, shortLivedCert}
    const mayUseEnvironment = (to: string) =>
      this.agreesToEnvironment(to, `Let the block send the service token of the environment to ${to}?`)
    const wanted = {...asked, ...this.context, mayUseEnvironment}
    const {host, user, name, alias, block, ...said} = await requestedBlock(wanted)
    const result = {host, ...(alias && {alias: name}), user: user ?? null, block: block?.text ?? null}
    this.say({warnings: [...said.warnings, ...(write ? [] : escapedWarnings(block))], notes: said.notes})
    if (block && !write) {
      this.print(block.text.split('\n'))
      return {...result, file: null, action: 'none', changed: false, dryRun}
    }
    const change = {file: this.file, host: name, block: block?.options, env: process.env}
    const planned = await planSshConfig(change)
    const {state} = this.settings.paths
    const apply = () => applySshConfig(planned, change, {state, again: this.flags.yes})
    const plan = (await this.review(configChange(planned), apply)) ?? planned
    const about = {host, name, user, remove, dryRun, file: this.flags.file}
    const {done, notes, next, changed} = configResult(plan, about)
    this.print(done)
    this.say({warnings: [], notes})
    this.next(...next)
    const {action, edited, diff, others, taken, aliases} = plan
    return {...result, file: this.file, action, changed, dryRun, edited, diff, others, taken, aliases}
  }

  private async adopt(): Promise<object> {
    const {remove, client, 'dry-run': dryRun} = this.flags
    const plan = await planAdoption({host: this.args.host, file: this.file, remove, client, ...this.context})
    await this.review(adoptionChange(plan), () => applyAdoption(plan, this.settings.paths.state))
    this.print(adoptionDone(plan, {remove, dryRun, file: this.flags.file}))
    return adoptionJson(plan, dryRun)
  }

  private get context() {
    const program = ztProgram(this.config.root, trustFlags())
    return {settings: this.settings, program, env: process.env}
  }

  private get file(): string {
    return path.resolve(this.flags.file ?? defaultSshConfig())
  }
}
