/** Computations at the same time, of all labs of the process: sessions need the other processors and threads. */
const AT_ONCE = 2

let running = 0
const waiting: (() => void)[] = []

/** Runs a long computation when it is its turn, in the order of the calls. */
export async function inTurn<T>(compute: () => Promise<T>): Promise<T> {
  if (running < AT_ONCE) running++
  else await new Promise<void>((resolve) => waiting.push(resolve))
  try {
    return await compute()
  } finally {
    const next = waiting.shift()
    if (next) next()
    else running--
  }
}
