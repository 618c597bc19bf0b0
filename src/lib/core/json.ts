/** Any JSON object, as the API gave it: fields that we do not know are kept. */
export type JsonObject = Record<string, unknown>

/** True for a JSON object (no array, no null). */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
