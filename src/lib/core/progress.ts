/** How much of a step is done, where that is known. */
export interface Part {
  done: number
  of: number
  /** What is counted, if the step does not say it. */
  unit?: string
}

/** Receives what a use-case is doing while it takes long; the presenter may draw it. */
export interface Progress {
  /** @param part from it, the time that is left is estimated */
  step(text: string, part?: Part): void
  /** A step that waits for someone else: also said, once, where nothing is drawn. */
  wait(text: string): void
  /** Shows why the step waits, instead of the step; undefined: it continues. Missing if nothing is drawn. */
  pause?(text: string | undefined): void
}

export const noProgress: Progress = {step: () => undefined, wait: () => undefined}
