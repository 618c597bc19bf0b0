import wrapAnsi from 'wrap-ansi'
import {columnsOf, sign, style} from './streams.js'
import {bounded, shown, styled} from './styled.js'
import {widthOf} from './width.js'
import {wrapped} from './wrapped.js'

export interface Column<Row> {
  title: string
  value: (row: Row) => string
  /** Left out if the terminal is too narrow; the last one first. */
  optional?: boolean
  /** Wrapped instead of shortened. */
  wraps?: boolean
}

const GAP = 2
/** A column that is shortened keeps room for a date or a count; one that wraps, less. Neither is narrower than its title. */
const NARROWEST = 12
const NARROWEST_WRAPPED = 8
/** Sentences can be read in it. */
const COMFORTABLE = 22
/** How wide the first column of a table with further rows is made, if there is room. */
const ROOMY = 34

/**
 * Aligned columns without borders, line by line. On a terminal that is too narrow, optional columns are dropped first, then
 * the widest ones (usually the name) are shortened or wrapped, down to one width. If that is not enough, each row becomes a
 * list of all its values. Piped output is never shortened.
 */
export function table<Row>(
  rows: readonly Row[],
  columns: Column<Row>[],
  width = columnsOf('stdout'),
): string[] {
  return render(rows, fit(rows, columns, width))
}

/** A table whose rows arrive in parts, with the columns of the first part; see {@link TableStream.add}. */
export class TableStream<Row> {
  readonly #columns: Column<Row>[]
  readonly #width: number
  #fitted: Fitted<Row> | undefined

  constructor(columns: Column<Row>[], width = columnsOf('stdout')) {
    this.#columns = columns
    this.#width = width
  }

  /**
   * The lines of further rows; the first part has the titles. On a terminal, a value wider than its column is shortened;
   * when piped, the column grows from there on.
   *
   * @param more whether others follow, so that the first column (the name) gets the remaining room
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
  /** Including the gap after it. */
  widths: number[]
  /** The width of the terminal, if the columns do not fit beside each other. */
  stackedIn?: number
}

function natural<Row>(rows: readonly Row[], column: Column<Row> | undefined): number {
  if (!column) return 0
  return rows.reduce(
    (most, row) => Math.max(most, widthOf(column.value(row)) + GAP),
    column.title.length + GAP,
  )
}

/** The titles of the columns that were left out since the last call, for lack of room; in their order. */
export function takeLeftOut(): string[] {
  const titles = [...leftOut].reverse()
  leftOut.clear()
  return titles
}

const leftOut = new Set<string>()

function fit<Row>(rows: readonly Row[], columns: Column<Row>[], width: number): Fitted<Row> {
  const shown = [...columns]
  const widths = shown.map((column) => natural(rows, column))
  const total = (): number => widths.reduce((sum, one) => sum + one, -GAP)
  const dropped: string[] = []
  while (total() > width) {
    const last = shown.findLastIndex((column) => column.optional)
    if (last < 0) break
    const [column] = shown.splice(last, 1)
    widths.splice(last, 1)
    // One that is empty is not missed.
    if (column && rows.some((row) => column.value(row) !== '')) dropped.push(column.title)
  }
  // What wraps loses nothing, so it gives way first.
  narrow(
    widths,
    shown.map(({wraps}, at) => (wraps ? COMFORTABLE : (widths[at] ?? 0))),
    width,
  )
  narrow(
    widths,
    shown.map(({title, wraps}) => Math.max(title.length + GAP, wraps ? NARROWEST_WRAPPED : NARROWEST)),
    width,
  )
  if (total() > width) return {shown: columns, widths, stackedIn: width}
  for (const title of dropped) leftOut.add(title)
  return {shown, widths}
}

/** Takes from the widest columns until all fit, and from none more than to its least width. */
function narrow(widths: number[], least: readonly number[], width: number): void {
  for (let excess = widths.reduce((sum, one) => sum + one, -GAP) - width; excess > 0; excess--) {
    const widest = Math.max(...widths.filter((one, at) => one > (least[at] ?? one)))
    const at = widths.findLastIndex((one, i) => one === widest && one > (least[i] ?? one))
    if (at < 0) return
    widths[at] = widest - 1
  }
}

function render<Row>(rows: readonly Row[], fitted: Fitted<Row>, titles = true): string[] {
  if (fitted.stackedIn !== undefined) return rows.flatMap((row) => stacked(row, fitted))
  const head = titles ? [fitted.shown.map(({title}) => [style.heading(title)])] : []
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

/** The first value, and the others below it. */
function stacked<Row>(row: Row, {shown: [first, ...others], stackedIn: width}: Fitted<Row>): string[] {
  const values = others.map(({title, value}): [string, string] => [title, value(row).trim()])
  const given = values.filter(([, value]) => value !== '')
  return [
    ...cell(first?.value(row) ?? '', width ?? Infinity, true),
    ...facts(given, (width ?? Infinity) - GAP, (text, room) => cell(text, room, true)).map(
      (line) => ' '.repeat(GAP) + line,
    ),
  ]
}

/** The longest text in a cell. */
const LONGEST = 1000

/** A letter with its marks, in UTF-16: the middle that is left out is behind the end of the column. */
const MOST_IN_COLUMN = 10

/** In no text that is shown: foreign ones are escaped. */
const NO_BREAK = '\u00A0'

/** The lines of a cell in its column. */
function cell(value: string, width: number, wraps = false): string[] {
  if (widthOf(value) <= width) return [value]
  const text = shown(bounded(value, wraps ? LONGEST : Math.min(LONGEST, MOST_IN_COLUMN * width * 2 + 4)))
  if (wraps) return wrapAnsi(text, width, {hard: true}).split('\n').map(styled)
  // Between words it would begin a new line where the next one is long.
  const word = text.replaceAll(' ', NO_BREAK)
  const [start = ''] = wrapAnsi(word, Math.max(1, width - widthOf(sign.more)), {
    hard: true,
    wordWrap: false,
    trim: false,
  }).split('\n')
  return [`${styled(start.replaceAll(NO_BREAK, ' '))}${sign.more}`]
}

function padded(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - widthOf(text)))
}

/** A list in one cell: its first items, and how many more there are; all of them when piped. */
export function shortened(
  items: readonly string[],
  most = columnsOf('stdout') === Infinity ? Infinity : 3,
): string {
  const more = items.length - most
  return more > 0 ? `${items.slice(0, most).join(', ')} and ${more} more` : items.join(', ')
}

/**
 * `label  value` lines with aligned values; pairs without a value are left out.
 *
 * @param columns how wide a line may be: longer values are wrapped, when piped none
 * @param wrap how: a word that is longer stays whole, unless this says otherwise
 */
export function facts(
  pairs: [label: string, value: string | undefined][],
  columns = columnsOf('stdout'),
  wrap: (text: string, width: number) => string[] = wrapped,
): string[] {
  const there = pairs.filter((pair): pair is [string, string] => pair[1] !== undefined)
  const width = Math.max(0, ...there.map(([label]) => widthOf(label))) + GAP
  return there.flatMap(([label, value]) => {
    const [first = '', ...more] = columns === Infinity ? [value] : wrap(value, columns - width)
    return [
      `${style.secondary(padded(label, width))}${first}`,
      ...more.map((line) => ' '.repeat(width) + line),
    ]
  })
}
