#!/usr/bin/env node
import {createRequire} from 'node:module'
import {fileURLToPath} from 'node:url'

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
    if (error?.code !== 'ERR_MODULE_NOT_FOUND') throw error
    console.error('error: zt is not built\nnext:  npm run build')
    process.exit(1)
  }
}
