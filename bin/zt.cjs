#!/usr/bin/env node
// CommonJS, because node starts it some milliseconds faster.
'use strict'
require('./needs-node.cjs')
// node answers SIGUSR1 with a debugger, on a port that every user of this machine can reach (docs/explanation/security.md).
process.on('SIGUSR1', () => undefined)
if (!process.execArgv.some((word) => word.startsWith('--inspect'))) {
  // Closes one that was opened before this line; node checks three times, the last time after its loop has begun.
  process._debugEnd()
  setImmediate(() => {
    process._debugEnd()
    setImmediate(() => process._debugEnd())
  })
}
const path = require('node:path')

const root = path.dirname(__dirname)

const {NODE_DEBUG, NODE_DEBUG_NATIVE, NODE_OPTIONS, NODE_EXTRA_CA_CERTS = ''} = process.env
const [topic, command] = process.argv.slice(2)

// An error's text may hold any data. Until the loaded code takes over, only its code is printed.
process.on('uncaughtException', crash)
process.on('unhandledRejection', crash)

/** How many tasks have not ended yet. */
let unsettled = 0

// Nothing can settle them any more. Node would exit with 0, as if everything had been done.
process.on('beforeExit', () => {
  if (unsettled === 0) return
  unsettled = 0
  process.exitCode = 1
  console.error('error: zt stopped before it was finished')
  console.error(
    'why:   It waited for an answer that can no longer arrive. The operation may or may not have been done.',
  )
  if (topic === 'token') console.error('next:  zt token recover')
})

// These make node print or write its data, or trust what others may have put on the drive: see start-again.js and docs/explanation/security.md. Quotes and backslashes may split
// any of these words.
const spies = /report|heap|abort|tls|inspect|insecure|config|["\\]/
const ofTheDrive =
  process.platform === 'win32' && /^(?:[\\/](?![\\/])|[A-Za-z]:(?![\\/]))/.test(NODE_EXTRA_CA_CERTS)
if (NODE_DEBUG || NODE_DEBUG_NATIVE || (NODE_OPTIONS && spies.test(NODE_OPTIONS)) || ofTheDrive) {
  import('./start-again.js').then(({startAgain}) => startAgain(__filename)).then(start)
} else {
  start()
}

/** @param {Promise<void>} work the task of this process */
function untilDone(work) {
  unsettled++
  work.finally(() => unsettled--)
}

function start() {
  const words = process.argv.slice(2)
  if (topic === '__complete') {
    // A shell completes a word (docs/how-to/completion.md). --help among the words is not for this command.
    const {main} = require('../dist/complete/complete.cjs')
    const loadWords = () => require('../dist/complete/words.json')
    return main(words.slice(1), {loadWords, loadZt: () => require('./load-bundle.cjs')(process.env)})
  }
  const help =
    words.length === 0 || topic === 'help' || words.some(isHelp) ? require('./help.cjs')(words) : undefined
  if (help !== undefined) {
    say(help)
  } else if (topic === 'ssh' && command === 'proxy' && !words.some(isHelp)) {
    // ssh waits for this command, so it goes straight to the tunnel, without the framework (docs/architecture.md).
    untilDone(
      load(() => loadCompiled('proxy/proxy-main.cjs'))
        .then(({main}) => main(process.argv.slice(4)))
        .then((code) => {
          process.exitCode = code
        }),
    )
  } else if (topic === 'access' && /^(ssh|tcp|rdp|smb)$/.test(command) && !words.some(isHelp)) {
    // The same, by a command line of cloudflared's; with a listener it is no such connection.
    untilDone(
      load(() => loadCompiled('proxy/proxy-main.cjs'))
        .then(({main, quickProxyLine}) => {
          const line = quickProxyLine(process.argv.slice(4), process.env)
          return line ? main(line.words, line.notes) : framework()
        })
        .then((code) => {
          if (code !== undefined) process.exitCode = code
        }),
    )
  } else if (topic === 'ssh' && /[.@]/.test(command) && !words.some(isHelp)) {
    // A host: if zt has nothing to ask or say, ssh runs without the framework.
    untilDone(
      load(() => loadCompiled('proxy/quick-ssh.cjs'))
        .then(({quickSsh}) => quickSsh(process.argv.slice(3), {root, env: process.env, cwd: process.cwd()}))
        .then((quick) => {
          if (!quick || quick.end.report) return framework(quick)
          process.exitCode = quick.end.exitCode
          if (quick.end.signal) process.kill(process.pid, quick.end.signal)
        }),
    )
  } else if (words.length === 1 && isVersion(topic)) {
    const {name, version} = require('../package.json')
    say(`${name}/${version} ${process.platform}-${process.arch} node-${process.version}\n`)
  } else if (words.includes('--json') && words.every(isVersionOrGlobal) && words.some(isVersion)) {
    load(() => require('../dist/version/build-facts.cjs')).then(({versionReport}) => {
      say(`${JSON.stringify({...versionReport(), warnings: []}, null, 2)}\n`)
    })
  } else {
    untilDone(framework())
  }
}

/** Avoids process.stdout if possible: creating it takes 4 ms, a seventh of the whole run. */
function say(text) {
  const {writeSync} = require('node:fs')
  let left = Buffer.from(text)
  try {
    // A Windows console accepts text but not bytes.
    while (process.platform !== 'win32' && left.length > 0) left = left.subarray(writeSync(1, left))
    if (left.length === 0) return
  } catch (error) {
    if (error.code !== 'EAGAIN') return notWritten(error)
  }
  process.stdout.on('error', notWritten)
  process.stdout.write(left)
}

function notWritten({code}) {
  // The reader has read enough, or the terminal is gone.
  if (code === 'EPIPE' || code === 'EIO') process.exit(141)
  console.error(`error: Cannot write stdout (${code})`)
  process.exit(13)
}

/** @param ended the ssh that ran without the framework, and whose end it explains */
async function framework(ended) {
  if (ended) globalThis[Symbol.for('zt.ssh.ended')] = ended
  const {main} = await load(() => require('./load-bundle.cjs')(process.env))
  await main(root)
}

/** @param {string} part of dist/ */
function loadCompiled(part) {
  return require('./load-bundle.cjs').loadCompiled(part, process.env)
}

async function load(part) {
  try {
    return await part()
  } catch (error) {
    const missing = ['ENOENT', 'ERR_MODULE_NOT_FOUND', 'MODULE_NOT_FOUND'].includes(codeOf(error))
    if (!missing || !require('node:fs').existsSync(path.join(root, 'src'))) crash(error)
    console.error('error: zt is not built\nnext:  npm run build')
    process.exit(1)
  }
}

function isVersion(word) {
  return word === '--version' || word === '-V'
}

function isVersionOrGlobal(word) {
  return isVersion(word) || word === '--json' || word === '--no-input'
}

function isHelp(word) {
  return word === '--help' || word === '-h'
}

function crash(error) {
  const code = /^[A-Z][A-Z0-9_]{1,39}$/.test(codeOf(error)) ? codeOf(error) : 'Error'
  console.error(`error: zt could not start (${code})\nnext:  Install it again`)
  process.exit(1)
}

/** An old node does not read `?.`, and must read this file up to its first line. */
function codeOf(error) {
  return error && error.code
}
