// The first that bin/ and the scripts of package.json run, in syntax that every node reads: an older one would fail with a
// syntax error or a missing module, and say nothing of its version.
'use strict'
/** As `engines` in package.json. */
var NEEDED = [20, 19]
var have = process.versions.node.split('.').map(Number)
if (have[0] < NEEDED[0] || (have[0] === NEEDED[0] && have[1] < NEEDED[1])) {
  console.error('error: zt needs node ' + NEEDED.join('.') + ' or newer')
  console.error('why:   This is node ' + process.versions.node + '.')
  console.error('next:  Install a newer node: https://nodejs.org/en/download')
  // As `needs-action` (src/lib/core/exit-codes.ts).
  process.exit(9)
}
