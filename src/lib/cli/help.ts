import {Help, CommandHelp, type Command} from '@oclif/core'

/** oclif's help with the examples first: what people look for. */
class ExamplesFirst extends CommandHelp {
  protected override sections(): ReturnType<CommandHelp['sections']> {
    const sections = super.sections()
    const rank = (header: string): number => ['USAGE', 'EXAMPLES'].indexOf(header) + 1 || Infinity
    return [...sections].sort((a, b) =>
      rank(a.header) === rank(b.header) ? 0 : rank(a.header) - rank(b.header),
    )
  }
}

export default class ZtHelp extends Help {
  protected override CommandHelpClass = ExamplesFirst

  protected override getCommandHelpClass(command: Command.Loadable): CommandHelp {
    return new ExamplesFirst(command, this.config, this.opts)
  }
}
