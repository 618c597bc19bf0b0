/** What a foreign text is called in its placeholder: `token-2`. */
export type Kind =
  | ('host' | 'ip' | 'email' | 'user' | 'machine' | 'path' | 'id')
  | ('token' | 'name' | 'profile' | 'account' | 'application' | 'variable' | 'word' | 'text')

/** A text of zt's own: only the literal of a template that this module sees makes one. */
export class Own {
  private constructor(readonly text: string) {}

  static of(this: void, strings: TemplateStringsArray): Own {
    return new Own(strings.join(''))
  }

  /** The beginning of a commit of zt's: too short to be an ID of anything else. */
  static commit(this: void, hash: string | null): Own | null {
    return hash !== null && /^[0-9a-f]{40}$/.test(hash) ? new Own(hash.slice(0, 7)) : null
  }

  /** The value, if it is one of those in the list, which is zt's own. */
  static from<const T extends string>(this: void, value: string, list: readonly T[]): Own | Foreign {
    return (list as readonly string[]).includes(value) ? new Own(value) : new Foreign('word', value)
  }
}

/** A text from outside, of one kind and replaced as a whole. */
export class Foreign {
  constructor(
    readonly kind: Kind,
    readonly text: string,
  ) {}
}

/** A text of zt's with parts from outside, as the words of an error: what is not certainly zt's is replaced. */
export class Prose {
  constructor(readonly text: string) {}
}

/** A short text of zt's that a type does not say to be one, as an ID of a check: it is replaced if it has another word. */
export class Label {
  constructor(readonly text: string) {}
}

/**
 * What a bundle is made of. A string is foreign unless it is {@link Own}: a field that is added later cannot show anything
 * because someone forgot to say what it is.
 */
export type Piece =
  | Own
  | Foreign
  | Prose
  | Label
  | string
  | number
  | boolean
  | null
  | undefined
  | readonly Piece[]
  | {readonly [key: string]: Piece}

export const own = Own.of
export const oneOf = Own.from
export const commitOf = Own.commit
export const foreign = (kind: Kind, text: string | undefined): Foreign | undefined =>
  text === undefined ? undefined : new Foreign(kind, text)
export const prose = (text: string | undefined): Prose | undefined =>
  text === undefined ? undefined : new Prose(text)
export const label = (text: string | undefined): Label | undefined =>
  text === undefined ? undefined : new Label(text)
