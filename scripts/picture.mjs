// Draws the README's picture: runs the demo in 80 columns, and writes its output as docs/pictures/demo.svg. Run it by hand
// (node scripts/picture.mjs) when the demo's output changes.
import {spawnSync} from 'node:child_process'
import {writeFile} from 'node:fs/promises'
import path from 'node:path'
import wrapAnsi from 'wrap-ansi'

const COLUMNS = 80
const CELL = {width: 8.4, height: 19}
const PADDING = 20
const root = path.resolve(import.meta.dirname, '..')

const shown = spawnSync('sh', ['-c', '"$0" scripts/demo.mjs 2>&1', process.execPath], {
  cwd: root,
  encoding: 'utf8',
  env: {...process.env, FORCE_COLOR: '1', COLUMNS: String(COLUMNS), NO_COLOR: undefined},
})
if (shown.status !== 0) throw new Error(`the demo failed:\n${shown.stdout}`)

// Wraps as a terminal does: at the last column, even within a word.
const text = wrapAnsi(`$ npm run demo\n\n${shown.stdout.trim()}`, COLUMNS, {
  hard: true,
  wordWrap: false,
  trim: false,
})

/** Splits one line into pieces of one style: SGR numbers become classes. */
function pieces(line) {
  const found = []
  let classes = []
  let column = 0
  for (const part of line.split(/(\u001B\[[\d;]*m)/)) {
    const codes = /^\u001B\[([\d;]*)m$/.exec(part)?.[1]
    if (codes === undefined) {
      if (part !== '') found.push({text: part, classes, column})
      column += [...part].length
      continue
    }
    for (const code of codes.split(';').map(Number)) {
      if (code === 0) classes = []
      else if (code === 22) classes = classes.filter((one) => one !== 's1' && one !== 's2')
      else if (code === 39) classes = classes.filter((one) => !one.startsWith('s3'))
      else classes = [...classes, `s${code}`]
    }
  }
  return found
}

const escape = (plain) => plain.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
const lines = text.split('\n')
const width = Math.ceil(COLUMNS * CELL.width + 2 * PADDING)
const height = lines.length * CELL.height + 2 * PADDING
const rows = lines.map((line, row) => {
  const y = PADDING + (row + 0.75) * CELL.height
  const spans = pieces(line).map(({text: words, classes, column}) => {
    const style = classes.length > 0 ? ` class="${classes.join(' ')}"` : ''
    return `<tspan x="${(PADDING + column * CELL.width).toFixed(1)}"${style}>${escape(words)}</tspan>`
  })
  return spans.length > 0 ? `<text y="${y}" xml:space="preserve">${spans.join('')}</text>` : ''
})

await writeFile(
  path.join(root, 'docs', 'pictures', 'demo.svg'),
  `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img">
<title>npm run demo, in a terminal</title>
<style>
text { font: 14px ui-monospace, "SFMono-Regular", Menlo, Consolas, "DejaVu Sans Mono", monospace; fill: #d8dee9 }
.s1 { font-weight: 700; fill: #ffffff } .s2 { fill: #8b949e }
.s31 { fill: #ff7b72 } .s32 { fill: #7ee787 } .s33 { fill: #e3b341 } .s36 { fill: #76e3ea }
</style>
<rect width="100%" height="100%" rx="10" fill="#16191f"/>
${rows.filter((row) => row !== '').join('\n')}
</svg>
`,
)
console.log(`docs/pictures/demo.svg: ${lines.length} lines`)
