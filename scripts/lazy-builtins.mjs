// What a built file needs of node's own modules is loaded when it is first used: a start needs few of them. esbuild's
// own way also copies the names of each module.
import fs from 'node:fs'

const EAGER = /__toESM\(require\("(node:[a-z/_]+)"\), 1\)/g

/** For the first line of a file. */
export const LAZY =
  'const zt$builtin=(load)=>{let module;const own=()=>module??=load();' +
  'return new Proxy({},{get:(_,name)=>name==="default"?own():own()[name]})};'

/** Changes a file that esbuild has written with {@link LAZY}. Its lines, which its source map counts, stay. */
export function lazyBuiltins(file) {
  const text = fs.readFileSync(file, 'utf8')
  if (!text.includes(LAZY)) return
  fs.writeFileSync(
    file,
    text.replace(EAGER, (_, name) => `zt$builtin(()=>require("${name}"))`),
  )
}
