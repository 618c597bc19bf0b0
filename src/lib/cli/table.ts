import Table from 'cli-table3'
import {columnsOf, style} from './streams.js'

export interface Column<Row> {
  title: string
  value: (row: Row) => string
  /** Left out, from the last, when the terminal is too narrow for all. */
  optional?: boolean
  /** Goes on below instead of being shortened. */
  wraps?: boolean
}

const GAP = 2
const NARROWEST = 12
const NO_BORDERS = {
  'top': '', 'top-mid': '', 'top-left': '', 'top-right': '', 'bottom': '', 'bottom-mid': '', 'bottom-left': '',
  'bottom-right': '', 'left': '', 'left-mid': '', 'mid': '', 'mid-mid': '', 'right': '', 'right-mid': '', 'middle': '',
} // prettier-ignore

/**
 * Aligned columns without borders. On a terminal that is too narrow the optional columns go first, and then the widest
 * (as a rule the name) is shortened, or goes on below; what is piped is never shortened.
 */
export function table<Row>(
  rows: readonly Row[],
  columns: Column<Row>[],
  width = columnsOf(process.stdout),
): string {
  const shown = [...columns]
  const natural = (column: Column<Row>): number =>
    Math.max(column.title.length, ...rows.map((row) => visibleLength(column.value(row)))) + GAP
  const total = (): number => shown.reduce((sum, column) => sum + natural(column), 0) - GAP
  while (total() > width) {
    const last = shown.findLastIndex((column) => column.optional)
    if (last < 0) break
    shown.splice(last, 1)
  }
  const widths = shown.map(natural)
  const excess = total() - width
  if (excess > 0) {
    const widest = Math.max(...widths)
    widths[widths.indexOf(widest)] = Math.max(NARROWEST, widest - excess)
  }
  const body = new Table({
    chars: NO_BORDERS,
    style: {'padding-left': 0, 'padding-right': GAP, head: [], border: []},
    colWidths: widths,
    wordWrap: shown.some((column) => column.wraps),
    head: shown.map((column) => style.dim(column.title)),
  })
  body.push(...rows.map((row) => shown.map((column) => column.value(row))))
  return body
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n')
}

/** `label  value` lines with the values in one column; undefined values are left out. */
export function facts(pairs: [label: string, value: string | undefined][]): string {
  const there = pairs.filter((pair): pair is [string, string] => pair[1] !== undefined)
  const width = Math.max(0, ...there.map(([label]) => label.length))
  return there.map(([label, value]) => `${style.dim(label.padEnd(width + GAP))}${value}`).join('\n')
}

function visibleLength(text: string): number {
  return [...text.replaceAll(/\u001B\[[0-9;]*m/g, '')].length
}
