import fc from 'fast-check'
import path from 'node:path'
import {describe, expect, it} from 'vitest'
import {LOAD, NOTE, notLoadable, PHDR, segmentsOf} from '../support/elf.js'

const {inspectNode, withBlob, withChecksum, withoutSignature} = (await import(
  path.resolve(import.meta.dirname, '../../scripts/node-binary.mjs')
)) as {
  inspectNode: (file: Buffer) => {target?: string; version?: string}
  withBlob: (file: Buffer, blob: Buffer) => Buffer
  withChecksum: (file: Buffer) => Buffer
  withoutSignature: (file: Buffer) => Buffer
}

const FUSE = 'NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2:'
const VERSION = 'https://nodejs.org/download/release/v26.1.2/node-v26.1.2-headers.tar.gz'
const BASE = 0x400000

/** An ELF file as node's: code, data with memory beyond its end, then what only a debugger reads. */
function elf({machine = 183, bss = 0x30000}: {machine?: number; bss?: number} = {}): Buffer {
  const data = 0x10000
  const file = Buffer.alloc(0x13000)
  file.write('\x7fELF\x02\x01\x01', 'latin1')
  file.writeUInt16LE(machine, 18)
  file.write(`${VERSION}\0${FUSE}0`, data + 0x100, 'latin1')
  const table = [
    [PHDR, 64, BASE + 64, 4 * 56, 4 * 56, 8],
    [LOAD, 0, BASE, 0x1000, 0x1000, 0x10000],
    [LOAD, data, BASE + 0x10000 + data, 0x1000, 0x1000 + bss, 0x10000],
    [NOTE, 0x800, BASE + 0x800, 0x20, 0x20, 4],
  ]
  file.writeBigUInt64LE(64n, 32)
  file.writeUInt16LE(table.length, 56)
  for (const [
    at,
    [type = 0, offset = 0, address = 0, size = 0, memory = 0, alignment = 0],
  ] of table.entries()) {
    file.writeUInt32LE(type, 64 + 56 * at)
    const numbers = [offset, address, address, size, memory, alignment]
    for (const [which, one] of numbers.entries()) file.writeBigUInt64LE(BigInt(one), 72 + 56 * at + 8 * which)
  }
  // Sections: none, data (allocated), symbols (not), names.
  const sections = 0x12000
  file.write('\0.data\0.symtab\0.shstrtab\0', 0x11800, 'latin1')
  for (const [at, [name = 0, flags = 0, offset = 0, size = 0]] of [
    [],
    [1, 2, data, 0x1000],
    [7, 0, 0x11000, 0x800],
    [15, 0, 0x11800, 25],
  ].entries()) {
    file.writeUInt32LE(name, sections + 64 * at)
    for (const [where, one] of [
      [8, flags],
      [24, offset],
      [32, size],
    ] as const)
      file.writeBigUInt64LE(BigInt(one), sections + 64 * at + where)
  }
  file.writeBigUInt64LE(BigInt(sections), 40)
  file.writeUInt16LE(4, 60)
  file.writeUInt16LE(3, 62)
  return file
}

/** As node finds it (postject-api.h): by the segments that are notes. */
function blobIn(file: Buffer): Buffer | undefined {
  for (const {type, offset} of segmentsOf(file)) {
    if (type !== NOTE || file.toString('latin1', offset + 12, offset + 26) !== 'NODE_SEA_BLOB\0') continue
    const start = offset + 12 + Math.ceil(file.readUInt32LE(offset) / 4) * 4
    return file.subarray(start, start + file.readUInt32LE(offset + 4))
  }
  return undefined
}

const sizes = fc.record({
  blob: fc.uint8Array({minLength: 1, maxLength: 100_000}).map((bytes) => Buffer.from(bytes)),
  bss: fc.integer({min: 0, max: 0x200000}),
})

describe('a blob in a node for Linux', () => {
  it('is found where node looks for it, and the switch is on', () => {
    fc.assert(
      fc.property(sizes, ({blob, bss}) => {
        const made = withBlob(elf({bss}), blob)
        expect(blobIn(made)?.equals(blob)).toBe(true)
        expect(made.includes(`${FUSE}1`)).toBe(true)
      }),
    )
  })

  it('is loaded whatever the size of the pages: alone on its own, and aligned', () => {
    fc.assert(
      fc.property(sizes, ({blob, bss}) => {
        const made = withBlob(elf({bss}), blob)
        for (const page of [0x1000, 0x4000, 0x10000]) expect(notLoadable(made, page)).toEqual([])
      }),
    )
  })

  it('has the table of segments where old kernels assume it, in a segment that is loaded', () => {
    fc.assert(
      fc.property(sizes, ({blob, bss}) => {
        const made = withBlob(elf({bss}), blob)
        const segments = segmentsOf(made)
        const table = segments.find(({type}) => type === PHDR)
        expect(table).toMatchObject({
          offset: Number(made.readBigUInt64LE(32)),
          address: BASE + Number(made.readBigUInt64LE(32)),
          size: 56 * segments.length,
        })
        const loads = segments.filter(({type}) => type === LOAD)
        expect(loads.map(({address}) => address)).toEqual(
          loads.map(({address}) => address).toSorted((a, b) => a - b),
        )
        expect(loads.at(-1)).toMatchObject({offset: table?.offset, address: table?.address})
      }),
    )
  })

  it('leaves what is loaded as it was, and drops what only a debugger reads', () => {
    const before = elf()
    const made = withBlob(before, Buffer.from('blob'))
    const same = before.subarray(0x10000, 0x11000).toString('latin1').replace(`${FUSE}0`, `${FUSE}1`)
    expect(made.toString('latin1', 0x10000, 0x11000)).toBe(same)
    const start = Number(made.readBigUInt64LE(40))
    const names = Array.from({length: made.readUInt16LE(60)}, (_, at) => made.readUInt32LE(start + 64 * at))
    const text = Number(made.readBigUInt64LE(start + 64 * made.readUInt16LE(62) + 24))
    const nameOf = (at: number): string => made.toString('latin1', text + at, made.indexOf(0, text + at))
    expect(names.map(nameOf)).toEqual(['', '.data', '.note.node.sea', '.shstrtab'])
  })

  it('is refused by a program that could not read it', () => {
    const other = elf()
    other.fill(0, 0x10000, 0x11000)
    expect(() => withBlob(other, Buffer.from('blob'))).toThrow('cannot contain a program')
  })
})

/** A PE file whose end is its signature. */
function pe(signature: Buffer): Buffer {
  const file = Buffer.concat([Buffer.alloc(0x1000), signature])
  file.write('MZ', 'latin1')
  file.writeUInt32LE(0x80, 0x3c)
  file.write('PE\0\0', 0x80, 'latin1')
  file.writeUInt16LE(0x8664, 0x84)
  file.write(VERSION, 0x400, 'latin1')
  file.writeUInt32LE(signature.length === 0 ? 0 : 0x1000, 0x98 + 144)
  file.writeUInt32LE(signature.length, 0x98 + 148)
  return file
}

describe('a node for Windows', () => {
  it('loses its signature, and nothing else', () => {
    const plain = pe(Buffer.alloc(0))
    expect(withoutSignature(pe(Buffer.from('signature'))).equals(plain)).toBe(true)
    expect(withoutSignature(plain).equals(plain)).toBe(true)
  })

  it('is not cut where the signature is not its end', () => {
    expect(() =>
      withoutSignature(Buffer.concat([pe(Buffer.from('signature')), Buffer.from('more')])),
    ).toThrow('not at its end')
  })

  it('has the checksum of its bytes, whatever it was before', () => {
    const file = pe(Buffer.from('odd'))
    const made = withChecksum(file)
    file.writeUInt32LE(0xdeadbeef, 0x98 + 64)
    expect(withChecksum(file).equals(made)).toBe(true)
    // Swapping two words leaves the sum as it is; another byte does not.
    file[0x500] = 1
    expect(withChecksum(file).readUInt32LE(0x98 + 64)).toBe(made.readUInt32LE(0x98 + 64) + 1)
  })
})

describe('what a node is for', () => {
  it.each<[string, Buffer, object]>([
    ['Linux on arm64', elf(), {target: 'linux-arm64', version: '26.1.2'}],
    ['Linux on x64', elf({machine: 62}), {target: 'linux-x64', version: '26.1.2'}],
    ['another machine', elf({machine: 40}), {target: undefined, version: '26.1.2'}],
    ['Windows', pe(Buffer.alloc(0)), {target: 'win-x64', version: '26.1.2'}],
    ['nothing: a text', Buffer.from('#!/bin/sh\n'.repeat(1000)), {target: undefined, version: undefined}],
    ['nothing: it is empty', Buffer.alloc(0), {target: undefined, version: undefined}],
  ])('is read from its file: %s', (_, file, expected) => {
    expect(inspectNode(file)).toEqual(expected)
  })
})
