import fs from 'node:fs/promises'
import {bePatient} from '../../src/lib/core/patience.js'
import {contractsOf, OWN_STORES} from '../secrets/own-stores.js'
import {results} from './vitest-here.js'

/** Runs on node for arm64, bundled with vitest-here.ts as vitest. argv: where to write the results. */
bePatient('40')
// A store starts no process here or one at a time, but each takes a second: few random values.
contractsOf(OWN_STORES.map((store) => ({...store, runs: 0})))
await fs.writeFile(process.argv[2] ?? '', JSON.stringify({arch: process.arch, results: await results()}))
