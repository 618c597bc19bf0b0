'use strict'
const {createHash} = require('node:crypto')

/** Before the compiled code: what this is, and the SHA-256 of the text and of the code. As long as V8 wants it aligned. */
const MAGIC = Buffer.from('zt code 1'.padEnd(32, '\0'))
const HEAD_BYTES = MAGIC.length + 32

/**
 * Compiled code bound to its text. V8 looks at the text's length alone, and takes code that is damaged for what it is not:
 * it checks neither in a release (src/snapshot/code-serializer.cc, SerializedCodeData::SanityCheck).
 *
 * @param {Buffer} text
 * @param {Buffer} code
 * @returns {Buffer}
 */
module.exports.seal = (text, code) => Buffer.concat([MAGIC, digest(text, code), code])

/**
 * @param {Buffer} text
 * @param {Buffer | undefined} sealed
 * @returns {Buffer | undefined} undefined where it is not whole, or another text's
 */
module.exports.unseal = (text, sealed) => {
  if (sealed === undefined || sealed.length <= HEAD_BYTES) return undefined
  if (!sealed.subarray(0, MAGIC.length).equals(MAGIC)) return undefined
  const code = sealed.subarray(HEAD_BYTES)
  return digest(text, code).equals(sealed.subarray(MAGIC.length, HEAD_BYTES)) ? code : undefined
}

function digest(text, code) {
  // The length first, or text could pass for code.
  return createHash('sha256').update(`${text.length} `).update(text).update(code).digest()
}
