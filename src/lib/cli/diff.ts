import {style} from './streams.js'

/** A unified diff in colour, line by line. Tabs, which are common in configurations, become blanks. */
export function colouredDiff(diff: string): string[] {
  return diff
    .replaceAll('\t', '    ')
    .split('\n')
    .map((line) => {
      if (/^(---|\+\+\+) /.test(line)) return style.heading(line)
      if (line.startsWith('+')) return style.added(line)
      if (line.startsWith('-')) return style.removed(line)
      return line.startsWith('@@') ? style.secondary(line) : line
    })
}
