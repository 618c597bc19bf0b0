import type {JsonObject} from '../../src/lib/core/json.js'

/** The JSON documents in what a command printed, among other text: each begins on a line of its own. */
export function documentsIn(text: string): JsonObject[] {
  const lines = text.split('\n')
  const documents: JsonObject[] = []
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at] ?? ''
    if (!line.startsWith('{')) continue
    const end = line === '{' ? lines.indexOf('}', at) : at
    if (end < 0) throw new Error(`a JSON document does not end: ${text}`)
    documents.push(JSON.parse(lines.slice(at, end + 1).join('\n')) as JsonObject)
    at = end
  }
  return documents
}
