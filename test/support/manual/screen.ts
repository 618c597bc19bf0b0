/**
 * The lines that a terminal shows after a text with its control sequences: what was erased or written over is gone, and
 * colours are left out. Lines are not wrapped.
 */
export function onScreen(text: string): string[] {
  const lines: string[][] = [[]]
  let row = 0
  let column = 0
  const lineAt = (at: number): string[] => {
    while (lines.length <= at) lines.push([])
    return lines[at] ?? []
  }
  const move = (sort: string, count: number): void => {
    if (sort === 'A') row = Math.max(0, row - count)
    else if (sort === 'B') row += count
    else if (sort === 'C') column += count
    else if (sort === 'D') column = Math.max(0, column - count)
    else if (sort === 'G') column = count - 1
  }
  const erase = (sort: string, how: number): void => {
    const line = lineAt(row)
    if (sort === 'K') {
      if (how === 0) line.splice(column)
      else for (let at = 0; at < (how === 1 ? column + 1 : line.length); at++) line[at] = ' '
    } else if (how === 0) {
      line.splice(column)
      lines.splice(row + 1)
    }
  }
  // A control sequence, another escape sequence with its text, or a character with what combines with it.
  const parts = text.matchAll(/\u001B\[([?\d;]*)([@-~])|\u001B\][^\u0007\u001B]*(?:\u0007|\u001B\\)|\u001B[^[\]]|\P{M}\p{M}*/gsu) // prettier-ignore
  for (const [part, parameters, sort] of parts) {
    if (sort !== undefined) {
      const [first] = (parameters ?? '').split(';').map(Number)
      if ('ABCDG'.includes(sort)) move(sort, first === 0 || first === undefined ? 1 : first)
      else if ('JK'.includes(sort)) erase(sort, first ?? 0)
    } else if (part === '\n') {
      row++
    } else if (part === '\r') {
      column = 0
    } else if (part === '\b') {
      column = Math.max(0, column - 1)
    } else if (!/^[\u0000-\u001F\u007F]/.test(part)) {
      const line = lineAt(row)
      while (line.length < column) line.push(' ')
      line[column++] = part
    }
  }
  lineAt(row)
  return lines.map((line) => line.join('').trimEnd())
}
