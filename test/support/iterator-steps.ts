type Next = (this: Iterator<unknown>) => IteratorResult<unknown>

/** The prototypes of the iterators of arrays, maps and sets. */
const prototypes = [[], new Map(), new Set()].map(
  (list) => Object.getPrototypeOf(list[Symbol.iterator]()) as { next: Next },
)

/**
 * Runs `work` and returns how many steps loops and spreads have made in arrays, maps and sets meanwhile. The number does
 * not depend on the speed of the machine.
 */
export async function countSteps(work: () => Promise<unknown>): Promise<number> {
  let steps = 0
  const originals = prototypes.map(({ next }) => next)
  for (const [at, prototype] of prototypes.entries()) {
    const next = originals[at] as Next
    prototype.next = function (this: Iterator<unknown>) {
      steps++
      return next.call(this)
    }
  }
  try {
    await work()
    return steps
  } finally {
    for (const [at, prototype] of prototypes.entries()) prototype.next = originals[at] as Next
  }
}
