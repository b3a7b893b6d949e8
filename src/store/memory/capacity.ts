import { totalmem } from 'node:os'

const GIBIBYTE = 1024 ** 3

/** A share of the memory that this process may use (a container's limit, where there is one), at most 1 GiB. */
export function defaultMaxOctets(): number {
  const limit = process.constrainedMemory()
  const usable = limit > 0 && limit < totalmem() ? limit : totalmem()
  return Math.min(GIBIBYTE, Math.floor(usable / 2))
}
