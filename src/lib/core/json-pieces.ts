/** How many characters a piece has at least, but for the last one. */
const LEAST = 64 * 1024
/** The members of a longer list are each made in one go. */
const MANY = 100

/**
 * The text of a document in pieces, as `JSON.stringify` makes it with an indent of 2: what is written of a whole account is
 * not held several times over. No piece ends inside a string.
 */
export function* jsonPieces(document: object, least = LEAST): Generator<string, void> {
  let piece = ''
  for (const part of partsOf(document, '')) {
    piece += part
    if (piece.length < least) continue
    yield piece
    piece = ''
  }
  if (piece !== '') yield piece
}

function* partsOf(value: object, indent: string): Generator<string, void> {
  const [open, close] = Array.isArray(value) ? ['[', ']'] : ['{', '}']
  const members: [lead: string, member: unknown][] = Array.isArray(value)
    ? value.map((member: unknown) => ['', member])
    : Object.entries(value).map(([name, member]) => [`${JSON.stringify(name)}: `, member])
  const inner = `${indent}  `
  let before = open
  for (const [lead, member] of members) {
    const isTakenApart = members.length < MANY && isPlain(member)
    const text = isTakenApart ? '' : (textOf(member, inner) ?? (open === '[' ? 'null' : undefined))
    // Of an object, JSON has no member that is undefined.
    if (text === undefined) continue
    yield `${before}\n${inner}${lead}${text}`
    if (isTakenApart) yield* partsOf(member, inner)
    before = ','
  }
  yield before === open ? open + close : `\n${indent}${close}`
}

function textOf(value: unknown, indent: string): string | undefined {
  // What JSON cannot say has no text, which the types leave out. A line break is never inside a string.
  const text = JSON.stringify(value, null, 2) as string | undefined
  return text?.replaceAll('\n', `\n${indent}`)
}

/** A list, or an object that is nothing but its members. */
function isPlain(value: unknown): value is object {
  if (typeof value !== 'object' || value === null || 'toJSON' in value) return false
  return (
    Array.isArray(value) || [Object.prototype, null].includes(Object.getPrototypeOf(value) as object | null)
  )
}
