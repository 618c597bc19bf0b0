// npm run bench -- NAME [--json]
import os from 'node:os'
import * as access from './access.mjs'
import * as lists from './lists.mjs'
import * as startup from './startup.mjs'
import * as tunnel from './tunnel.mjs'

const benches = {access, lists, startup, tunnel}
const words = process.argv.slice(2)
const json = words.includes('--json')
const names = words.filter((word) => word !== '--json')
const bench = Object.hasOwn(benches, names[0] ?? '') ? benches[names[0]] : undefined

if (names.length === 0) {
  const list = Object.entries(benches).map(([name, {description}]) => ({name, description}))
  console.log(
    json
      ? JSON.stringify({benches: list}, null, 2)
      : list.map(({name, description}) => `${name.padEnd(8)}  ${description}`).join('\n'),
  )
} else if (!bench || names.length > 1) {
  console.error(`error: there is no measurement called ${names.join(' ')}`)
  console.error(`next:  npm run bench -- ${Object.keys(benches).join('|')} [--json]`)
  process.exitCode = 2
} else {
  try {
    const result = await bench.run()
    const machine = {
      node: process.version,
      platform: `${process.platform}-${process.arch}`,
      cpus: os.availableParallelism(),
    }
    console.log(
      json
        ? JSON.stringify({bench: names[0], ...machine, ...result}, null, 2)
        : `${bench.description}\nnode ${machine.node}, ${machine.platform}, ${machine.cpus} CPUs\n\n${bench.text(result)}`,
    )
  } catch (error) {
    console.error(`error: ${error.message}`)
    process.exitCode = 1
  }
}
