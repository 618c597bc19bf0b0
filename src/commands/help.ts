import {Args} from '@oclif/core'
import {BaseCommand} from '../lib/cli/base-command.js'
import ZtHelp from '../lib/cli/help.js'
import {style} from '../lib/cli/streams.js'
import {table} from '../lib/cli/table.js'
import {EXIT_CODES} from '../lib/core/exit-codes.js'

export default class HelpCommand extends BaseCommand<typeof HelpCommand> {
  static override summary = 'Show help for a command, or the exit codes'
  static override examples = [
    '<%= config.bin %> help token create',
    '<%= config.bin %> help exit-codes',
    '<%= config.bin %> help exit-codes --json',
  ]
  static override args = {
    command: Args.string({ignoreStdin: true, description: 'a topic or command; or exit-codes'}),
  }
  static override strict = false
  protected override readonly makesProfile = true

  async run(): Promise<object> {
    const words = this.argv.filter((word) => !word.startsWith('-'))
    if (words[0] === 'exit-codes') {
      this.print(
        table(EXIT_CODES, [
          {title: 'CODE', value: (row) => style.bold(String(row.code))},
          {title: 'KIND', value: (row) => row.name},
          {title: 'MEANING', value: (row) => row.meaning, wraps: true},
        ]),
      )
      this.print('\n`zt ssh` ends with the status of ssh itself (255 when ssh could not connect).')
      return {exitCodes: EXIT_CODES}
    }
    if (!this.jsonEnabled()) await new ZtHelp(this.config).showHelp(words)
    return {topic: words.join(' ')}
  }
}
