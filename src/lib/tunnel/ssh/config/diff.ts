import {visible} from '../../../core/text.js'

const CONTEXT = 3

/**
 * A unified diff of two texts that differ in one place, for people; empty when they are equal. Both are latin1, one
 * character for each byte; what is shown is read as UTF-8.
 */
export function unifiedDiff(file: string, before: string, after: string): string {
  if (before === after) return ''
  const [old, now] = [linesOf(before), linesOf(after)]
  let head = 0
  while (head < old.length && head < now.length && old[head] === now[head]) head++
  let tail = 0
  const most = Math.min(old.length, now.length) - head
  while (tail < most && old.at(-1 - tail) === now.at(-1 - tail)) tail++
  const from = Math.max(0, head - CONTEXT)
  const oldTo = Math.min(old.length, old.length - tail + CONTEXT)
  const nowTo = Math.min(now.length, now.length - tail + CONTEXT)
  return [
    // A line break in its name would be a line of the difference.
    `--- ${visible(file)}`,
    `+++ ${visible(file)}`,
    `@@ -${range(from, oldTo)} +${range(from, nowTo)} @@`,
    ...old.slice(from, head).flatMap((line) => shown(' ', line)),
    ...changed(old.slice(head, old.length - tail), now.slice(head, now.length - tail)),
    ...now.slice(now.length - tail, nowTo).flatMap((line) => shown(' ', line)),
  ].join('\n')
}

/** The lines between: what is common to both (their longest common subsequence) stays unmarked. */
function changed(old: string[], now: string[]): string[] {
  // common[i][j]: how many lines old from i and now from j have in common.
  const common = Array.from({length: old.length + 1}, () => new Array<number>(now.length + 1).fill(0))
  const at = (i: number, j: number): number => common[i]?.[j] ?? 0
  for (let i = old.length - 1; i >= 0; i--) {
    const row = common[i] ?? []
    for (let j = now.length - 1; j >= 0; j--)
      row[j] = old[i] === now[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1))
  }
  const lines: string[] = []
  for (let i = 0, j = 0; i < old.length || j < now.length;) {
    const [left, right] = [old[i], now[j]]
    if (left !== undefined && left === right) {
      lines.push(...shown(' ', left))
      i++
      j++
    } else if (left !== undefined && (right === undefined || at(i + 1, j) >= at(i, j + 1))) {
      lines.push(...shown('-', left))
      i++
    } else {
      lines.push(...shown('+', right ?? ''))
      j++
    }
  }
  return lines
}

function linesOf(text: string): string[] {
  return text === '' ? [] : text.split(/(?<=\n)/)
}

/** As diff(1) counts: an empty range stands behind the line that it names. */
function range(from: number, to: number): string {
  return to === from ? `${from},0` : `${from + 1},${to - from}`
}

function shown(sign: string, line: string): string[] {
  const text = Buffer.from(line, 'latin1')
    .toString('utf8')
    .replace(/\r?\n$/, '')
  return line.endsWith('\n') ? [sign + text] : [sign + text, '\\ No newline at end of file']
}
