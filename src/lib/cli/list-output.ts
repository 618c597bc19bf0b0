import type {JsonObject} from '../core/json.js'
import {outJson, writeJson, writeLines} from './streams.js'
import {TableStream, type Column} from './table.js'

export type ListForm = 'table' | 'json' | 'ids'

/** How a list is shown. */
export interface ListShape<Item> {
  /** The list's key in the JSON document. */
  key: string
  /** What --quiet prints. */
  id: (item: Item) => string
  json: (item: Item) => object
  columns: Column<Item>[]
  /** Shown instead of a table without rows. */
  empty: string
}

/**
 * A list on stdout while it arrives: rows of a table, or one JSON document that does not depend on how the list is paged.
 * Writing waits for a slow reader, and stops when the reader is gone.
 */
export class ListOutput<Item> {
  readonly #shape: ListShape<Item>
  readonly #form: ListForm
  readonly #json: JsonList | undefined
  readonly #table: TableStream<Item>
  readonly #beforeWrite: () => void
  #shown = 0

  /** @param beforeWrite clears the progress line from the terminal */
  constructor(shape: ListShape<Item>, form: ListForm, beforeWrite: () => void) {
    this.#shape = shape
    this.#form = form
    this.#json = form === 'json' ? new JsonList(shape.key) : undefined
    this.#table = new TableStream(shape.columns)
    this.#beforeWrite = beforeWrite
  }

  /** How many items were shown so far. */
  get shown(): number {
    return this.#shown
  }

  /** @returns how many there are in all, if that is known */
  async show(
    pages: AsyncIterable<{items: readonly Item[]; total: number | undefined}>,
  ): Promise<number | undefined> {
    let all: number | undefined
    for await (const {items, total} of pages) {
      all = total
      if (items.length === 0) continue
      this.#shown += items.length
      const json = this.#json?.add(items.map(this.#shape.json))
      const rows =
        this.#form === 'table'
          ? this.#table.add(items, total !== undefined && total > this.#shown)
          : items.map(this.#shape.id)
      this.#beforeWrite()
      if (!(await written((done) => (json === undefined ? writeLines(rows, done) : writeJson(json, done)))))
        return undefined
    }
    return all
  }

  /** Ends the JSON document with its other fields. False, with nothing written, if there is none to end. */
  end(rest: JsonObject): boolean {
    if (!this.#json || (this.#shown === 0 && 'error' in rest)) return false
    outJson(this.#json.end(rest))
    return true
  }
}

/** A JSON document with one list, written piece by piece, exactly as `JSON.stringify` with an indent of 2 would. */
export class JsonList {
  readonly #key: string
  #begun = false

  constructor(key: string) {
    this.#key = key
  }

  /** The text of further items. */
  add(items: readonly object[]): string {
    return items
      .map((item) => {
        const before = this.#begun ? ',\n    ' : `{\n  ${JSON.stringify(this.#key)}: [\n    `
        this.#begun = true
        return before + JSON.stringify(item, null, 2).replaceAll('\n', '\n    ')
      })
      .join('')
  }

  /** The text after the last item. */
  end(rest: JsonObject): string {
    const list = this.#begun ? '\n  ]' : `{\n  ${JSON.stringify(this.#key)}: []`
    const more = JSON.stringify(rest, null, 2)
    return `${list}${more === '{}' ? '\n}' : `,${more.slice(1)}`}`
  }
}

/** False if the reader is gone. */
function written(write: (done: (error?: Error | null) => void) => void): Promise<boolean> {
  return new Promise((resolve) => {
    write((error) => {
      resolve(!error)
    })
  })
}
