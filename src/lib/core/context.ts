/** The time, so that tests can set it. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number
}

export const systemClock: Clock = {now: () => Date.now()}

/** Any JSON object, as the API gave it: fields that we do not know are kept. */
export type JsonObject = Record<string, unknown>

/** True for a JSON object (no array, no null). */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Told about what a use-case is doing while it takes long; the presenter may draw it. */
export interface Progress {
  step(text: string): void
  /** Says in the step's place why nothing moves; undefined: it goes on. Missing where nothing is drawn. */
  pause?(text: string | undefined): void
}

export const noProgress: Progress = {step: () => undefined}
