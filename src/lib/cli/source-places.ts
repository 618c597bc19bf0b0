import fs from 'node:fs'
import {SourceMap, type SourceMapPayload} from 'node:module'
import path from 'node:path'

const PLACE = /(?<![^\s()])((?:file:\/\/)?(\/[^\s()]+|[A-Za-z]:[\\/][^\s()]+)):(\d+):(\d+)/

/**
 * Frames of a stack trace with the places in our sources instead of those in the file that was built. node does the same
 * with its source maps enabled, and reads them at every start then.
 */
export function inSources(frames: readonly string[]): string[] {
  const maps = new Map<string, SourceMap | undefined>()
  return frames.map((frame) => {
    const [, place = '', file = '', line, column] = PLACE.exec(frame) ?? []
    if (place === '') return frame
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

function mapOf(file: string): SourceMap | undefined {
  try {
    return new SourceMap(JSON.parse(fs.readFileSync(`${file}.map`, 'utf8')) as SourceMapPayload)
  } catch {
    return undefined
  }
}
