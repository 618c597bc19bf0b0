import {Args} from '@oclif/core'
import {completing} from '../lib/cli/completing.js'
import {BaseCommand} from '../lib/cli/base-command.js'
import {HELP_TOPICS} from '../lib/cli/help-topics.js'
import ZtHelp from '../lib/cli/help.js'

export default class HelpCommand extends BaseCommand<typeof HelpCommand> {
  static override summary = 'Show help for a command or a topic'
  static override examples = [
    '<%= config.bin %> help token create',
    '<%= config.bin %> help environment',
    '<%= config.bin %> help exit-codes --json',
  ]
  static override args = {
    command: completing(
      'command',
      Args.string({
        ignoreStdin: true,
        description: `command or topic, ${HELP_TOPICS.map(({name}) => name).join(' or ')}`,
      }),
    ),
  }
  static override strict = false
  static override profile = 'ignored' as const

  async run(): Promise<object> {
    const words = this.argv.filter((word) => !word.startsWith('-'))
    if (!this.jsonEnabled()) await new ZtHelp(this.config).showHelp(words)
    return HELP_TOPICS.find(({name}) => name === words.join(' '))?.json ?? {topic: words.join(' ')}
  }
}
