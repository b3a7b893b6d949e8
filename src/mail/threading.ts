/** What threading needs of a message. */
export interface Threadable {
  /** What THREAD answers with: sequence number or UID. */
  readonly number: number
  readonly messageId?: string
  /** Oldest first; see `threadAncestors`. */
  readonly ancestors: readonly string[]
  /** Decoded Subject. */
  readonly subject: string
  /** Sent date, milliseconds since the epoch; the internal date where that is missing. */
  readonly date: number
}

/** A message with its answers; without `number` it stands for a message that is not there. */
export interface Thread {
  readonly number?: number
  readonly children: readonly Thread[]
}

interface Node {
  message?: Threadable
  parent?: Node | undefined
  children: Node[]
}

/** THREAD=ORDEREDSUBJECT. RFC 5256 section 3. */
export function orderedSubject(messages: readonly Threadable[]): Thread[] {
  const groups = new Map<string, Threadable[]>()
  for (const message of [...messages].sort(byDate)) {
    const key = baseSubject(message.subject).base.toLowerCase()
    const group = groups.get(key)
    if (group) group.push(message)
    else groups.set(key, [message])
  }
  return [...groups.values()].map(([first, ...rest]) => ({
    number: (first as Threadable).number,
    children: rest.map(({ number }) => ({ number, children: [] })),
  }))
}

const byDate = (a: Threadable, b: Threadable): number => a.date - b.date || a.number - b.number

/** THREAD=REFERENCES. RFC 5256 section 3, its steps numbered as there. Without recursion: threads can be very deep. */
export function threadReferences(messages: readonly Threadable[]): Thread[] {
  let roots = pruned(linked(messages)) // (1) to (3)
  roots.sort(nodesByDate) // (4)
  roots = gathered(roots) // (5)
  const nodes = everyNode(roots)
  for (const node of nodes) node.children.sort(nodesByDate) // (4), (6)
  return toThreads(roots.sort(nodesByDate), nodes)
}

/** Parents before their children. */
function everyNode(roots: readonly Node[]): Node[] {
  const nodes = [...roots]
  for (let i = 0; i < nodes.length; i++) for (const child of nodes[i]?.children ?? []) nodes.push(child)
  return nodes
}

/** (1) and (2): parents and children by identifiers, loops avoided; the first link made stays unless its child says otherwise. */
function linked(messages: readonly Threadable[]): Node[] {
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
    const node = known && !known.message ? known : { children: [] } // a second message of one identifier stands alone
    node.message = message
    nodes.add(node)
    const parents = message.ancestors.map(nodeOf)
    for (let i = 1; i < parents.length; i++) {
      const child = parents[i] as Node
      if (!child.parent) adopt(parents[i - 1] as Node, child)
    }
    const parent = parents.at(-1)
    if (node.parent) disown(node)
    if (parent) adopt(parent, node)
  }
  return [...nodes].filter((node) => !node.parent)
}

function adopt(parent: Node, child: Node): void {
  if (child === parent) return
  if (child.children.length > 0)
    for (let above = parent.parent; above; above = above.parent) if (above === child) return
  child.parent = parent
  parent.children.push(child)
}

function disown(child: Node): void {
  const siblings = child.parent?.children ?? []
  siblings.splice(siblings.indexOf(child), 1)
  child.parent = undefined
}

/** (3): nodes without a message go; their children take their place, at the root only a single one does. */
function pruned(roots: readonly Node[]): Node[] {
  const kept = (node: Node): Node[] => (node.message ? [node] : node.children)
  for (const node of everyNode(roots).reverse()) node.children = node.children.flatMap(kept)
  return roots.flatMap((root) => (!root.message && root.children.length > 1 ? [root] : kept(root)))
}

function dateOf(node: Node): Threadable | undefined {
  let here: Node | undefined = node
  while (here && !here.message) here = here.children[0]
  return here?.message
}

function nodesByDate(a: Node, b: Node): number {
  const [left, right] = [dateOf(a), dateOf(b)]
  return left && right ? byDate(left, right) : 0
}

const subjectOf = (node: Node): string => dateOf(node)?.subject ?? ''

/** (5): roots of one base subject become one thread. */
function gathered(roots: readonly Node[]): Node[] {
  const table = new Map<string, Node>()
  for (const root of roots) {
    const { base, isReply } = baseSubject(subjectOf(root))
    const held = table.get(base.toLowerCase())
    if (base === '') continue
    const heldIsReply = held?.message !== undefined && baseSubject(subjectOf(held)).isReply
    if (!held || (held.message && !root.message) || (heldIsReply && root.message && !isReply))
      table.set(base.toLowerCase(), root)
  }
  const merged = new Map<Node, Node>() // what became of a held root
  return roots.filter((root) => !mergeInto(table, merged, root)).map((root) => merged.get(root) ?? root)
}

/** Puts `root` into the thread its subject belongs to; false where it is that thread itself. */
function mergeInto(table: ReadonlyMap<string, Node>, merged: Map<Node, Node>, root: Node): boolean {
  const { base, isReply } = baseSubject(subjectOf(root))
  const first = table.get(base.toLowerCase())
  if (base === '' || !first || first === root) return false
  const target = merged.get(first) ?? first
  if (!target.message && !root.message) target.children.push(...root.children)
  else if (!target.message) target.children.push(root)
  else if (isReply && !baseSubject(subjectOf(target)).isReply) target.children.push(root)
  else merged.set(first, { children: [target, root] })
  return true
}

function toThreads(roots: readonly Node[], nodes: readonly Node[]): Thread[] {
  const threads = new Map<Node, Thread>()
  const of = (node: Node): Thread => threads.get(node) ?? { children: [] }
  for (const node of [...nodes].reverse()) {
    const number = node.message ? { number: node.message.number } : {}
    threads.set(node, { ...number, children: node.children.map(of) })
  }
  return roots.map(of)
}

/** Threads as the THREAD response lists them: `(2)(3 6 (4 23)(44 7 96))`. RFC 5256 section 4. */
export function threadForm(threads: readonly Thread[]): string {
  const out: string[] = []
  const ahead: (Thread | string)[] = []
  const later = (list: readonly Thread[]): void => {
    for (const thread of [...list].reverse()) ahead.push(')', thread, '(')
  }
  later(threads)
  for (let next = ahead.pop(); next !== undefined; next = ahead.pop()) {
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

/** A subject without what replying and forwarding put around it. */
export interface BaseSubject {
  readonly base: string
  /** Something was removed that says reply or forward. */
  readonly isReply: boolean
}

const TRAILER = /(?:\s|\(fwd\))+$/i
const BLOB = String.raw`\[[^[\]]*\]\s*`
/** `*subj-blob subj-refwd`. RFC 5256 section 5. */
const LEADER = new RegExp(String.raw`^(?:${BLOB})*(?:re|fwd?)\s*(?:${BLOB})?:\s*`, 'i')
const LEADING_BLOB = new RegExp(`^${BLOB}`)
const FORWARDED = /^\[fwd:(.*)\]$/i

/** What stands behind it does not count. */
const MAX_SUBJECT = 4096

/** The base subject of a decoded Subject. RFC 5256 section 2.1. */
export function baseSubject(subject: string): BaseSubject {
  let base = subject.slice(0, MAX_SUBJECT).replace(/\s+/g, ' ').trim() // (1)
  let isReply = false
  for (;;) {
    if (/\(fwd\)\s*$/i.test(base)) isReply = true
    base = withoutLeaders(base.replace(TRAILER, ''), () => {
      isReply = true
    }) // (2) to (5)
    const inside = FORWARDED.exec(base)?.[1]
    if (inside === undefined) return { base, isReply }
    isReply = true // (6)
    base = inside.trim()
  }
}

function withoutLeaders(subject: string, replied: () => void): string {
  let base = subject
  for (;;) {
    const leader = LEADER.exec(base)
    const blob = leader ? null : LEADING_BLOB.exec(base)
    if (leader) {
      replied()
      base = base.slice(leader[0].length)
    } else if (blob && blob[0].length < base.length) base = base.slice(blob[0].length)
    else return base
  }
}
