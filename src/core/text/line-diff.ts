/** Lines of an old text that lines of a new one replace. Positions count from 0; the ends are exclusive. */
export interface LineChange {
  readonly oldStart: number
  readonly oldEnd: number
  readonly newStart: number
  readonly newEnd: number
}

/** Edits after which a difference counts as one large change: the effort grows with their square. */
const MAX_EDITS = 1_000

/**
 * Returns the shortest list of changes from one list of lines to another, in their order.
 * E. Myers, "An O(ND) Difference Algorithm and Its Variations".
 */
export function lineChanges(from: readonly string[], to: readonly string[]): LineChange[] {
  let start = 0
  while (start < from.length && start < to.length && from[start] === to[start]) start++
  let [fromEnd, toEnd] = [from.length, to.length]
  while (fromEnd > start && toEnd > start && from[fromEnd - 1] === to[toEnd - 1]) {
    fromEnd--
    toEnd--
  }
  if (fromEnd === start && toEnd === start) return []
  const whole = { oldStart: start, oldEnd: fromEnd, newStart: start, newEnd: toEnd }
  if (fromEnd === start || toEnd === start) return [whole]
  const trace = frontiers(from.slice(start, fromEnd), to.slice(start, toEnd))
  return trace ? changesOf(trace, fromEnd - start, toEnd - start, start) : [whole]
}

/** The furthest positions in the old lines by diagonal, from -n to n around the middle. */
type Frontier = Int32Array

const frontier = (edits: number): Frontier => new Int32Array(2 * edits + 3).fill(-1)
const middle = ({ length }: Frontier): number => (length - 1) / 2
const at = (furthest: Frontier, diagonal: number): number => furthest[middle(furthest) + diagonal] ?? -1

/** Returns the frontier before each number of edits. Undefined: too many edits. */
function frontiers(from: readonly string[], to: readonly string[]): Frontier[] | undefined {
  const trace: Frontier[] = []
  let furthest = frontier(0)
  furthest[middle(furthest) + 1] = 0
  for (let edits = 0; edits <= Math.min(from.length + to.length, MAX_EDITS); edits++) {
    trace.push(furthest)
    const next = frontier(edits + 1)
    next.set(furthest, 1)
    for (let diagonal = -edits; diagonal <= edits; diagonal += 2) {
      let x = stepsDown(furthest, diagonal, edits) ? at(furthest, diagonal + 1) : at(furthest, diagonal - 1) + 1
      while (x < from.length && x - diagonal < to.length && from[x] === to[x - diagonal]) x++
      next[middle(next) + diagonal] = x
      if (x >= from.length && x - diagonal >= to.length) return trace
    }
    furthest = next
  }
  return undefined
}

/** Returns whether the last edit on a diagonal is a line of the new text. */
const stepsDown = (furthest: Frontier, diagonal: number, edits: number): boolean =>
  diagonal === -edits || (diagonal !== edits && at(furthest, diagonal - 1) < at(furthest, diagonal + 1))

/** Walks back through the frontiers, and joins edits that follow each other. */
function changesOf(trace: readonly Frontier[], fromLength: number, toLength: number, offset: number): LineChange[] {
  const changes: LineChange[] = []
  let [x, y] = [fromLength, toLength]
  for (let edits = trace.length - 1; edits > 0; edits--) {
    const furthest = trace[edits] as Frontier
    const isNew = stepsDown(furthest, x - y, edits)
    const before = isNew ? x - y + 1 : x - y - 1
    const oldStart = at(furthest, before)
    const newStart = oldStart - before
    // The lines after the edit are equal.
    const [oldEnd, newEnd] = isNew ? [oldStart, newStart + 1] : [oldStart + 1, newStart]
    const edit = {
      oldStart: oldStart + offset,
      oldEnd: oldEnd + offset,
      newStart: newStart + offset,
      newEnd: newEnd + offset,
    }
    const next = changes[0]
    if (next && next.oldStart === edit.oldEnd && next.newStart === edit.newEnd) {
      changes[0] = { ...edit, oldEnd: next.oldEnd, newEnd: next.newEnd }
    } else changes.unshift(edit)
    ;[x, y] = [oldStart, newStart]
  }
  return changes
}
