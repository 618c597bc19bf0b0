'use strict'
const {loadPart} = require('./parts.cjs')

/**
 * Replaces bin/load-bundle.cjs: the executable contains the files that the framework expects beside the bundle, and on some
 * systems the compiled code.
 *
 * @returns {{main: (root: string) => Promise<void>}}
 */
module.exports = function loadBundle() {
  const bundle = loadPart('dist/zt/zt.cjs', {large: true})
  globalThis[Symbol.for('zt.bundle')] = bundle
  globalThis[Symbol.for('zt.manifest')] = loadPart('oclif.manifest.json')
  return {main: (root) => bundle.main(root, {root, pjson: loadPart('package.json')})}
}

/** @param {string} part of dist/ */
module.exports.loadCompiled = (part) => loadPart(`dist/${part}`, {large: true})
