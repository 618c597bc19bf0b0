// Runs first in the single executable; scripts/executable.mjs bundles it with bin/zt.cjs.
'use strict'
const {loadPart} = require('./parts.cjs')

if (process.argv[2] === ':keychain') {
  // src/lib/system/zt-program.ts starts this program again.
  loadPart('dist/keychain/child.cjs')
} else {
  // Otherwise src/lib/system/build-facts.ts would look for a file.
  globalThis[Symbol.for('zt.origin')] = {kind: 'single-file', facts: () => loadPart('dist/build.json')}
  require('../bin/zt.cjs')
}
