import {style} from './streams.js'

/** A unified diff with its colours. */
export function colouredDiff(diff: string): string {
  return diff
    .split('\n')
    .map((line) => {
      if (/^(---|\+\+\+) /.test(line)) return style.bold(line)
      if (line.startsWith('+')) return style.green(line)
      if (line.startsWith('-')) return style.red(line)
      return line.startsWith('@@') ? style.dim(line) : line
    })
    .join('\n')
}
