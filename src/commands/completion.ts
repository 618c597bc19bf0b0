import path from 'node:path'
import {Args} from '@oclif/core'
import {BaseCommand} from '../lib/cli/base-command.js'
import {style} from '../lib/cli/streams.js'
import {COMPLETED, INSTALLING, SCRIPTS, type Completed} from '../lib/completion/scripts.js'

export default class Completion extends BaseCommand<typeof Completion> {
  static override summary = 'Print the completion script for bash, zsh, fish or PowerShell'
  static override description =
    'Completes commands, flags, and the names of service tokens, applications, Access groups, policies, profiles and hosts. Names come from a cache that is at most five minutes old. ZT_COMPLETION_NAMES=off turns them off. Without an argument, the command says how to install the script.'
  static override examples = [
    {description: 'Show how to install it for your shell', command: '<%= config.bin %> completion'},
    {description: 'bash: in ~/.bashrc', command: 'source <(<%= config.bin %> completion bash)'},
    {
      description: 'bash, once, with the package bash-completion',
      command:
        '<%= config.bin %> completion bash > ~/.local/share/bash-completion/completions/<%= config.bin %>',
    },
    {
      description: 'zsh: in ~/.zshrc, after compinit',
      command: 'source <(<%= config.bin %> completion zsh)',
    },
    {
      description: 'zsh, once, into a directory of $fpath',
      command: '<%= config.bin %> completion zsh > ~/.zsh/completions/_<%= config.bin %>',
    },
    {
      description: 'fish, once',
      command: '<%= config.bin %> completion fish > ~/.config/fish/completions/<%= config.bin %>.fish',
    },
    {
      description: 'PowerShell: in the file that $PROFILE names',
      command: '<%= config.bin %> completion powershell | Out-String | Invoke-Expression',
    },
  ]
  static override args = {
    shell: Args.option({
      description: 'bash, zsh, fish or powershell',
      options: COMPLETED,
      ignoreStdin: true,
    })(),
  }
  // The shells ask at TAB (`zt __complete`).
  static asks = {tries: ['listServiceTokens', 'listApplications', 'listGroups', 'listPolicies']} as const
  static override profile = 'ignored' as const

  async run(): Promise<object> {
    const {shell} = this.args
    if (shell) {
      this.print(SCRIPTS[shell].trimEnd().split('\n'))
      return {shell, script: SCRIPTS[shell]}
    }
    const own = COMPLETED.find((one) => one === path.basename(process.env['SHELL'] ?? ''))
    this.print(own ? howTo(own) : COMPLETED.flatMap((one, at) => [...(at === 0 ? [] : ['']), ...howTo(one)]))
    return {shell: own ?? null, install: own ? INSTALLING[own] : INSTALLING}
  }
}

function howTo(shell: Completed): string[] {
  return [style.heading(shell), ...INSTALLING[shell].map((line) => `  ${inColour(line)}`)]
}

function inColour(line: string): string {
  return line.startsWith('#') ? style.secondary(line) : style.command(line)
}
