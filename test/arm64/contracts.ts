import fs from 'node:fs/promises'
import {bePatient} from '../../src/lib/core/patience.js'
import {contractsOf, OWN_STORES} from '../secrets/own-stores.js'
import {results} from './vitest-here.js'

/**
 * Runs on node for arm64, bundled with vitest-here.ts as vitest. argv: where to write the results, and this machine's own
 * node, for the helper: starting qemu each time would take a minute.
 */
const [, , file = '', node] = process.argv
bePatient('40')
contractsOf(
  OWN_STORES.map((store) => ({...store, runs: 0})),
  node,
)
await fs.writeFile(file, JSON.stringify({arch: process.arch, results: await results()}))
