export interface Segment {
  type: number
  offset: number
  address: number
  fileSize: number
  size: number
  alignment: number
}

export const [LOAD, NOTE, PHDR] = [1, 4, 6]

/** The segments of an ELF file (64 bits, little-endian), as the system's loader reads them. */
export function segmentsOf(file: Buffer): Segment[] {
  const start = Number(file.readBigUInt64LE(32))
  return Array.from({length: file.readUInt16LE(56)}, (_, at) => {
    const [offset, address, , fileSize, size, alignment] = Array.from({length: 6}, (_, which) =>
      Number(file.readBigUInt64LE(start + 56 * at + 8 + 8 * which)),
    ) as [number, number, number, number, number, number]
    return {type: file.readUInt32LE(start + 56 * at), offset, address, fileSize, size, alignment}
  })
}

/** What a kernel with pages of this size would not load: segments that are misaligned for it, or share a page. */
export function notLoadable(file: Buffer, page: number): string[] {
  const loads = segmentsOf(file).filter(({type}) => type === LOAD)
  const hex = ({address}: Segment): string => address.toString(16)
  const misaligned = loads.filter(({offset, address}) => offset % page !== address % page)
  const shared = loads.filter((one, at) => {
    const next = loads[at + 1]
    return (
      next !== undefined && Math.floor((one.address + one.size - 1) / page) >= Math.floor(next.address / page)
    )
  })
  return [
    ...misaligned.map((one) => `misaligned: ${hex(one)}`),
    ...shared.map((one) => `shares a page: ${hex(one)}`),
  ]
}
