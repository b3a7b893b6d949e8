import { labelsOf } from '../names.ts'

/** Compares names in the canonical order: by their labels from the right, as octets. RFC 4034 section 6.1. */
export function compareNames(one: string, other: string): number {
  const [ours, theirs] = [one, other].map((name) => labelsOf(name).reverse()) as [string[], string[]]
  for (const [index, label] of ours.entries()) {
    const their = theirs[index]
    if (their === undefined) return 1
    const order = Buffer.compare(Buffer.from(label), Buffer.from(their))
    if (order !== 0) return order
  }
  return ours.length - theirs.length
}
