// Builds dist-executable/zt: node with zt in it, one file for Linux (docs/how-to/executable.md). It takes what `npm run build`
// made, and the node of executable/package-lock.json or of --node PATH. --out FILE writes to another place.
import {execFileSync, spawnSync} from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import {parseArgs} from 'node:util'
import {build} from 'esbuild'

/** The first node that writes the executable itself, without another tool. */
const OLDEST = [26, 0]
const root = path.resolve(import.meta.dirname, '..')
const at = (...parts) => path.join(root, ...parts)
const platform = `linux-${process.arch}`
/** What commands that a user waits for load at once; the rest is compiled when it is used. */
const COMPILED = ['dist/proxy/proxy-main.cjs', 'dist/proxy/quick-ssh.cjs', 'dist/keychain/child.cjs']
const BUNDLE = 'dist/zt/zt.cjs'

const {values} = parseArgs({options: {node: {type: 'string'}, out: {type: 'string'}}})
const out = path.resolve(values.out ?? at('dist-executable', 'zt'))
const node = path.resolve(values.node ?? at('executable', 'node_modules', `node-${platform}`, 'bin', 'node'))

if (process.platform !== 'linux') refuse('The executable is for Linux, and is built there')
if (!fs.existsSync(at(BUNDLE))) refuse('zt is not built', 'npm run build')
if (!fs.existsSync(node)) refuse(`There is no node at ${node}`, 'npm ci --prefix executable, or --node PATH')
const version = execFileSync(node, ['--version'], {encoding: 'utf8', env: cleanEnvironment()}).trim()
const [major, minor] = version.slice(1).split('.').map(Number)
if (major < OLDEST[0] || (major === OLDEST[0] && minor < OLDEST[1]))
  refuse(`node ${version} cannot write executables`, `--node PATH of node ${OLDEST.join('.')} or newer`)

fs.mkdirSync(path.dirname(out), {recursive: true})
// Takes some 350 MB for a moment, which would be memory if /tmp is a tmpfs.
const work = fs.mkdtempSync(`${out}-`)
try {
  await make()
} finally {
  fs.rmSync(work, {recursive: true, force: true})
}
const mib = (fs.statSync(out).size / 1024 / 1024).toFixed(0)
console.log(`${path.relative(process.cwd(), out)}: ${mib} MiB, ${platform}, node ${version}`)

async function make() {
  await build({
    absWorkingDir: root,
    entryPoints: ['executable/main.cjs'],
    outfile: path.join(work, 'main.cjs'),
    bundle: true,
    platform: 'node',
    target: 'node26',
    format: 'cjs',
    supported: {'dynamic-import': false},
    logLevel: 'warning',
    banner: {js: "const zt$bin=require('node:path').join(process.execPath,'bin');"},
    // bin/zt.cjs finds the package with the one, and restarts itself with the other.
    define: {__dirname: 'zt$bin', __filename: 'undefined'},
    plugins: [{name: 'parts', setup: partsInstead}],
  })
  const assets = {}
  for (const name of [...list('dist'), 'package.json', 'oclif.manifest.json'])
    if (!name.endsWith('.map') && !name.startsWith('dist/man/')) assets[name] = at(name)
  assets['keytar.node'] = at('node_modules', 'keytar', 'prebuilds', platform, 'keytar.node')
  for (const name of COMPILED) assets[`${name}.code`] = compile(name)
  assets[`${BUNDLE}.code`] = compileBundle()
  const config = {
    main: path.join(work, 'main.cjs'),
    executable: stripped(),
    output: path.join(work, 'zt'),
    disableExperimentalSEAWarning: true,
    useCodeCache: true,
    // docs/how-to/executable.md, Switches of node. Node refuses NODE_USE_SYSTEM_CA=1 together with the first, unless it has the second.
    execArgv: ['--use-openssl-ca', '--no-use-system-ca', '--disable-sigusr1'],
    execArgvExtension: 'none',
    assets,
  }
  const file = path.join(work, 'sea.json')
  fs.writeFileSync(file, JSON.stringify(config))
  run(['--build-sea', file])
  fs.chmodSync(config.output, 0o755)
  // A process that runs the old one continues with it.
  fs.renameSync(config.output, out)
  const licences = {
    'LICENSE.node': path.join(path.dirname(node), '..', 'LICENSE'),
    'THIRD-PARTY-LICENSES.txt': at('dist', 'THIRD-PARTY-LICENSES.txt'),
  }
  for (const [name, file] of Object.entries(licences))
    if (fs.existsSync(file)) fs.copyFileSync(file, path.join(path.dirname(out), name))
}

/** Makes bin/ read from the executable what it reads from the package's files. */
function partsInstead({onResolve, onLoad}) {
  onResolve({filter: /^\.\/load-bundle\.cjs$/}, () => ({path: at('executable', 'load-bundle.cjs')}))
  onResolve({filter: /^\.\.\/dist\//}, ({path: name}) => ({
    path: name.slice('../'.length),
    namespace: 'part',
  }))
  onLoad({filter: /.*/, namespace: 'part'}, ({path: name}) => ({
    resolveDir: root,
    contents: `module.exports = require('./executable/parts.cjs').loadPart(${JSON.stringify(name)})`,
  }))
}

/** Compiled by the node that will read it, with all functions. */
function compile(name) {
  const file = path.join(work, `${path.basename(name)}.code`)
  const program = `
    const [source, target] = process.argv.slice(1)
    const {seal} = require(${JSON.stringify(at('bin', 'sealed-code.cjs'))})
    const bytes = require('fs').readFileSync(source)
    const text = bytes.toString('utf8')
    const v8 = require('v8')
    v8.setFlagsFromString('--no-lazy')
    const script = new (require('vm').Script)(
      \`(function (exports, require, module, __filename, __dirname) {\${text}\\n})\`)
    v8.setFlagsFromString('--lazy')
    require('fs').writeFileSync(target, seal(bytes, script.createCachedData()))`
  run(['-e', program, at(name), file])
  return file
}

/**
 * Most functions of the bundle belong to other commands. The code has only those that a command used, so that there is
 * less to read. bin/load-bundle.cjs leaves it in the cache.
 */
function compileBundle() {
  const env = {...cleanEnvironment(), HOME: work, CLOUDFLARE_API_TOKEN: 'none'}
  for (const kind of ['CONFIG', 'DATA', 'STATE', 'CACHE']) env[`XDG_${kind}_HOME`] = path.join(work, kind)
  // Nothing listens there, so it fails; until then it uses what every command that asks the API uses.
  const profile = {apiUrl: 'http://127.0.0.1:9', accountId: '0'.repeat(32)}
  fs.mkdirSync(path.join(work, 'CONFIG', 'zt'), {recursive: true, mode: 0o700})
  fs.writeFileSync(
    path.join(work, 'CONFIG', 'zt', 'config.json'),
    JSON.stringify({version: 1, profiles: {build: profile}}),
    {mode: 0o600},
  )
  const args = [at('bin', 'zt.cjs'), 'token', 'list', '--profile', 'build']
  const {stderr} = spawnSync(node, args, {env, cwd: work, encoding: 'utf8'})
  if (!stderr.includes('127.0.0.1')) throw new Error(`the bundle did not run as it should:\n${stderr}`)
  const directory = path.join(work, 'CACHE', 'zt', 'code')
  return path.join(directory, fs.readdirSync(directory)[0])
}

/** Removes the names of inner functions, a fifth of the file; leaves it as it is without strip. */
function stripped() {
  const file = path.join(work, 'node')
  const {error, status} = spawnSync('strip', ['-o', file, node], {stdio: 'ignore'})
  if (error === undefined && status === 0) return file
  console.error('note:  strip (binutils) is not installed, so the executable is larger')
  return node
}

function run(args) {
  execFileSync(node, args, {cwd: work, env: cleanEnvironment(), stdio: ['ignore', 'ignore', 'inherit']})
}

/** The environment of this shell must not change the result. */
function cleanEnvironment() {
  return {PATH: process.env.PATH, HOME: os.tmpdir()}
}

function list(directory) {
  return fs.readdirSync(at(directory), {withFileTypes: true}).flatMap((one) => {
    const name = `${directory}/${one.name}`
    return one.isDirectory() ? list(name) : [name]
  })
}

function refuse(message, next) {
  console.error(`error: ${message}${next === undefined ? '' : `\nnext:  ${next}`}`)
  process.exit(1)
}
