/** A long command lets other sessions in after so long. */
const SLICE_MS = 20

export interface Pacer {
  readonly isOver: () => boolean
  readonly rest: () => Promise<void>
}

/** Tells when a long command has had its slice of time. */
export function pacer(): Pacer {
  let end = performance.now() + SLICE_MS
  return {
    isOver: () => performance.now() > end,
    async rest() {
      await new Promise(setImmediate)
      end = performance.now() + SLICE_MS
    },
  }
}
