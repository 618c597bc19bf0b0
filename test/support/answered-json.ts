import fc from 'fast-check'

/** JSON as an answer of the API may have it: no negative zero, and no field `__proto__`, which zt refuses. */
export const answeredJson = fc
  .jsonValue({maxDepth: 2})
  .map((value) => JSON.stringify(value))
  .filter((text) => !text.includes('"__proto__"'))
  .map((text) => JSON.parse(text) as unknown)
