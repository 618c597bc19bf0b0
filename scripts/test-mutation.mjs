// npm run test:mutation [-- ROOM...]: breaks the code in every way that the mutation tester knows and counts how often the
// unit tests of that room notice. Takes an hour for all rooms, so CI does not run it; docs/testing.md has the last figures.
import {spawnSync} from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import {ROOMS} from '../test/mutation/rooms.mjs'

/** The least share of mutants that a room's tests must kill, percent. */
const LEAST = 85

const root = path.resolve(import.meta.dirname, '..')
const home = path.join(root, 'test', 'mutation')
const wanted = process.argv.slice(2)
const unknown = wanted.find((room) => !Object.hasOwn(ROOMS, room))
if (unknown !== undefined) {
  console.error(`error: there is no room called ${unknown}`)
  console.error(`next:  npm run test:mutation -- ${Object.keys(ROOMS).join(' ')}`)
  process.exit(2)
}
if (run('npm', ['ci', '--ignore-scripts', '--prefix', home], process.env) !== 0) process.exit(1)

let failed = false
const lines = []
for (const room of wanted.length > 0 ? wanted : Object.keys(ROOMS)) {
  const report = path.join(root, 'coverage', `mutation-${room}.json`)
  fs.rmSync(report, {force: true})
  console.log(`\n--- ${room}`)
  const stryker = path.join(home, 'node_modules', '.bin', 'stryker')
  run(stryker, ['run', path.join(home, 'stryker.config.mjs')], {...process.env, ZT_MUTATION_ROOM: room})
  const {killed, all, survivors} = read(report)
  const score = (100 * killed) / all
  if (!(score >= LEAST)) failed = true
  lines.push(`${room}: ${killed} of ${all} mutants killed, ${score.toFixed(1)} %`)
  for (const survivor of survivors) console.log(survivor)
}
console.log(`\n${lines.join('\n')}`)
if (failed) console.log(`FAILED: a room has less than ${LEAST} %`)
process.exitCode = failed ? 1 : 0

/** How many mutants were noticed (an endless loop is noticed), and a line for each that was not. */
function read(report) {
  if (!fs.existsSync(report)) return {killed: 0, all: 0, survivors: ['No report: see above.']}
  const counts = {killed: 0, all: 0, survivors: []}
  for (const [file, {source, mutants}] of Object.entries(JSON.parse(fs.readFileSync(report, 'utf8')).files)) {
    const text = source.split('\n')
    for (const {status, location, mutatorName, replacement = ''} of mutants) {
      if (!['Killed', 'Timeout', 'Survived', 'NoCoverage'].includes(status)) continue
      counts.all++
      if (status === 'Killed' || status === 'Timeout') counts.killed++
      else {
        const at = location.start.line
        const now = replacement.replaceAll(/\s+/g, ' ').slice(0, 60)
        counts.survivors.push(`${file}:${at} ${status} ${mutatorName} → ${now} | ${text[at - 1].trim()}`)
      }
    }
  }
  return counts
}

function run(program, args, env) {
  return spawnSync(program, args, {cwd: root, env, stdio: 'inherit'}).status
}
