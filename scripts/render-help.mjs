// Prints as JSON the help of every topic and command, and what `zt help` knows besides, the root's under "", as oclif writes it on 80 columns: it is the
// same at every run, and bin/zt.cjs shows it without loading oclif. Colours as the environment says.
import {createRequire} from 'node:module'
import path from 'node:path'
import {Config, settings} from '@oclif/core'

settings.enableAutoTranspile = false
const root = path.resolve(import.meta.dirname, '..')
const {HELP_TOPICS, ZtHelp} = createRequire(import.meta.url)(path.join(root, 'dist', 'oclif.cjs'))
const config = await Config.load({root})
// What the machine that shows it puts in.
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
