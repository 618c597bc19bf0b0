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

/** The same, where each step that counts nothing itself is a part of one whole. */
export function countedAs(part: Part, progress: Progress): Progress {
  return {
    step: (text, own = part) => {
      progress.step(text, own)
    },
    wait: (text) => {
      progress.wait(text)
    },
    pause: (text) => {
      progress.pause?.(text)
    },
  }
}

export const noProgress: Progress = {step: () => undefined, wait: () => undefined}
