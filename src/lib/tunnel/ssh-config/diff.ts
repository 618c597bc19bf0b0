const CONTEXT = 3

/**
 * A unified diff of two texts that differ in one place, for people; empty when they are equal. Both are latin1, one
 * character for each byte; what is shown is read as UTF-8, without control characters.
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
    `--- ${file}`,
    `+++ ${file}`,
    `@@ -${range(from, oldTo)} +${range(from, nowTo)} @@`,
    ...old.slice(from, head).flatMap((line) => shown(' ', line)),
    ...old.slice(head, old.length - tail).flatMap((line) => shown('-', line)),
    ...now.slice(head, now.length - tail).flatMap((line) => shown('+', line)),
    ...now.slice(now.length - tail, nowTo).flatMap((line) => shown(' ', line)),
  ].join('\n')
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
    // eslint-disable-next-line no-control-regex -- what could steer the terminal
    .replaceAll(/[\u0000-\u0008\u000B-\u001F\u007F-\u009F]/g, '\uFFFD')
  return line.endsWith('\n') ? [sign + text] : [sign + text, '\\ No newline at end of file']
}
