// Preloaded into every node process of a test (NODE_OPTIONS=--require): records what each child is given. The file's name
// is in an environment variable that all of them inherit.
const childProcess = require('node:child_process')
const {appendFileSync} = require('node:fs')

const file = process.env.ZT_TEST_RECORD
const note = ({file: program, args = [], envPairs = []}) => {
  if (file)
    appendFileSync(file, JSON.stringify({program, args: args.map(String), env: envPairs.map(String)}) + '\n')
}

const {spawn} = childProcess.ChildProcess.prototype
childProcess.ChildProcess.prototype.spawn = function (options) {
  note(options)
  return spawn.call(this, options)
}

for (const name of ['spawnSync', 'execFileSync', 'execSync']) {
  const original = childProcess[name]
  childProcess[name] = function (program, ...rest) {
    const options = rest.find((one) => typeof one === 'object' && one !== null && !Array.isArray(one))
    const env = Object.entries(options?.env ?? process.env).map(([key, value]) => `${key}=${value}`)
    note({file: program, args: rest.find(Array.isArray) ?? [], envPairs: env})
    return original.call(this, program, ...rest)
  }
}
require('node:module').syncBuiltinESMExports()
