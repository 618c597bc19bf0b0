#!/usr/bin/env node
// CommonJS, as node starts that some milliseconds sooner.
'use strict'
// node's own answer to SIGUSR1 is a debugger, on a port that every user of this machine can reach (docs/security.md).
process.on('SIGUSR1', () => undefined)
if (!process.execArgv.some((word) => word.startsWith('--inspect'))) {
  // One that was opened before this line; node asks for it three times, the last time when its loop has begun.
  process._debugEnd()
  setImmediate(() => {
    process._debugEnd()
    setImmediate(() => process._debugEnd())
  })
}
const path = require('node:path')

const root = path.dirname(__dirname)

const {NODE_DEBUG, NODE_DEBUG_NATIVE, NODE_OPTIONS} = process.env
const [topic, command] = process.argv.slice(2)

// An error's text may hold anything. Until what is loaded takes over, only its kind is printed.
process.on('uncaughtException', crash)
process.on('unhandledRejection', crash)

/** What is still to come to an end. */
let unsettled = 0

// Nothing is left that could settle it: node would end with 0, as if all had been done.
process.on('beforeExit', () => {
  if (unsettled === 0) return
  unsettled = 0
  process.exitCode = 1
  console.error('error: zt stopped before it had finished')
  console.error(
    'why:   An answer that it waited for can no longer come. What it was doing may be done or not.',
  )
  if (topic === 'token') console.error('next:  zt token recover')
})

// node would print or write what it holds: see start-again.js, and docs/security.md. Quotes and backslashes may take any
// of these apart.
const spies = /report|heap|abort|tls|inspect|insecure|config|["\\]/
if (NODE_DEBUG || NODE_DEBUG_NATIVE || (NODE_OPTIONS && spies.test(NODE_OPTIONS))) {
  import('./start-again.js').then(({startAgain}) => startAgain(__filename)).then(start)
} else {
  start()
}

/** @param {Promise<void>} work what this process is for */
function untilDone(work) {
  unsettled++
  work.finally(() => unsettled--)
}

function start() {
  const words = process.argv.slice(2)
  if (topic === '__complete') {
    // A shell at TAB (docs/completion.md). Words that ask for help are not asked of this one.
    const {main} = require('../dist/complete/complete.cjs')
    const loadWords = () => require('../dist/complete/words.json')
    return main(words.slice(1), {loadWords, loadZt: () => require('./load-bundle.cjs')(process.env)})
  }
  const help =
    words.length === 0 || topic === 'help' || words.some(isHelp) ? require('./help.cjs')(words) : undefined
  if (help !== undefined) {
    say(help)
  } else if (topic === 'ssh' && command === 'proxy' && !words.some(isHelp)) {
    // ssh waits for this one: straight to the tunnel, no framework (docs/architecture.md).
    untilDone(
      load(() => loadCompiled('proxy/proxy-main.cjs'))
        .then(({main}) => main(process.argv.slice(4)))
        .then((code) => {
          process.exitCode = code
        }),
    )
  } else if (topic === 'ssh' && /[.@]/.test(command) && !words.some(isHelp)) {
    // A host: where nothing is to be asked or said, ssh runs without the framework.
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

/** Not by process.stdout where that can be helped: making it takes 4 ms, a seventh of the whole run. */
function say(text) {
  const {writeSync} = require('node:fs')
  let left = Buffer.from(text)
  try {
    // A console of Windows' takes text, and no bytes.
    while (process.platform !== 'win32' && left.length > 0) left = left.subarray(writeSync(1, left))
    if (left.length === 0) return
  } catch (error) {
    if (error.code !== 'EAGAIN') return notWritten(error)
  }
  process.stdout.on('error', notWritten)
  process.stdout.write(left)
}

function notWritten({code}) {
  // Whoever reads it has read enough.
  if (code === 'EPIPE') process.exit(141)
  console.error(`error: Cannot write stdout (${code})`)
  process.exit(2)
}

/** @param ended what ran without it and is to be explained */
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
    const missing = ['ENOENT', 'ERR_MODULE_NOT_FOUND', 'MODULE_NOT_FOUND'].includes(error?.code)
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
  const code = /^[A-Z][A-Z0-9_]{1,39}$/.test(error?.code) ? error.code : 'Error'
  console.error(`error: zt could not start (${code})\nnext:  Install it again`)
  process.exit(1)
}
