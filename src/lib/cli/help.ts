import type {Command} from '@oclif/core'
import {CommandHelp, Help} from '@oclif/core/help'
import {dashesInUsage, type BehindDashes} from './behind-dashes.js'
import {HELP_TOPICS} from './help-topics.js'
import {shown} from './styled.js'

/** oclif's help with the examples first, which people look for. */
class ExamplesFirst extends CommandHelp {
  protected override sections(): ReturnType<CommandHelp['sections']> {
    const sections = super.sections()
    const rank = (header: string): number => ['USAGE', 'EXAMPLES'].indexOf(header) + 1 || Infinity
    return [...sections].sort((a, b) =>
      rank(a.header) === rank(b.header) ? 0 : rank(a.header) - rank(b.header),
    )
  }

  protected override defaultUsage(): string {
    const behind = this.command['behindDashes'] as BehindDashes | undefined
    return [super.defaultUsage(), ...(behind ? [dashesInUsage(behind)] : [])].join(' ')
  }

  /** An empty list is not shown as a default. */
  protected override flags(flags: Parameters<CommandHelp['flags']>[0]): ReturnType<CommandHelp['flags']> {
    const isEmpty = (value: unknown): boolean => Array.isArray(value) && value.length === 0
    return super.flags(flags.map((flag) => (isEmpty(flag.default) ? {...flag, default: undefined} : flag)))
  }
}

export default class ZtHelp extends Help {
  protected override CommandHelpClass = ExamplesFirst

  protected override getCommandHelpClass(command: Command.Loadable): CommandHelp {
    return new ExamplesFirst(command, this.config, this.opts)
  }

  override async showHelp(argv: string[]): Promise<void> {
    const words = argv.filter((word) => word !== 'help' && !word.startsWith('-'))
    const topic = HELP_TOPICS.find(({name}) => name === words.join(' '))
    if (topic) this.log(topic.text(this.opts.maxWidth).map(shown).join('\n'))
    else await super.showHelp(argv)
  }

  protected override async showRootHelp(): Promise<void> {
    await super.showRootHelp()
    const rows = HELP_TOPICS.map(({name, summary}): [string, string] => [
      `${this.config.bin} help ${name}`,
      summary,
    ])
    const list = this.renderList(rows, {
      indentation: 2,
      spacer: '\n',
      stripAnsi: this.opts.stripAnsi ?? false,
    })
    this.log(this.section('MORE HELP', list))
    this.log('')
  }
}
