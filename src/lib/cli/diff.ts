import {style} from './streams.js'

/** A unified diff in colour, line by line. Tabs, which are common in configurations, become blanks. */
export function colouredDiff(diff: string): string[] {
  return diff
    .replaceAll('\t', '    ')
    .split('\n')
    .map((line) => {
      if (/^(---|\+\+\+) /.test(line)) return style.bold(line)
      if (line.startsWith('+')) return style.green(line)
      if (line.startsWith('-')) return style.red(line)
      return line.startsWith('@@') ? style.dim(line) : line
    })
}
