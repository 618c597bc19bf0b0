/** Of a buffer in {@link takeLarge}. */
export const LARGE = 1024 * 1024
/** One that is written and one that is filled, each way. */
const COUNT = 4
/** The program works on so many bytes at a time, and so goes past the end of what it masks. */
const STEP = 64
const PAGE = 65_536

/** What is used of it: the types of node lack it. */
declare const WebAssembly: {
  Memory: new (pages: {initial: number}) => {buffer: ArrayBuffer}
  Module: new (code: Uint8Array) => object
  Instance: new (module: object, imports: object) => {exports: Record<string, unknown>}
}

interface Program {
  memory: {buffer: ArrayBuffer}
  /** XORs the bytes from `start` to `end`, and up to {@link STEP} behind them, with a word. */
  mask: (start: number, end: number, word: number) => void
}

let program: Program | undefined
let free: Buffer[] | undefined

/**
 * A buffer whose content {@link mask} masks five times as fast. There are few of them, for all connections.
 *
 * @returns undefined if all are in use, or this node cannot run WebAssembly
 */
export function takeLarge(): Buffer | undefined {
  if (!free) {
    program = load()
    const {memory} = program ?? {}
    free = memory
      ? Array.from({length: COUNT}, (_, at) => Buffer.from(memory.buffer, at * (LARGE + STEP), LARGE))
      : []
  }
  return free.pop()
}

/** Call this only when nothing reads the buffer any more. @returns whether it is one of {@link takeLarge} */
export function giveLarge(buffer: Buffer): boolean {
  if (buffer.buffer !== program?.memory.buffer) return false
  free?.push(buffer)
  return true
}

/** XORs bytes of a buffer with a word again and again; its first byte is the lowest. Bytes behind them need not stay. */
export function mask(bytes: Buffer, start: number, end: number, word: number): void {
  if (bytes.buffer === program?.memory.buffer)
    program.mask(bytes.byteOffset + start, bytes.byteOffset + end, word)
  else maskByWords(bytes, start, end, word)
}

function maskByWords(bytes: Buffer, start: number, end: number, word: number): void {
  let at = start
  let key = word
  // Words must begin at a multiple of four.
  for (; at < end && ((bytes.byteOffset + at) & 3) !== 0; at++) {
    bytes[at]! ^= key & 0xff
    key = (key >>> 8) | (key << 24)
  }
  const count = (end - at) >> 2
  // Int32Array refuses this offset when there are no whole words.
  if (count > 0) {
    const words = new Int32Array(bytes.buffer, bytes.byteOffset + at, count)
    let i = 0
    // Four in one round are twice as fast.
    for (const last = count - 3; i < last; i += 4) {
      words[i]! ^= key
      words[i + 1]! ^= key
      words[i + 2]! ^= key
      words[i + 3]! ^= key
    }
    for (; i < count; i++) words[i]! ^= key
    at += count * 4
  }
  for (; at < end; at++) {
    bytes[at]! ^= key & 0xff
    key >>>= 8
  }
}

/** Undefined where there is no WebAssembly (--jitless), or no room for the addresses that V8 reserves (ulimit -v). */
function load(): Program | undefined {
  try {
    const memory = new WebAssembly.Memory({initial: Math.ceil((COUNT * (LARGE + STEP)) / PAGE)})
    const {exports} = new WebAssembly.Instance(new WebAssembly.Module(CODE), {zt: {memory}})
    return {memory, mask: exports['mask'] as Program['mask']}
  } catch {
    return undefined
  }
}

/**
 * 16 bytes with one instruction, which JavaScript cannot. In WebAssembly's text format:
 *
 *     (module
 *       (import "zt" "memory" (memory 1))
 *       (func (export "mask") (param $at i32) (param $end i32) (param $word i32) (local $key v128)
 *         (local.set $key (i32x4.splat (local.get $word)))
 *         (loop $next
 *           ;; the same for the offsets 16, 32 and 48
 *           (v128.store offset=0 (local.get $at) (v128.xor (v128.load offset=0 (local.get $at)) (local.get $key)))
 *           (br_if $next (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 64))) (local.get $end))))))
 */
const CODE = ((): Uint8Array<ArrayBuffer> => {
  const text = (word: string): number[] => [word.length, ...Buffer.from(word)]
  const section = (id: number, content: number[]): number[] => [id, content.length, ...content]
  const [I32, V128, AT, END, WORD, KEY] = [0x7f, 0x7b, 0, 1, 2, 3]
  const xor = (offset: number): number[] => [
    ...[0x20, AT, 0x20, AT, 0xfd, 0x00, 0, offset],
    ...[0x20, KEY, 0xfd, 0x51, 0xfd, 0x0b, 0, offset],
  ]
  const body = [
    ...[1, 1, V128, 0x20, WORD, 0xfd, 0x11, 0x21, KEY, 0x03, 0x40],
    ...[0, 16, 32, 48].flatMap(xor),
    ...[0x20, AT, 0x41, 0xc0, 0, 0x6a, 0x22, AT, 0x20, END, 0x49, 0x0d, 0, 0x0b, 0x0b],
  ]
  return Uint8Array.from([
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, [1, 0x60, 3, I32, I32, I32, 0]),
    ...section(2, [1, ...text('zt'), ...text('memory'), 2, 0, 1]),
    ...section(3, [1, 0]),
    ...section(7, [1, ...text('mask'), 0, 0]),
    ...section(10, [1, body.length, ...body]),
  ])
})()
