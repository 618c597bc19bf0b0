// Builds single executables: node with zt in it, one file for one system (docs/how-to/executable.md). It takes what
// `npm run build` made, and the nodes of executable/package-lock.json.
// Without --target it builds dist-executable/zt for this machine. --target T (several times) and --all build
// dist-executable/zt-T. --node PATH takes another node, and --out FILE writes to another place; both are for one target.
import {spawnSync} from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import {parseArgs} from 'node:util'
import {build} from 'esbuild'
import {licenceText} from './licences.mjs'
import {inspectNode, withBlob, withChecksum, withoutSignature} from './node-binary.mjs'

const TARGETS = {
  'linux-x64': {node: 'bin/node', addon: 'linux-x64'},
  'linux-arm64': {node: 'bin/node', addon: 'linux-arm64'},
  'win-x64': {node: 'bin/node.exe', addon: 'win32-x64', suffix: '.exe'},
}
/** The first node that writes the executable itself, without another tool. */
const OLDEST = '26.0.0'
const root = path.resolve(import.meta.dirname, '..')
const at = (...parts) => path.join(root, ...parts)
const HERE = `linux-${process.arch}`
/** What commands that a user waits for load at once; the rest is compiled when it is used. */
const COMPILED = ['dist/proxy/proxy-main.cjs', 'dist/proxy/quick-ssh.cjs', 'dist/keychain/child.cjs']
const BUNDLE = 'dist/zt/zt.cjs'
/** Without it, V8 orders what it compiles by a random number, and no two builds are the same. */
const SAME_CODE = '--random-seed=1'

/**
 * A run leaves the code of the functions that it used, which is not the same each time: V8 drops what was not used for a while,
 * and notes what it has optimized. It takes the code only with the flags that it was made with.
 */
const STEADY = ['flush-bytecode', 'sparkplug', 'maglev', 'turbofan']
const STEADY_RUN = `
const v8 = require('v8')
const set = (to) => ${JSON.stringify(STEADY)}.forEach((flag) => v8.setFlagsFromString(to + flag))
set('--no-')
process.once('exit', () => set('--'))
`

const {values} = parseArgs({
  options: {
    target: {type: 'string', multiple: true},
    all: {type: 'boolean'},
    node: {type: 'string'},
    out: {type: 'string'},
  },
})
const targets = values.all ? Object.keys(TARGETS) : (values.target ?? [HERE])
const unknown = targets.find((target) => !Object.hasOwn(TARGETS, target))
if (process.platform !== 'linux') refuse('The executables are built on Linux')
if (unknown !== undefined)
  refuse(`There is no target ${unknown}`, `--target ${Object.keys(TARGETS).join('|')}`)
if (targets.length > 1 && (values.node ?? values.out) !== undefined)
  refuse('--node and --out are for one target', 'one --target')
if (!fs.existsSync(at(BUNDLE))) refuse('zt is not built', 'npm run build')

/** The node that writes: it runs here, and has the major version of those that it writes into. */
const writer = readNode(HERE, targets[0] === HERE ? values.node : undefined)
const licences = readLicences()
for (const target of targets) {
  const named =
    values.all || values.target !== undefined ? `zt-${target}${TARGETS[target].suffix ?? ''}` : 'zt'
  await make(target, path.resolve(values.out ?? at('dist-executable', named)))
}

async function make(target, out) {
  const node = target === HERE ? writer : readNode(target, values.node)
  if (major(node) !== major(writer))
    refuse(
      `node ${writer.version} cannot write into node ${node.version}`,
      '--node PATH of the same major version',
    )
  if (isOlder(node.version, writer.version))
    console.error(
      `note:  node ${node.version} for ${target} is older than ${writer.version}, and has no later security fixes; --node PATH takes another`,
    )
  fs.mkdirSync(path.dirname(out), {recursive: true})
  // Takes some 350 MB for a moment, which would be memory if /tmp is a tmpfs.
  const work = fs.mkdtempSync(`${out}-`)
  try {
    const made = path.join(work, 'zt')
    await write(target, node, work, made)
    fs.chmodSync(made, 0o755)
    // A process that runs the old one continues with it.
    fs.renameSync(made, out)
  } finally {
    fs.rmSync(work, {recursive: true, force: true})
  }
  // Elsewhere, a file of that name may be another program's.
  const beside =
    values.out === undefined ? path.join(path.dirname(out), 'LICENSES.txt') : `${out}-LICENSES.txt`
  fs.writeFileSync(beside, licences)
  const mib = (fs.statSync(out).size / 1024 / 1024).toFixed(0)
  console.log(`${path.relative(process.cwd(), out)}: ${mib} MiB, ${target}, node ${node.version}`)
}

async function write(target, node, work, made) {
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
  for (const name of [...list('dist').sort(), 'package.json', 'oclif.manifest.json'])
    if (!name.endsWith('.map') && !name.startsWith('dist/man/')) assets[name] = at(name)
  assets['keytar.node'] = at('node_modules', 'keytar', 'prebuilds', TARGETS[target].addon, 'keytar.node')
  // V8 takes compiled code only from the same build of itself.
  const compiles = node === writer
  if (compiles) {
    for (const name of COMPILED) assets[`${name}.code`] = compile(name, work)
    assets[`${BUNDLE}.code`] = compileBundle(work)
  }
  const windows = target.startsWith('win')
  const config = {
    // Relative, because it becomes a part of the file.
    main: 'main.cjs',
    output: made,
    disableExperimentalSEAWarning: true,
    useCodeCache: compiles,
    // docs/how-to/executable.md, Switches of node. Node refuses NODE_USE_SYSTEM_CA=1 together with --use-openssl-ca, unless it
    // has the one after it. OpenSSL finds no CAs on Windows.
    execArgv: [
      ...(windows ? ['--use-system-ca'] : ['--use-openssl-ca', '--no-use-system-ca']),
      '--disable-sigusr1',
    ],
    execArgvExtension: 'none',
    assets,
  }
  if (windows) {
    const executable = path.join(work, 'node.exe')
    fs.writeFileSync(executable, withoutSignature(fs.readFileSync(node.file)))
    prepare('--build-sea', {...config, executable})
    fs.writeFileSync(made, withChecksum(fs.readFileSync(made)))
  } else {
    const blob = path.join(work, 'blob')
    prepare('--experimental-sea-config', {...config, output: blob})
    fs.writeFileSync(made, withBlob(fs.readFileSync(node.file), fs.readFileSync(blob)))
  }

  function prepare(how, what) {
    fs.writeFileSync(path.join(work, 'sea.json'), JSON.stringify(what))
    run([SAME_CODE, how, 'sea.json'], work)
  }
}

/** A node for a target, which need not run here. */
function readNode(target, given) {
  const file = path.resolve(
    given ?? at('executable', 'node_modules', `node-${target}`, TARGETS[target]?.node ?? ''),
  )
  const install = `npm ci --prefix executable${target === 'linux-x64' ? '' : ' --include=dev'}`
  if (!fs.existsSync(file)) refuse(`There is no node at ${file}`, `${install}, or --node PATH`)
  const {target: kind, version} = inspectNode(fs.readFileSync(file))
  if (kind !== target || version === undefined) refuse(`${file} is not a node for ${target}`, '--node PATH')
  if (isOlder(version, OLDEST))
    refuse(`node ${version} cannot write executables`, `--node PATH of node ${OLDEST} or newer`)
  return {file, version}
}

function readLicences() {
  try {
    return licenceText(root, writer.file)
  } catch (error) {
    return refuse(error.message, 'npm ci --prefix executable')
  }
}

function major({version}) {
  return version.split('.')[0]
}

function isOlder(one, other) {
  return one.localeCompare(other, 'en', {numeric: true}) < 0
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

/**
 * Compiled by the node that will read it, with all functions.
 *
 * @param {string} [kept] by a run: only with the functions that it has. In a process that runs none of them V8 numbers them in
 *   their order in the file, and keeps no path.
 */
function compile(name, work, kept) {
  const file = path.join(work, `${path.basename(name)}.code`)
  const program = `
    const [source, target, kept] = process.argv.slice(1)
    const {seal, unseal} = require(${JSON.stringify(at('bin', 'sealed-code.cjs'))})
    const fs = require('fs')
    const v8 = require('v8')
    const bytes = fs.readFileSync(source)
    const cachedData = kept && unseal(bytes, fs.readFileSync(kept))
    if (!kept) v8.setFlagsFromString('--no-lazy')
    const script = new (require('vm').Script)(
      \`(function (exports, require, module, __filename, __dirname) {\${bytes.toString('utf8')}\\n})\`, {cachedData})
    if (!kept) v8.setFlagsFromString('--lazy')
    if (kept && script.cachedDataRejected !== false) throw new Error('V8 does not take what the run left')
    fs.writeFileSync(target, seal(bytes, script.createCachedData()))`
  run([SAME_CODE, '-e', program, at(name), file, ...(kept === undefined ? [] : [kept])], work)
  return file
}

/**
 * Most functions of the bundle belong to other commands. The code has only those that a command used, so that there is
 * less to read. bin/load-bundle.cjs leaves it in the cache.
 */
function compileBundle(work) {
  // A slow machine must not reach a limit, which would use other functions.
  const env = {...cleanEnvironment(), HOME: work, CLOUDFLARE_API_TOKEN: 'none', ZT_PATIENCE: '100'}
  for (const kind of ['CONFIG', 'DATA', 'STATE', 'CACHE']) env[`XDG_${kind}_HOME`] = path.join(work, kind)
  // Nothing listens there, so it fails; until then it uses what every command that asks the API uses.
  const profile = {apiUrl: 'http://127.0.0.1:9', accountId: '0'.repeat(32)}
  fs.mkdirSync(path.join(work, 'CONFIG', 'zt'), {recursive: true, mode: 0o700})
  fs.writeFileSync(
    path.join(work, 'CONFIG', 'zt', 'config.json'),
    JSON.stringify({version: 1, profiles: {build: profile}}),
    {mode: 0o600},
  )
  const steady = path.join(work, 'steady.cjs')
  fs.writeFileSync(steady, STEADY_RUN)
  const args = [SAME_CODE, '--require', steady, at('bin', 'zt.cjs'), 'token', 'list', '--profile', 'build']
  const {stderr} = spawnSync(writer.file, args, {env, cwd: work, encoding: 'utf8'})
  if (!stderr.includes('127.0.0.1')) throw new Error(`the bundle did not run as it should:\n${stderr}`)
  const directory = path.join(work, 'CACHE', 'zt', 'code')
  return compile(BUNDLE, work, path.join(directory, fs.readdirSync(directory)[0]))
}

function run(args, work) {
  const {status, stderr} = spawnSync(writer.file, args, {
    cwd: work,
    env: cleanEnvironment(),
    encoding: 'utf8',
  })
  if (status !== 0) throw new Error(`node ${args.join(' ')} failed:\n${stderr}`)
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
