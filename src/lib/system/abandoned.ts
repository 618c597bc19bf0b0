let abandoned = false

/** Says that something still runs for whose end zt does not wait: the process must not wait for it either. */
export function abandon(): void {
  abandoned = true
}

export function isAbandoned(): boolean {
  return abandoned
}
