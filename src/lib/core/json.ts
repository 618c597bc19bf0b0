/** Any JSON object, as the API returned it, with the fields that zt does not know. */
export type JsonObject = Record<string, unknown>

/** True for a JSON object (no array, no null). */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
