import { baseSubject } from './subject.ts'

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

/** THREAD=REFERENCES. RFC 5256 section 3, its steps numbered as there. */
export function threadReferences(messages: readonly Threadable[]): Thread[] {
  let roots = linked(messages).flatMap((root) => pruned(root, true)) // (1) to (3)
  roots.sort(nodesByDate) // (4)
  roots = gathered(roots) // (5)
  return inOrder(roots).map(toThread) // (6)
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
  for (let above: Node | undefined = parent; above; above = above.parent) if (above === child) return
  child.parent = parent
  parent.children.push(child)
}

function disown(child: Node): void {
  const siblings = child.parent?.children ?? []
  siblings.splice(siblings.indexOf(child), 1)
  child.parent = undefined
}

/** (3): nodes without a message go; their children take their place, at the root only a single one does. */
function pruned(node: Node, isRoot: boolean): Node[] {
  node.children = node.children.flatMap((child) => pruned(child, false))
  if (node.message) return [node]
  return isRoot && node.children.length > 1 ? [node] : node.children
}

const dateOf = (node: Node): Threadable | undefined => node.message ?? node.children.map(dateOf)[0]

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

/** (4), (6): siblings by sent date. */
function inOrder(nodes: readonly Node[]): Node[] {
  for (const node of nodes) node.children = inOrder(node.children)
  return [...nodes].sort(nodesByDate)
}

const toThread = ({ message, children }: Node): Thread => ({
  ...(message ? { number: message.number } : {}),
  children: children.map(toThread),
})

/** Threads as the THREAD response lists them: `(2)(3 6 (4 23)(44 7 96))`. RFC 5256 section 4. */
export const threadForm = (threads: readonly Thread[]): string =>
  threads.map((thread) => `(${members(thread)})`).join('')

function members({ number, children }: Thread): string {
  const [only] = children
  const below = children.length === 1 && only ? members(only) : threadForm(children)
  return number === undefined ? below : [number, below].filter((text) => text !== '').join(' ')
}
