#!/usr/bin/env node
// Runs the TypeScript sources without a build or a manifest.
'use strict'
require('./needs-node.cjs')
const {readFileSync} = require('node:fs')
const path = require('node:path')

// As in zt.cjs.
process.on('SIGUSR1', () => undefined)
const root = path.dirname(__dirname)
const words = process.argv.slice(2)
const [topic, command] = words
run()

async function run() {
  const {register} = await import('tsx/esm/api')
  const {sourceFacts} = await import('../scripts/build-facts.mjs')
  register()
  globalThis[Symbol.for('zt.origin')] = {kind: 'development', facts: () => sourceFacts(root)}
  if (topic === 'ssh' && command === 'proxy' && !words.includes('--help')) {
    const {main} = await import('../src/lib/tunnel/proxy/main.ts')
    process.exitCode = await main(process.argv.slice(4))
  } else if (words.includes('--json') && words.some((word) => word === '--version' || word === '-V')) {
    const {versionReport} = await import('../src/lib/system/build-facts.ts')
    console.log(JSON.stringify({...versionReport(), warnings: []}, null, 2))
  } else {
    const {main} = await import('../src/lib/cli/main.ts')
    await main(root, {root, ignoreManifest: true, pjson: sourcesAsCommands()})
  }
}

function sourcesAsCommands() {
  const pjson = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'))
  return {
    ...pjson,
    oclif: {
      ...pjson.oclif,
      commands: {strategy: 'pattern', target: './src/commands'},
      helpClass: './src/lib/cli/help.ts',
      hooks: {command_not_found: './src/lib/cli/command-not-found.ts'},
    },
  }
}
