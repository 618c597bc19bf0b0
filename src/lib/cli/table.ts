import wrapAnsi from 'wrap-ansi'
import {columnsOf, style} from './streams.js'
import {bounded, shown, styled} from './styled.js'
import {widthOf} from './width.js'

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
/** As wide as the first column of a table that goes on is made, where there is room. */
const ROOMY = 34

/**
 * Aligned columns without borders, line by line. On a terminal that is too narrow the optional columns go first, and
 * then the widest (as a rule the name) is shortened, or goes on below; what is piped is never shortened.
 */
export function table<Row>(
  rows: readonly Row[],
  columns: Column<Row>[],
  width = columnsOf('stdout'),
): string[] {
  return render(rows, fit(rows, columns, width))
}

/** A table of which more rows come later. The columns of the first rows stay; see {@link TableStream.add}. */
export class TableStream<Row> {
  readonly #columns: Column<Row>[]
  readonly #width: number
  #fitted: Fitted<Row> | undefined

  constructor(columns: Column<Row>[], width = columnsOf('stdout')) {
    this.#columns = columns
    this.#width = width
  }

  /**
   * The lines of further rows, the first with the titles. On a terminal what is wider than its column is shortened;
   * what is piped is never shortened: there a column grows from where it has to.
   *
   * @param more whether others will follow, so that the first column (the name) gets what room there is
   */
  add(rows: readonly Row[], more = false): string[] {
    if (!this.#fitted) {
      this.#fitted = fit(rows, this.#columns, this.#width)
      const {widths} = this.#fitted
      const spare = this.#width - widths.reduce((sum, width) => sum + width, -GAP)
      const [first = 0] = widths
      if (more && this.#width < Infinity) widths[0] = Math.max(first, Math.min(first + spare, ROOMY))
      return render(rows, this.#fitted)
    }
    const {shown: columns, widths} = this.#fitted
    if (this.#width === Infinity)
      this.#fitted.widths = widths.map((width, i) => Math.max(width, natural(rows, columns[i])))
    return render(rows, this.#fitted, false)
  }
}

interface Fitted<Row> {
  shown: Column<Row>[]
  /** With the gap behind. */
  widths: number[]
}

function natural<Row>(rows: readonly Row[], column: Column<Row> | undefined): number {
  if (!column) return 0
  return rows.reduce(
    (most, row) => Math.max(most, widthOf(column.value(row)) + GAP),
    column.title.length + GAP,
  )
}

function fit<Row>(rows: readonly Row[], columns: Column<Row>[], width: number): Fitted<Row> {
  const shown = [...columns]
  const widths = shown.map((column) => natural(rows, column))
  const total = (): number => widths.reduce((sum, one) => sum + one, -GAP)
  while (total() > width) {
    const last = shown.findLastIndex((column) => column.optional)
    if (last < 0) break
    shown.splice(last, 1)
    widths.splice(last, 1)
  }
  const excess = total() - width
  if (excess > 0) {
    const widest = Math.max(...widths)
    widths[widths.indexOf(widest)] = Math.max(NARROWEST, widest - excess)
  }
  return {shown, widths}
}

function render<Row>(rows: readonly Row[], fitted: Fitted<Row>, titles = true): string[] {
  const head = titles ? [fitted.shown.map(({title}) => [style.dim(title)])] : []
  const body = rows.map((row) =>
    fitted.shown.map(({value, wraps}, at) => cell(value(row), (fitted.widths[at] ?? GAP) - GAP, wraps)),
  )
  return [...head, ...body].flatMap((cells) => {
    const height = Math.max(...cells.map((lines) => lines.length))
    return Array.from({length: height}, (_, line) =>
      cells
        .map((lines, at) => padded(lines[line] ?? '', fitted.widths[at] ?? 0))
        .join('')
        .trimEnd(),
    )
  })
}

/** More of one cell than anybody looks at. */
const LONGEST = 1000

/** The lines of a cell in its column. */
function cell(value: string, width: number, wraps = false): string[] {
  if (widthOf(value) <= width) return [value]
  const text = shown(bounded(value, wraps ? LONGEST : 2 * width))
  if (wraps) return wrapAnsi(text, width, {hard: true}).split('\n').map(styled)
  const [start = ''] = wrapAnsi(text, Math.max(1, width - 1), {
    hard: true,
    wordWrap: false,
    trim: false,
  }).split('\n')
  return [`${styled(start)}…`]
}

function padded(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - widthOf(text)))
}

/** A list in one cell: the first of it, and how many more there are; all of it where nobody looks at a terminal. */
export function shortened(
  items: readonly string[],
  most = columnsOf('stdout') === Infinity ? Infinity : 3,
): string {
  const more = items.length - most
  return more > 0 ? `${items.slice(0, most).join(', ')} and ${more} more` : items.join(', ')
}

/** `label  value` lines with the values in one column; undefined values are left out. */
export function facts(pairs: [label: string, value: string | undefined][]): string[] {
  const there = pairs.filter((pair): pair is [string, string] => pair[1] !== undefined)
  const width = Math.max(0, ...there.map(([label]) => widthOf(label)))
  return there.map(([label, value]) => `${style.dim(padded(label, width + GAP))}${value}`)
}
