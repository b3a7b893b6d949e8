/**
 * Comparisons that return a mask (all ones or all zeros) in a time independent of the values, as far as a just-in-time
 * compiler allows: no branch and no table index depends on a secret. For values from 0 to 2^30.
 */

/** Returns all ones if a < b. */
export function maskIfBelow(a: number, b: number): number {
  return (a - b) >> 31
}

/** Returns all ones if a = 0. */
export function maskIfZero(a: number): number {
  return ~((a | -a) >> 31)
}

/** Returns all ones if a = b. */
export function maskIfEqual(a: number, b: number): number {
  return maskIfZero(a ^ b)
}

/** Returns a where the mask is all ones, else b. */
export function selectByMask(mask: number, a: number, b: number): number {
  return (mask & a) | (~mask & b)
}
