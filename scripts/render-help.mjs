// Prints the help of every topic and command, and of the other topics of `zt help`, as JSON (the root's under ""), as oclif
// writes it in 80 columns. It is the same in every run, so bin/zt.cjs shows it without loading oclif. Colours depend on the
// environment.
import {createRequire} from 'node:module'
import path from 'node:path'
import {Config, settings} from '@oclif/core'

settings.enableAutoTranspile = false
const root = path.resolve(import.meta.dirname, '..')
const {HELP_TOPICS, ZtHelp} = createRequire(import.meta.url)(path.join(root, 'dist', 'oclif.cjs'))
const config = await Config.load({root})
// Placeholders that the machine which shows the help fills in.
config.userAgent = config.userAgent.replace(/ .*/, ' %NODE%')
const texts = {}
const names = [...config.topics, ...HELP_TOPICS].map(({name}) => name)
for (const id of new Set(['', ...names, ...config.commandIDs])) {
  const help = new ZtHelp(config)
  const lines = []
  help.log = (...words) => lines.push(words.join(' '))
  await help.showHelp(id === '' ? [] : id.split(':'))
  texts[id.replaceAll(':', ' ')] = `${lines.join('\n')}\n`
}
process.stdout.write(JSON.stringify(texts))
