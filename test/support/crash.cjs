// Preloaded into zt: its first HTTP request or first access to a store fails as a library might, with a text
// that contains secrets. ZT_TEST_CRASH names a file: {"at": "http" | "store", "how": …, "text": …, "done": FILE}.
const fs = require('node:fs')

const {at, how, text, done} = JSON.parse(fs.readFileSync(process.env.ZT_TEST_CRASH, 'utf8'))

/** In every field of an error that can hold a text. */
function failure() {
  const error = new Error(`${text}\n    at ${text}\n    at ${text} (file:///x.js:1:1)`, {
    cause: new Error(text),
  })
  return Object.assign(error, {name: text, code: text, path: text, request: {headers: {authorization: text}}})
}

let over = false
function fail() {
  if (over) return
  over = true
  fs.writeFileSync(done, 'done')
  switch (how) {
    case 'thrown':
      throw failure()
    case 'thrown, and no Error':
      throw text
    case 'uncaught, later':
      setImmediate(() => {
        throw failure()
      })
      return
    case 'an unhandled rejection':
      void Promise.reject(failure())
      return
    case 'printed by a library':
      console.error(text)
      process.stderr.write(Buffer.from(text + '\n'))
      return
    case 'a warning':
      process.emitWarning(text, {type: text, code: text, detail: text})
      return
  }
}

function before(object, name, matches = () => true) {
  const original = object[name]
  object[name] = function (...args) {
    if (matches(...args)) fail()
    return original.apply(this, args)
  }
}

if (at === 'http') {
  for (const name of ['node:http', 'node:https']) before(require(name), 'request')
  before(require('node:tls'), 'connect')
} else {
  const inStore = (file) => /vault|identity/.test(String(file))
  for (const name of ['readFile', 'readdir', 'stat', 'open']) before(fs.promises, name, inStore)
}
require('node:module').syncBuiltinESMExports()
