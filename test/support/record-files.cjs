// Preloaded into every node process of a test (NODE_OPTIONS=--require): records each file below ZT_TEST_BELOW that is opened
// for reading, in the file ZT_TEST_RECORD.
const fs = require('node:fs')
const path = require('node:path')

const {ZT_TEST_RECORD: record, ZT_TEST_BELOW: below} = process.env
const append = fs.appendFileSync
const {O_WRONLY, O_CREAT} = fs.constants
let busy = false

function note(file, flags = 'r') {
  const reads = typeof flags === 'number' ? (flags & (O_WRONLY | O_CREAT)) === 0 : /^r/.test(String(flags))
  if (busy || !record || !below || !reads || typeof file !== 'string') return
  const relative = path.relative(below, path.resolve(file))
  if (relative.startsWith('..')) return
  busy = true
  append(record, `${JSON.stringify(relative)}\n`)
  busy = false
}

for (const [object, names] of [
  [fs, ['open', 'openSync']],
  [fs.promises, ['open']],
]) {
  for (const name of names) {
    const original = object[name]
    object[name] = function (file, flags, ...rest) {
      note(file, typeof flags === 'function' ? 'r' : flags)
      return original.call(this, file, flags, ...rest)
    }
  }
}
for (const [object, names] of [
  [fs, ['readFile', 'readFileSync', 'createReadStream']],
  [fs.promises, ['readFile']],
]) {
  for (const name of names) {
    const original = object[name]
    object[name] = function (file, ...rest) {
      note(file)
      return original.call(this, file, ...rest)
    }
  }
}
require('node:module').syncBuiltinESMExports()
