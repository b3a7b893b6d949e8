import os from 'node:os'

/** Returns the memory that this process may use: the machine's memory, or a container's limit. */
export function usableMemory(): number {
  const limit = process.constrainedMemory()
  return limit > 0 && limit < os.totalmem() ? limit : os.totalmem()
}
