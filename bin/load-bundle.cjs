'use strict'
const fs = require('node:fs')
const {createRequire} = require('node:module')
const os = require('node:os')
const path = require('node:path')
const vm = require('node:vm')
const {seal, unseal} = require('./sealed-code.cjs')

/**
 * Loads all of zt except the proxy.
 *
 * @param {NodeJS.ProcessEnv} env
 * @returns the bundle's exports, which dist/oclif.cjs finds as well
 */
module.exports = function loadBundle(env) {
  const bundle = loadCompiled('zt/zt.cjs', env)
  globalThis[Symbol.for('zt.bundle')] = bundle
  return bundle
}

module.exports.loadCompiled = loadCompiled

/**
 * Loads a file of dist/ with the compiled code that the last run left in the cache: compiling takes a third of a
 * command's run time. The cached code must belong to this user, and a checksum must bind it to this source and its own
 * content; otherwise it is compiled again. V8 rejects code of another node. ZT_CODE_CACHE=off disables the cache.
 *
 * @param {string} part of dist/
 * @param {NodeJS.ProcessEnv} env
 * @returns its exports
 */
function loadCompiled(part, env) {
  const file = path.join(__dirname, '..', 'dist', part)
  const cache = cacheFor(part, file, env)
  return cache === undefined ? require(file) : compiled(file, cache)
}

function compiled(file, cache) {
  const bytes = fs.readFileSync(file)
  // As node wraps CommonJS modules.
  const text = `(function (exports, require, module, __filename, __dirname) {${bytes.toString('utf8')}\n})`
  const cachedData = unseal(bytes, own(cache))
  const script = new vm.Script(text, {filename: file, cachedData})
  const module = {exports: {}}
  script.runInThisContext()(module.exports, createRequire(file), module, file, path.dirname(file))
  if (cachedData === undefined || script.cachedDataRejected)
    process.once('exit', () => keep(cache, bytes, script))
  return module.exports
}

/**
 * Undefined if there should be none. Other switches of node produce other code, so they have their own file.
 *
 * @param {string} part
 * @param {string} file that contains it
 * @param {NodeJS.ProcessEnv} env
 */
function cacheFor(part, file, env) {
  const {NODE_OPTIONS = '', ZT_CODE_CACHE} = env
  if (ZT_CODE_CACHE === 'off') return undefined
  const {size, mtimeMs} = fs.statSync(file)
  const switches = [NODE_OPTIONS, ...process.execArgv].join(' ')
  const parts = [size, Math.round(mtimeMs), sum(switches)].map((number) => number.toString(36))
  const name = [path.basename(part, '.cjs'), process.version, process.arch, ...parts].join('-')
  const directory = cacheDirectory(env)
  return directory && path.join(directory, 'code', name)
}

module.exports.cacheDirectory = cacheDirectory
// For executable/parts.cjs.
Object.assign(module.exports, {cacheFor, own, keep})

/**
 * The cache directory, as in src/lib/config/paths.ts, which is part of the bundle and so not loaded yet. Undefined if
 * the home directory is unknown: the command reports that, if it needs one.
 */
function cacheDirectory(env, platform = process.platform, home = homeDirectory()) {
  const windows = platform === 'win32'
  const {join} = windows ? path.win32 : path.posix
  const isFull = (text) => (windows ? /^([A-Za-z]:[\\/]|[\\/]{2}[^\\/])/ : /^\//).test(text)
  const {XDG_CACHE_HOME = '', LOCALAPPDATA = ''} = env
  if (isFull(XDG_CACHE_HOME)) return join(XDG_CACHE_HOME, 'zt')
  if (windows && isFull(LOCALAPPDATA)) return join(LOCALAPPDATA, 'zt', 'Cache')
  if (!isFull(home)) return undefined
  return windows ? join(home, 'AppData', 'Local', 'zt', 'Cache') : join(home, '.cache', 'zt')
}

/** As HOME says; empty if unknown. */
function homeDirectory() {
  try {
    return os.homedir()
  } catch {
    return ''
  }
}

/** A checksum to distinguish texts (FNV-1a), without the 2 ms of node's crypto. */
function sum(text) {
  let hash = 0x811c9dc5
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193) >>> 0
  return hash
}

const MOST_BYTES = 64 * 1024 * 1024

/** The file's content, if no other user can have written it. Opening it never blocks, whatever the path leads to. */
function own(file) {
  let handle
  try {
    const {O_RDONLY, O_NOFOLLOW = 0, O_NONBLOCK = 0} = fs.constants
    if (!isOurs(path.dirname(file))) return undefined
    handle = fs.openSync(file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
    const stat = fs.fstatSync(handle)
    if (!stat.isFile() || isForeign(stat) || stat.size > MOST_BYTES) return undefined
    return fs.readFileSync(handle)
  } catch {
    return undefined
  } finally {
    if (handle !== undefined) fs.closeSync(handle)
  }
}

/** Whether the directory and zt's own above it are no links, belong to this user, and are not writable by others. */
function isOurs(directory) {
  return [path.dirname(directory), directory].every((one) => {
    const stat = fs.lstatSync(one)
    return stat.isDirectory() && !isForeign(stat)
  })
}

function isForeign({uid, mode}) {
  return process.getuid !== undefined && (uid !== process.getuid() || (mode & 0o022) !== 0)
}

/** Writes the code whole and durably, or not at all. If it cannot be written, the next run compiles again. */
function keep(file, bytes, script) {
  const directory = path.dirname(file)
  const temporary = `${file}.${process.pid}`
  let handle
  try {
    makeDirectories(directory)
    if (!isOurs(directory)) return
    removeOld(directory, path.basename(file))
    // A killed process with the same ID may have left it.
    fs.rmSync(temporary, {force: true})
    handle = fs.openSync(temporary, 'wx', 0o600)
    fs.writeFileSync(handle, seal(bytes, script.createCachedData()))
    fs.fsyncSync(handle)
    fs.closeSync(handle)
    handle = undefined
    fs.renameSync(temporary, file)
  } catch {
    try {
      if (handle !== undefined) fs.closeSync(handle)
      fs.unlinkSync(temporary)
    } catch {
      // It does not exist.
    }
  }
}

/** Not with node's `recursive`, which never ends on a file system that refuses directories, as /proc does. */
function makeDirectories(directory) {
  const zt = path.dirname(directory)
  for (const one of [path.dirname(zt), zt, directory]) {
    if (!fs.existsSync(one)) fs.mkdirSync(one, {mode: 0o700})
  }
}

/** Removes the files of other versions, and all of this one if there are more than three sets of node's switches. */
function removeOld(directory, name) {
  const part = name.slice(0, name.indexOf('-v') + 2)
  const version = name.slice(0, name.lastIndexOf('-'))
  const there = fs.readdirSync(directory).filter((one) => one.startsWith(part))
  const same = there.filter((one) => one.startsWith(version))
  for (const one of there) {
    if (!same.includes(one) || same.length > 3) fs.rmSync(path.join(directory, one), {force: true})
  }
}
