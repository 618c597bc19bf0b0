// Node's own file, as scripts/executable.mjs reads and changes it: ELF for Linux (elf(5)), PE for Windows ("PE Format" by
// Microsoft), both for 64 bits and little-endian.

/** By the machine that the headers name. */
const LINUX = new Map([
  [62, 'linux-x64'],
  [183, 'linux-arm64'],
])
const WINDOWS = new Map([[0x8664, 'win-x64']])

/**
 * What a node is for, and its version, without running it.
 *
 * @param {Buffer} file
 * @returns {{target?: string, version?: string}} without what could not be found
 */
export function inspectNode(file) {
  // As in process.release.headersUrl.
  const end = Math.max(0, file.indexOf('-headers.tar.gz'))
  const before = file.toString('latin1', Math.max(0, end - 30), end)
  return {target: targetOf(file), version: /node-v(\d+\.\d+\.\d+)$/.exec(before)?.[1]}
}

function targetOf(file) {
  if (file.length < 0x1000) return undefined
  if (file.toString('latin1', 0, 4) === '\x7fELF') return LINUX.get(file.readUInt16LE(18))
  const header = file.readUInt32LE(0x3c)
  if (file.toString('latin1', header, header + 4) !== 'PE\0\0') return undefined
  return WINDOWS.get(file.readUInt16LE(header + 4))
}

/** Kernels for arm64 have pages of 4, 16 or 64 KiB. */
const PAGE = 0x10000
const [LOAD, NOTE, PHDR] = [1, 4, 6]
const ALLOCATED = 2
const NOTE_NAME = 'NODE_SEA_BLOB'
const FUSE = 'NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2:'

/**
 * A node for Linux with the blob in it as a note, where node looks for it (src/node_sea_bin.cc, postject-api.h), and without
 * what only a debugger reads, as after `strip`.
 *
 * `node --build-sea` aligns what it adds to 4 KiB, and kernels with larger pages do not load that (Raspberry Pi 5: 16 KiB;
 * RHEL 8 on arm64: 64). Here the table of segments and the note have pages of their own, at the end of the file.
 *
 * @param {Buffer} file
 * @param {Buffer} blob
 * @returns {Buffer}
 */
export function withBlob(file, blob) {
  const old = readTable(file, number(file, 32), file.readUInt16LE(56), 56)
  const segments = old.map((bytes) => ({
    ...{bytes, type: bytes.readUInt32LE(0), offset: number(bytes, 8), address: number(bytes, 16)},
    ...{fileEnd: number(bytes, 8) + number(bytes, 32), end: number(bytes, 16) + number(bytes, 40)},
  }))
  const loads = segments.filter(({type}) => type === LOAD)
  const used = Math.max(...loads.map(({fileEnd}) => fileEnd))
  const highest = Math.max(...loads.map(({end}) => end))
  // A kernel before 5.18 assumes that the table is as far from the first segment in memory as in the file.
  const base = loads[0].address - loads[0].offset
  const start = roundUp(Math.max(used, highest - base), PAGE)

  const note = noteOf(blob)
  const noteStart = start + 56 * (segments.length + 2)
  const noteEnd = noteStart + note.length
  const table = segments.flatMap((one) => [
    one.type === PHDR ? segment(PHDR, start, base, noteStart - start, 8) : one.bytes,
    ...(one === loads.at(-1) ? [segment(LOAD, start, base, noteEnd - start, PAGE)] : []),
  ])
  table.push(segment(NOTE, noteStart, base, note.length, 4))

  // Only tools read sections: the system's package tools, for one.
  const sections = readTable(file, number(file, 40), file.readUInt16LE(60), 64)
  const names = sections[file.readUInt16LE(62)]
  const count = sections.findIndex((one, at) => at > 0 && (number(one, 8) & ALLOCATED) === 0)
  if (sections.slice(count).some((one) => (number(one, 8) & ALLOCATED) !== 0))
    throw new Error('the sections of this node are in another order')
  const text = Buffer.concat([
    file.subarray(number(names, 24), number(names, 24) + number(names, 32)),
    Buffer.from('.note.node.sea\0'),
  ])
  const headers = [
    ...sections.slice(0, count),
    section(number(names, 32), 7, ALLOCATED, noteStart + base, noteStart, note.length),
    section(names.readUInt32LE(0), 3, 0, 0, noteEnd, text.length),
  ]
  const headersStart = roundUp(noteEnd + text.length, 8)

  const head = Buffer.concat([file.subarray(0, used)], start)
  head.writeBigUInt64LE(BigInt(start), 32)
  head.writeUInt16LE(table.length, 56)
  head.writeBigUInt64LE(BigInt(headersStart), 40)
  head.writeUInt16LE(headers.length, 60)
  head.writeUInt16LE(headers.length - 1, 62)
  light(head)
  const end = Buffer.concat([text], headersStart - noteEnd)
  return Buffer.concat([head, ...table, note, end, ...headers])
}

function noteOf(blob) {
  const name = Buffer.concat([Buffer.from(NOTE_NAME)], roundUp(NOTE_NAME.length + 1, 4))
  const head = Buffer.alloc(12)
  head.writeUInt32LE(NOTE_NAME.length + 1, 0)
  head.writeUInt32LE(blob.length, 4)
  return Buffer.concat([head, name, blob], roundUp(12 + name.length + blob.length, 8))
}

/** A part of the file that is readable in memory, at its place in the file plus the base. */
function segment(type, offset, base, size, alignment) {
  const bytes = Buffer.alloc(56)
  bytes.writeUInt32LE(type, 0)
  bytes.writeUInt32LE(4, 4)
  const numbers = [offset, offset + base, offset + base, size, size, alignment]
  numbers.forEach((one, at) => bytes.writeBigUInt64LE(BigInt(one), 8 + 8 * at))
  return bytes
}

function section(name, type, flags, address, offset, size) {
  const bytes = Buffer.alloc(64)
  bytes.writeUInt32LE(name, 0)
  bytes.writeUInt32LE(type, 4)
  const numbers = [flags, address, offset, size]
  numbers.forEach((one, at) => bytes.writeBigUInt64LE(BigInt(one), 8 + 8 * at))
  bytes.writeBigUInt64LE(BigInt(type === 7 ? 4 : 1), 48)
  return bytes
}

/** The switch by which node knows that there is a blob. */
function light(file) {
  const at = file.indexOf(`${FUSE}0`)
  if (at === -1) throw new Error('this node cannot contain a program')
  file.write('1', at + FUSE.length)
}

/**
 * A node for Windows without its signature: with anything added it would be invalid, which is worse than none. It is the
 * end of the file.
 *
 * @param {Buffer} file
 * @returns {Buffer}
 */
export function withoutSignature(file) {
  const entry = optionalHeader(file) + 144
  const [start, size] = [file.readUInt32LE(entry), file.readUInt32LE(entry + 4)]
  if (size === 0) return file
  if (start + size !== file.length) throw new Error('the signature of this node is not at its end')
  const bytes = Buffer.from(file.subarray(0, start))
  bytes.fill(0, entry, entry + 8)
  return bytes
}

/**
 * The same file with the checksum that its header must have: the sum of its 16-bit words with the carry added, plus its
 * length, without the checksum itself.
 *
 * @param {Buffer} file
 * @returns {Buffer}
 */
export function withChecksum(file) {
  const bytes = Buffer.concat([file], roundUp(file.length, 2))
  const at = optionalHeader(bytes) + 64
  bytes.writeUInt32LE(0, at)
  let sum = 0
  for (let i = 0; i < bytes.length; i += 2) sum += bytes[i] + bytes[i + 1] * 256
  while (sum > 0xffff) sum = (sum % 0x10000) + Math.floor(sum / 0x10000)
  bytes.writeUInt32LE(sum + file.length, at)
  return bytes
}

function optionalHeader(file) {
  return file.readUInt32LE(0x3c) + 24
}

function readTable(file, start, count, size) {
  return Array.from({length: count}, (_, at) => file.subarray(start + size * at, start + size * (at + 1)))
}

function number(bytes, at) {
  return Number(bytes.readBigUInt64LE(at))
}

function roundUp(value, unit) {
  return Math.ceil(value / unit) * unit
}
