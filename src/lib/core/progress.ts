/** Receives what a use-case is doing while it takes long; the presenter may draw it. */
export interface Progress {
  step(text: string): void
  /** A step that waits for someone else: also said, once, where nothing is drawn. */
  wait(text: string): void
  /** Shows why the step waits, instead of the step; undefined: it continues. Missing if nothing is drawn. */
  pause?(text: string | undefined): void
}

export const noProgress: Progress = {step: () => undefined, wait: () => undefined}
