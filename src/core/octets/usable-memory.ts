import os from 'node:os'

/** Returns the memory that this process may use: that of the machine, or a container's limit. */
export function usableMemory(): number {
  const limit = process.constrainedMemory()
  return limit > 0 && limit < os.totalmem() ? limit : os.totalmem()
}
