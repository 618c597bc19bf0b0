// Draws what a terminal shows as SVG: each line is a text that can be selected and read aloud, in the colours of one theme.

const CELL = {width: 8.4, height: 19}
const PADDING = 20
/** What the text attributes of src/lib/cli/palette.ts look like; each has a contrast of at least 4.5 on its background. */
const THEMES = {
  light: {ground: '#f6f8fa', text: '#1f2328', bold: '#000000', dim: '#59636e', red: '#cf222e', green: '#116329', magenta: '#8250df'},
  dark: {ground: '#16191f', text: '#d8dee9', bold: '#ffffff', dim: '#8b949e', red: '#ff7b72', green: '#7ee787', magenta: '#d2a8ff'},
} // prettier-ignore
const SGR = {1: 'bold', 2: 'dim', 31: 'red', 32: 'green', 35: 'magenta'}
/** What ends which of them. */
const ENDS = {0: Object.values(SGR), 22: ['bold', 'dim'], 39: ['red', 'green', 'magenta'], 49: []}

export const THEME_NAMES = Object.keys(THEMES)

/**
 * Each line as pieces of one style, which goes on in the next line until it is ended.
 *
 * @throws Error if there is another control sequence, or a colour that is not of the palette
 */
function piecesOf(lines) {
  let styles = []
  return lines.map((line) => {
    const found = []
    let column = 0
    for (const part of line.split(/(\u001B\[[\d;]*m)/)) {
      const codes = /^\u001B\[([\d;]*)m$/.exec(part)?.[1]
      if (codes === undefined) {
        if (part.trim() !== '') found.push({text: part, styles, column})
        column += [...part].length
        continue
      }
      for (const code of codes.split(';').map(Number)) {
        if (SGR[code] === undefined && ENDS[code] === undefined)
          throw new Error(`SGR ${code} in ${JSON.stringify(line)}`)
        styles = SGR[code] ? [...styles, SGR[code]] : styles.filter((one) => !ENDS[code].includes(one))
      }
    }
    return found
  })
}

const escaped = (plain) => {
  if (/[\u0000-\u001F\u007F]/.test(plain)) throw new Error(`a control character in ${JSON.stringify(plain)}`)
  return plain.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}

/** @param screen the lines, with SGR sequences, and the title that a screen reader says */
export function pictureOf({title, lines, columns}, theme) {
  const {ground, text, ...colours} = THEMES[theme]
  const width = Math.ceil(columns * CELL.width + 2 * PADDING)
  const height = lines.length * CELL.height + 2 * PADDING
  const rows = piecesOf(lines.map((line) => line.trimEnd())).flatMap((pieces, row) => {
    const y = PADDING + (row + 0.75) * CELL.height
    const spans = pieces.map(({text: words, styles, column}) => {
      const style = styles.length > 0 ? ` class="${styles.join(' ')}"` : ''
      return `<tspan x="${(PADDING + column * CELL.width).toFixed(1)}"${style}>${escaped(words)}</tspan>`
    })
    return spans.length > 0 ? [`<text y="${y}" xml:space="preserve">${spans.join('')}</text>`] : []
  })
  const styles = Object.entries(colours).map(
    ([name, colour]) => `.${name} { fill: ${colour}${name === 'bold' ? '; font-weight: 700' : ''} }`,
  )
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img">
<title>${escaped(title)}</title>
<style>
text { font: 14px ui-monospace, "SFMono-Regular", Menlo, Consolas, "DejaVu Sans Mono", monospace; fill: ${text} }
${styles.join('\n')}
</style>
<rect width="100%" height="100%" rx="10" fill="${ground}"/>
${rows.join('\n')}
</svg>
`
}
