import { sortInSteps } from '../../core/text/sorting.ts'
import type { Steps } from '../../core/time/time-slice.ts'

/** The facts about a message that threading needs. */
export interface Threadable {
  /** The number in THREAD's response: sequence number or UID. */
  readonly number: number
  readonly messageId?: string
  /** Oldest first; see `threadAncestors`. */
  readonly ancestors: readonly string[]
  /** Decoded Subject. */
  readonly subject: string
  /** Sent date, or the internal date if that is missing. Milliseconds since the epoch. */
  readonly date: number
}

/** A message with its replies. Without `number` it stands for a missing message. */
export interface Thread {
  readonly number?: number
  readonly children: readonly Thread[]
}

interface Node {
  message?: Threadable
  parent?: Node | undefined
  children: Node[]
}

/** Nodes, links or comparisons between two pauses. */
const STEP_NODES = 256

/** Groups messages by base subject: THREAD=ORDEREDSUBJECT. RFC 5256 section 3. */
export function* orderedSubject(messages: readonly Threadable[]): Steps<Thread[]> {
  const groups = new Map<string, Threadable[]>()
  for (const message of yield* sortInSteps(messages, compareDates)) {
    const key = baseSubject(message.subject).base.toLowerCase()
    const group = groups.get(key)
    if (group) group.push(message)
    else groups.set(key, [message])
    yield
  }
  return [...groups.values()].map(([first, ...rest]) => ({
    number: (first as Threadable).number,
    children: rest.map(({ number }) => ({ number, children: [] })),
  }))
}

const compareDates = (a: Threadable, b: Threadable): number => a.date - b.date || a.number - b.number

/**
 * Links messages by their References: THREAD=REFERENCES. RFC 5256 section 3, whose step numbers are in parentheses. Not
 * recursive, because threads can be very deep.
 */
export function* threadReferences(messages: readonly Threadable[]): Steps<Thread[]> {
  return yield* sortThreads(yield* mergeBySubject(yield* rootsByIdentifiers(messages))) // (5)
}

/** Links messages by their identifiers only: `threadReferences` without step 5, which merges threads by their subjects. */
export function* threadIdentifiers(messages: readonly Threadable[]): Steps<Thread[]> {
  return yield* sortThreads(yield* rootsByIdentifiers(messages))
}

function* rootsByIdentifiers(messages: readonly Threadable[]): Steps<readonly Node[]> {
  const roots = yield* pruneEmpty(yield* linkMessages(messages)) // (1) to (3)
  for (const root of roots) if (!root.message) root.children = yield* sortInSteps(root.children, nodesByDate)
  return yield* sortInSteps(roots, nodesByDate) // (4)
}

function* sortThreads(roots: readonly Node[]): Steps<Thread[]> {
  const nodes = everyNode(roots)
  for (const node of nodes) {
    if (node.children.length > 1) node.children = yield* sortInSteps(node.children, nodesByDate) // (4), (6)
  }
  return yield* toThreads(yield* sortInSteps(roots, nodesByDate), nodes)
}

/** Returns all nodes, parents before their children. */
function everyNode(roots: readonly Node[]): Node[] {
  const nodes = [...roots]
  for (let i = 0; i < nodes.length; i++) for (const child of nodes[i]?.children ?? []) nodes.push(child)
  return nodes
}

/** Links parents and children by identifier, without loops (1, 2). Only the child's own message changes an existing link. */
function* linkMessages(messages: readonly Threadable[]): Steps<Node[]> {
  const byId = new Map<string, Node>()
  const nodes = new Set<Node>()
  const nodeOf = (id: string): Node => {
    let node = byId.get(id)
    if (!node) byId.set(id, (node = { children: [] }))
    nodes.add(node)
    return node
  }
  for (const message of messages) {
    const known = message.messageId === undefined ? undefined : nodeOf(message.messageId)
    // A second message with the same identifier gets its own node.
    const node = known && !known.message ? known : { children: [] }
    node.message = message
    nodes.add(node)
    const parents = message.ancestors.map(nodeOf)
    for (let i = 1; i < parents.length; i++) {
      const child = parents[i] as Node
      if (!child.parent) yield* adopt(parents[i - 1] as Node, child)
    }
    const parent = parents.at(-1)
    if (node.parent) detachChild(node)
    if (parent) yield* adopt(parent, node)
    yield
  }
  return [...nodes].filter((node) => !node.parent)
}

/** Links two nodes, unless the child is above the parent already. */
function* adopt(parent: Node, child: Node): Steps<void> {
  if (child === parent) return
  if (child.children.length > 0) {
    let steps = 0
    for (let above = parent.parent; above; above = above.parent) {
      if (above === child) return
      if (++steps % STEP_NODES === 0) yield
    }
  }
  child.parent = parent
  parent.children.push(child)
}

function detachChild(child: Node): void {
  const siblings = child.parent?.children ?? []
  siblings.splice(siblings.indexOf(child), 1)
  child.parent = undefined
}

/** Replaces nodes without a message by their children, at the root only if there is a single child (3). */
function* pruneEmpty(roots: readonly Node[]): Steps<Node[]> {
  const nodes = everyNode(roots)
  yield
  /** The children that each node has in the end. Nodes without a message give theirs to the node above. */
  const kept = new Map<Node, Node[]>()
  for (const [i, node] of nodes.entries()) {
    const own: Node[] = node.message || !node.parent ? [] : (kept.get(node.parent) as Node[])
    kept.set(node, own)
    if (node.message && node.parent) kept.get(node.parent)?.push(node)
    if (i % STEP_NODES === 0) yield
  }
  for (const node of nodes) node.children = kept.get(node) as Node[]
  return roots.flatMap((root) => (root.message || root.children.length > 1 ? [root] : root.children))
}

function dateOf(node: Node): Threadable | undefined {
  let here: Node | undefined = node
  while (here && !here.message) here = here.children[0]
  return here?.message
}

function nodesByDate(a: Node, b: Node): number {
  const [left, right] = [dateOf(a), dateOf(b)]
  return left && right ? compareDates(left, right) : 0
}

const subjectOf = (node: Node): string => dateOf(node)?.subject ?? ''

/** Merges roots with the same base subject (5). */
function* mergeBySubject(roots: readonly Node[]): Steps<Node[]> {
  const subjects = new Map<Node, BaseSubject>()
  const table = new Map<string, Node>()
  const isReplyTo = (node: Node | undefined): boolean => (node && subjects.get(node)?.isReply) ?? false
  for (const root of roots) {
    const subject = baseSubject(subjectOf(root))
    subjects.set(root, subject)
    yield
    const base = subject.base.toLowerCase()
    const first = table.get(base)
    if (base === '') continue
    const firstIsReply = first?.message !== undefined && isReplyTo(first)
    if (!first || (first.message && !root.message) || (firstIsReply && root.message && !subject.isReply))
      table.set(base, root)
  }
  const merged = new Map<Node, Node>() // replacements of roots in the table
  const left: Node[] = []
  for (const root of roots) {
    const { base, isReply } = subjects.get(root) as BaseSubject
    const first = base === '' ? undefined : table.get(base.toLowerCase())
    if (!first || first === root) left.push(root)
    else mergeInto(first, merged, root, isReply && !isReplyTo(first))
  }
  return left.map((root) => merged.get(root) ?? root)
}

/** Merges `root` into the thread of `first`, which has the same subject. `answers`: whether it is a reply and `first` is not. */
function mergeInto(first: Node, merged: Map<Node, Node>, root: Node, answers: boolean): void {
  const target = merged.get(first) ?? first
  if (!target.message && !root.message) for (const child of root.children) target.children.push(child)
  else if (!target.message) target.children.push(root)
  else if (answers) target.children.push(root)
  else merged.set(first, { children: [target, root] })
}

function* toThreads(roots: readonly Node[], nodes: readonly Node[]): Steps<Thread[]> {
  const threads = new Map<Node, Thread>()
  const of = (node: Node): Thread => threads.get(node) ?? { children: [] }
  for (let i = nodes.length - 1; i >= 0; i--) {
    const node = nodes[i] as Node
    const number = node.message ? { number: node.message.number } : {}
    threads.set(node, { ...number, children: node.children.map(of) })
    if (i % STEP_NODES === 0) yield
  }
  return roots.map(of)
}

/** Formats threads for the THREAD response: `(2)(3 6 (4 23)(44 7 96))`. RFC 5256 section 4. */
export function* threadForm(threads: readonly Thread[]): Steps<string> {
  const out: string[] = []
  const ahead: (Thread | string)[] = []
  const later = (list: readonly Thread[]): void => {
    for (const thread of [...list].reverse()) ahead.push(')', thread, '(')
  }
  later(threads)
  let steps = 0
  for (let next = ahead.pop(); next !== undefined; next = ahead.pop()) {
    if (++steps % STEP_NODES === 0) yield
    if (typeof next === 'string') out.push(next)
    else {
      const [only] = next.children
      if (next.number !== undefined) out.push(only ? `${next.number} ` : String(next.number))
      if (only && next.children.length === 1) ahead.push(only)
      else later(next.children)
    }
  }
  return out.join('')
}

/** A subject without the additions of replies and forwards. */
interface BaseSubject {
  readonly base: string
  /** Whether a mark of a reply or forward was removed. */
  readonly isReply: boolean
}

const BLOB = String.raw`\[[^[\]]*\]\s*`
/** `*subj-blob subj-refwd`. RFC 5256 section 5. */
const LEADER = new RegExp(String.raw`^(?:${BLOB})*(?:re|fwd?)\s*(?:${BLOB})?:\s*`, 'i')
/** The blobs at the start, except one that nothing follows. */
const LEADING_BLOBS = new RegExp(String.raw`^(?:${BLOB})+(?=\S)`)
const FORWARDED = /^\[fwd:(.*)\]$/i

/** Longer subjects are cut. */
const MAX_SUBJECT_CHARS = 4096

/** Returns the base subject of a decoded Subject. RFC 5256 section 2.1, whose step numbers are in parentheses. */
export function baseSubject(subject: string): BaseSubject {
  let base = subject.slice(0, MAX_SUBJECT_CHARS).replace(/\s+/g, ' ').trim() // (1)
  let isReply = false
  for (;;) {
    const trimmed = withoutTrailers(base)
    if (trimmed.length < base.trimEnd().length) isReply = true
    base = withoutLeaders(trimmed, () => {
      isReply = true
    }) // (2) to (5)
    const inside = FORWARDED.exec(base)?.[1]
    if (inside === undefined) return { base, isReply }
    isReply = true // (6)
    base = inside.trim()
  }
}

/** Removes `(fwd)` and white space at the end (2). Not a regular expression, which would take quadratic time. */
function withoutTrailers(subject: string): string {
  const lower = subject.toLowerCase()
  // A character whose lower case is longer would shift the indexes.
  if (lower.length !== subject.length) return subject.trimEnd()
  let end = subject.trimEnd().length
  while (lower.endsWith('(fwd)', end)) end = subject.slice(0, end - 5).trimEnd().length
  return subject.slice(0, end)
}

function withoutLeaders(subject: string, replied: () => void): string {
  let base = subject
  for (;;) {
    const leader = LEADER.exec(base)
    const blobs = leader ? null : LEADING_BLOBS.exec(base)
    if (leader) {
      replied()
      base = base.slice(leader[0].length)
    } else if (blobs) base = base.slice(blobs[0].length)
    else return base
  }
}
