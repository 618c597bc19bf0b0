/**
 * What the SDK and zt use of the fetch standard's classes, over plain objects. The first use of one of node's own loads
 * all of fetch: 20 ms, a third of a command's run time.
 */

/** Header names are in lower case; several values of one name are joined with commas, except cookies. */
export class LightHeaders {
  readonly #values = new Map<string, string>()

  constructor(given: Iterable<readonly [string, string]> | Readonly<Record<string, string>> = []) {
    const pairs = Symbol.iterator in given ? given : Object.entries(given)
    for (const [name, value] of pairs) this.append(name, value)
  }

  append(name: string, value: string): void {
    const there = this.get(name)
    this.set(name, there === null ? value : `${there}, ${value}`)
  }

  set(name: string, value: string): void {
    this.#values.set(name.toLowerCase(), value.trim())
  }

  get(name: string): string | null {
    return this.#values.get(name.toLowerCase()) ?? null
  }

  has(name: string): boolean {
    return this.#values.has(name.toLowerCase())
  }

  delete(name: string): void {
    this.#values.delete(name.toLowerCase())
  }

  entries(): IterableIterator<[string, string]> {
    return [...this.#values].sort(([a], [b]) => (a < b ? -1 : 1)).values()
  }

  [Symbol.iterator](): IterableIterator<[string, string]> {
    return this.entries()
  }
}

/** An answer whose body has already arrived. It may be read several times. */
export class LightResponse {
  readonly body = null
  readonly url = ''
  readonly statusText = ''

  constructor(
    private readonly content: string,
    readonly status: number,
    readonly headers: LightHeaders,
  ) {}

  get ok(): boolean {
    return this.status >= 200 && this.status < 300
  }

  text(): Promise<string> {
    return Promise.resolve(this.content)
  }

  json(): Promise<unknown> {
    return new Promise((resolve) => {
      resolve(JSON.parse(this.content))
    })
  }
}

/**
 * The SDK tests whether a body is one; zt's never are.
 *
 * @public used by scripts/lean-sdk.mjs
 */
export class LightFormData {}
