#!/usr/bin/env node
// Runs the TypeScript sources without a build or a manifest.
import {readFileSync} from 'node:fs'
import {fileURLToPath} from 'node:url'
import {register} from 'tsx/esm/api'
import {sourceFacts} from '../scripts/build-facts.mjs'

// As in zt.cjs.
process.on('SIGUSR1', () => undefined)
register()
const root = fileURLToPath(new URL('..', import.meta.url))
globalThis[Symbol.for('zt.origin')] = {kind: 'development', facts: () => sourceFacts(root)}
const words = process.argv.slice(2)
const [topic, command] = words
if (topic === 'ssh' && command === 'proxy' && !process.argv.includes('--help')) {
  const {main} = await import('../src/lib/tunnel/proxy/main.ts')
  process.exitCode = await main(process.argv.slice(4))
} else if (words.includes('--json') && words.some((word) => word === '--version' || word === '-V')) {
  const {versionReport} = await import('../src/lib/system/build-facts.ts')
  console.log(JSON.stringify({...versionReport(), warnings: []}, null, 2))
} else {
  const {main} = await import('../src/lib/cli/main.ts')
  const pjson = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))
  await main(root, {
    root,
    ignoreManifest: true,
    pjson: {
      ...pjson,
      oclif: {
        ...pjson.oclif,
        commands: {strategy: 'pattern', target: './src/commands'},
        helpClass: './src/lib/cli/help.ts',
        hooks: {command_not_found: './src/lib/cli/command-not-found.ts'},
      },
    },
  })
}
