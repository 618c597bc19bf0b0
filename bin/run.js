#!/usr/bin/env node
import {createRequire} from 'node:module'
import {fileURLToPath} from 'node:url'

const {NODE_DEBUG, NODE_DEBUG_NATIVE, NODE_OPTIONS} = process.env
// node would print or write what it holds: see start-again.js, and docs/security.md.
if (NODE_DEBUG || NODE_DEBUG_NATIVE || (NODE_OPTIONS && /report|heap|abort|tls/.test(NODE_OPTIONS))) {
  const {startAgain} = await import('./start-again.js')
  await startAgain(fileURLToPath(import.meta.url))
}

// An error's text may hold anything. Until what is loaded takes over, only its kind is printed.
process.on('uncaughtException', crash)
process.on('unhandledRejection', crash)

const [topic, command] = process.argv.slice(2)
const asksForHelp = process.argv.some((word) => word === '--help' || word === '-h')

if (topic === 'ssh' && command === 'proxy' && !asksForHelp) {
  // ssh waits for this one: straight to the tunnel, no framework (docs/architecture.md).
  const {main} = await load('../dist/proxy/proxy-main.js')
  process.exitCode = await main(process.argv.slice(4))
} else if (process.argv.length === 3 && (topic === '--version' || topic === '-V')) {
  const {name, version} = createRequire(import.meta.url)('../package.json')
  console.log(`${name}/${version} ${process.platform}-${process.arch} node-${process.version}`)
} else {
  const {main} = await load('../dist/lib/cli/main.js')
  await main(fileURLToPath(new URL('..', import.meta.url)))
}

async function load(file) {
  try {
    return await import(file)
  } catch (error) {
    if (error?.code !== 'ERR_MODULE_NOT_FOUND') crash(error)
    console.error('error: zt is not built\nnext:  npm run build')
    process.exit(1)
  }
}

function crash(error) {
  const code = /^[A-Z][A-Z0-9_]{1,39}$/.test(error?.code) ? error.code : 'Error'
  console.error(`error: zt could not start (${code})\nnext:  Install it again`)
  process.exit(1)
}
