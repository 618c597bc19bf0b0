'use strict'
const fs = require('node:fs')

/**
 * The requested help, if scripts/render-help.mjs has written it: in 80 columns, for anyone. Undefined leaves it to the
 * framework: for narrower terminals, forced colours, and words that name no command.
 *
 * @param {string[]} words of the command line
 * @returns {string | undefined}
 */
module.exports = function helpFor(words) {
  const asked =
    words[0] === 'help' ? words.slice(1) : words.filter((word) => word !== '--help' && word !== '-h')
  // `zt` alone; or one --help and otherwise only names.
  if (words[0] !== 'help' && words.length > 0 && asked.length !== words.length - 1) return undefined
  if (asked.some((word) => word.startsWith('-'))) return undefined
  const {FORCE_COLOR, COLORTERM, NO_COLOR, OCLIF_COLUMNS, TERM} = process.env
  if (FORCE_COLOR !== undefined || OCLIF_COLUMNS !== undefined) return undefined
  // Only a device can be a terminal; a real test loads all of node's net, 2 ms.
  const terminal = isDevice(1) && require('node:tty').isatty(1)
  if (terminal && process.stdout.columns < 80) return undefined
  const coloured = terminal && !NO_COLOR && TERM !== 'dumb' && (COLORTERM || TERM)
  try {
    const texts = coloured ? require('../dist/help/coloured.json') : require('../dist/help/plain.json')
    if (!Object.hasOwn(texts, asked.join(' '))) return undefined
    return texts[asked.join(' ')].replace(
      '%NODE%',
      `${process.platform}-${process.arch} node-${process.version}`,
    )
  } catch {
    return undefined
  }
}

function isDevice(descriptor) {
  try {
    return fs.fstatSync(descriptor).isCharacterDevice()
  } catch {
    return false
  }
}
