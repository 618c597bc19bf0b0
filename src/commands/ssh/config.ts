import path from 'node:path'
import {Args, Flags} from '@oclif/core'
import {dryRunFlag, yesFlag} from '../../lib/app/flags.js'
import {BaseCommand} from '../../lib/cli/base-command.js'
import {colouredDiff} from '../../lib/cli/diff.js'
import {style} from '../../lib/cli/streams.js'
import {UserError} from '../../lib/core/errors.js'
import {parseDestination} from '../../lib/tunnel/destination.js'
import {blockFor, type WrittenBlock} from '../../lib/tunnel/ssh-config/block-for.js'
import {
  applySshConfig,
  defaultSshConfig,
  planSshConfig,
  type SshConfigPlan,
} from '../../lib/tunnel/ssh-config.js'

const DONE = {add: 'now has', update: 'has a new', remove: 'no longer has', none: 'has'} as const

export default class SshConfig extends BaseCommand<typeof SshConfig> {
  static override summary = 'Let plain ssh, scp, rsync, git and Ansible reach a host with its service token'
  static override description = `Prints a block for ~/.ssh/config. With --write it is put there, before the first Host line; with --remove it is taken
out. What else is in the file stays as it is. The change is shown, and asked for.`
  static override examples = [
    '<%= config.bin %> ssh config gitlab-ssh.widgetcorp.tech',
    '<%= config.bin %> ssh config git@gitlab-ssh.widgetcorp.tech --write',
    '<%= config.bin %> ssh config gitlab-ssh.widgetcorp.tech --remove --dry-run',
  ]
  static override args = {host: Args.string({description: '[USER@]HOST', ignoreStdin: true, required: true})}
  static override flags = {
    write: Flags.boolean({description: 'put the block into the configuration', exclusive: ['remove']}),
    remove: Flags.boolean({description: 'take the block out of the configuration'}),
    file: Flags.string({description: 'the configuration (default: ~/.ssh/config)', helpValue: 'FILE'}),
    client: Flags.option({
      description: 'who carries the connection',
      options: ['builtin', 'cloudflared'] as const,
      default: 'builtin' as const,
    })(),
    share: Flags.boolean({
      description: 'share one connection among the sessions of a host',
      default: true,
      allowNo: true,
    }),
    yes: yesFlag,
    'dry-run': dryRunFlag,
  }

  async run(): Promise<object> {
    const {write, remove, client, share, 'dry-run': dryRun} = this.flags
    const {host, user} = parseDestination(this.args.host, 'zt ssh config [USER@]HOST')
    const run = path.join(this.config.root, 'bin', 'run.js')
    const wanted = {settings: this.settings, host, user, client, share, node: process.execPath, script: run}
    const written: WrittenBlock | undefined = remove ? undefined : await blockFor(wanted)
    const result = {host, user: user ?? null, block: written?.text ?? null}
    for (const warning of written?.warnings ?? []) this.warn(warning)
    if (written && !write) {
      this.print(written.text)
      return {...result, file: null, action: 'none', changed: false, dryRun}
    }
    const file = path.resolve(this.flags.file ?? defaultSshConfig())
    const change = {file, host, block: written?.options, env: process.env}
    let plan = await planSshConfig(change)
    this.show(plan)
    if (plan.action !== 'none' && !dryRun) {
      if (!this.flags.yes) await this.confirm(plan)
      plan = await applySshConfig(plan, change, {state: this.settings.paths.state, again: this.flags.yes})
    }
    this.conclude(plan, host)
    const {action, edited, diff, others} = plan
    return {...result, file, action, changed: action !== 'none' && !dryRun, dryRun, edited, diff, others}
  }

  private show({file, diff, edited, warnings, others}: SshConfigPlan): void {
    for (const warning of warnings) this.warn(warning)
    if (edited && diff !== '') this.warn(`Somebody has edited zt's block in ${file}; that edit would be lost`)
    for (const {line, section, keyword} of others) {
      const where =
        section === undefined ? 'and comes before zt’s block' : `(${section}); zt's block comes first`
      this.note(`line ${line} of ${file} sets ${keyword} too ${where}`)
    }
    if (diff !== '') this.print(colouredDiff(diff))
  }

  private async confirm({file}: SshConfigPlan): Promise<void> {
    this.prompts.require(`A confirmation that ${file} may be changed`, 'Add --yes to make the change')
    if (await this.prompts.confirm(`Change ${file}?`)) return
    throw new UserError({kind: 'cancelled', code: 'CANCELLED', message: 'Cancelled; nothing was changed'})
  }

  private conclude({action, file}: SshConfigPlan, host: string): void {
    const {remove, 'dry-run': dryRun} = this.flags
    if (action === 'none')
      this.print(`${style.green('✓')} ${file} has ${remove ? 'no' : 'this'} block for ${host} already`)
    else if (!dryRun) {
      this.print(`${style.green('✓')} ${file} ${DONE[action]} block for ${style.bold(host)}`)
      if (!remove) this.next(`ssh ${this.args.host}`)
    }
  }
}
