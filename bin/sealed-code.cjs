'use strict'
const {createHash} = require('node:crypto')

/** The header of the compiled code: its format, and the SHA-256 of source and code. Its length keeps V8's alignment. */
const MAGIC = Buffer.from('zt code 1'.padEnd(32, '\0'))
const HEAD_BYTES = MAGIC.length + 32

/**
 * Compiled code bound to its source. V8 compares only the source's length and would run damaged code: a release build
 * checks neither (src/snapshot/code-serializer.cc, SerializedCodeData::SanityCheck).
 *
 * @param {Buffer} text
 * @param {Buffer} code
 * @returns {Buffer}
 */
module.exports.seal = (text, code) => Buffer.concat([MAGIC, digest(text, code), code])

/**
 * @param {Buffer} text
 * @param {Buffer | undefined} sealed
 * @returns {Buffer | undefined} undefined if it is damaged or belongs to another source
 */
module.exports.unseal = (text, sealed) => {
  if (sealed === undefined || sealed.length <= HEAD_BYTES) return undefined
  if (!sealed.subarray(0, MAGIC.length).equals(MAGIC)) return undefined
  const code = sealed.subarray(HEAD_BYTES)
  return digest(text, code).equals(sealed.subarray(MAGIC.length, HEAD_BYTES)) ? code : undefined
}

function digest(text, code) {
  // The length comes first, or text could pass for code.
  return createHash('sha256').update(`${text.length} `).update(text).update(code).digest()
}
