'use strict'
const path = require('node:path')
const sea = require('node:sea')
const {cacheFor, keep, own} = require('../bin/load-bundle.cjs')
const {unseal} = require('../bin/sealed-code.cjs')

/** Below the executable itself, where no file can exist: nothing is loaded from disk. */
const root = process.execPath
const loaded = new Map()

/**
 * A part of zt in the executable: JSON, or a CommonJS file of the build, with its compiled code if there is any.
 *
 * @param {string} name as in the package: `dist/zt/zt.cjs`
 * @param {{large?: boolean}} options large: its compiled code is kept in the cache if the executable has none
 * @returns its exports
 */
function loadPart(name, {large = false} = {}) {
  const before = loaded.get(name)
  if (before !== undefined) return before.exports
  if (!sea.getAssetKeys().includes(name)) throw notThere(name)
  const bytes = Buffer.from(sea.getRawAsset(name))
  const module = {exports: {}}
  loaded.set(name, module)
  if (name.endsWith('.json')) module.exports = JSON.parse(bytes.toString('utf8'))
  else run(name, bytes, module, large)
  return module.exports
}

function run(name, bytes, module, large) {
  const {Script} = require('node:vm')
  const code = `${name}.code`
  const contained = sea.getAssetKeys().includes(code)
  const cache = large && !contained ? cacheFor(name, process.execPath, process.env) : undefined
  // The executable is a file too, and its code may be damaged.
  const sealed = contained ? Buffer.from(sea.getRawAsset(code)) : cache && own(cache)
  const cachedData = unseal(bytes, sealed)
  const filename = path.join(root, name)
  // As bin/load-bundle.cjs wraps it, because the compiled code is for exactly this text.
  const wrapped = `(function (exports, require, module, __filename, __dirname) {${bytes.toString('utf8')}\n})`
  const script = new Script(wrapped, {filename, cachedData})
  const directory = path.dirname(filename)
  script.runInThisContext()(module.exports, requireFrom(directory), module, filename, directory)
  if (cache && (cachedData === undefined || script.cachedDataRejected))
    process.once('exit', () => keep(cache, bytes, script))
}

/** Node's own modules, and parts by their path; nothing else, wherever the executable is. */
function requireFrom(directory) {
  const nameOf = (id) => path.relative(root, path.resolve(directory, id)).replaceAll(path.sep, '/')
  const find = (id) => {
    const isPath = path.isAbsolute(id) || /^\.\.?\//.test(id)
    if (!isPath || !sea.getAssetKeys().includes(nameOf(id))) throw notThere(id)
    return nameOf(id)
  }
  const from = (id) => process.getBuiltinModule(id) ?? loadPart(find(id))
  from.resolve = (id) => path.join(root, find(id))
  return from
}

function notThere(id) {
  return Object.assign(new Error(`the executable does not contain ${id}`), {code: 'MODULE_NOT_FOUND'})
}

module.exports = {loadPart}
