import {SourceMap, type SourceMapPayload} from 'node:module'
import path from 'node:path'
import {fileURLToPath} from 'node:url'
import {filesSync as fs} from '../system/disk.js'

/** The end of a stack frame; the path may contain blanks. */
const PLACE = /^ {4}at (?:[^(]{0,200}\()?((?:file:\/\/|\/|[A-Za-z]:[\\/]).{1,500}):(\d{1,9}):(\d{1,9})\)?$/

/**
 * Frames of a stack trace with places in the sources instead of the built file. node can do this itself, but would then
 * read the source maps at every start.
 */
export function inSources(frames: readonly string[]): string[] {
  const maps = new Map<string, SourceMap | undefined>()
  return frames.map((frame) => {
    const [, place = '', line, column] = PLACE.exec(frame) ?? []
    if (place === '') return frame
    const file = pathOf(place)
    if (!maps.has(file)) maps.set(file, mapOf(file))
    const found = maps.get(file)?.findEntry(Number(line) - 1, Number(column) - 1)
    if (!found || !('originalSource' in found)) return frame
    const source = path.resolve(path.dirname(file), found.originalSource)
    return frame.replace(
      `${place}:${line}:${column}`,
      `${source}:${found.originalLine + 1}:${found.originalColumn + 1}`,
    )
  })
}

function pathOf(place: string): string {
  try {
    return place.startsWith('file://') ? fileURLToPath(place) : place
  } catch {
    return place
  }
}

function mapOf(file: string): SourceMap | undefined {
  try {
    return new SourceMap(JSON.parse(fs.readFileSync(`${file}.map`, 'utf8')) as SourceMapPayload)
  } catch {
    return undefined
  }
}
