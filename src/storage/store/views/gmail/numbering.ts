import type { Owner } from '../../folder.ts'
import type { MessageEntry } from '../../message-entry.ts'
import type { MessageStore } from '../../types.ts'
import type { ValueChanges, ValueSpace, Values } from '../../value-types.ts'

/** A copy of a message in a folder of the store. */
export interface Place {
  readonly folderId: string
  readonly uid: number
}

/** Identifies a copy in keys. */
export const placeKey = ({ folderId, uid }: Place): string => `${folderId}\n${uid}`

export function parsePlace(key: string): Place {
  const at = key.lastIndexOf('\n')
  return { folderId: key.slice(0, at), uid: Number(key.slice(at + 1)) }
}

/** The numbers of the next message of the view. */
export interface Numbers {
  readonly uidValidity: number
  readonly uidNext: number
  readonly modSeq: number
}

/** A message of the view. */
interface Numbered {
  readonly uid: number
  readonly modSeq: number
  readonly flags: readonly string[]
  /** The modSeq of each copy, by `placeKey`, up to which its changes are in the view. */
  readonly copies: Readonly<Record<string, number>>
}

interface Flagged {
  readonly uid: number
  readonly flags: readonly string[]
}

/** A change of the view. What was added comes in uid order. */
export interface ViewChange {
  readonly modSeq: number
  readonly gone: readonly number[]
  readonly added: readonly (Flagged & { readonly blob: string; readonly place: Place })[]
  readonly flags: readonly Flagged[]
}

/** A change of a copy. */
interface FoundCopy {
  readonly place: Place
  readonly entry: MessageEntry
}

/** The messages that a node has found in the mailboxes of an account. */
export interface Findings {
  /** In the order in which new messages get their uids. */
  readonly copies: readonly FoundCopy[]
  /** Blobs without copies. */
  readonly gone: readonly string[]
}

/** The view as the store has it. */
interface KeptView {
  readonly numbers: Numbers | undefined
  readonly messages: ReadonlyMap<string, Numbered>
  /** Changes that are kept, in their order. Those with expunged messages are kept for ever. */
  readonly changes: readonly ViewChange[]
}

/** Changes that are kept whole, for nodes that have not seen them. A node that was away for longer reads everything. */
const KEPT_CHANGES = 1_000

const NUMBERS = 'numbers'
const messageName = (blob: string): string => `m:${blob}`
const changeName = (modSeq: number): string => `c:${modSeq}`

/**
 * The uids and modSeqs of the view of all messages of an account. They are values of the store, so that all nodes give a
 * message the same ones, and nobody gives them twice. What several nodes find is recorded once.
 */
export class Numbering {
  readonly #store: Pick<MessageStore, 'values' | 'changeValues'>
  readonly #space: ValueSpace

  constructor(store: Pick<MessageStore, 'values' | 'changeValues'>, owner: Owner) {
    this.#store = store
    this.#space = { kind: 'all-mail', reader: owner }
  }

  /** Returns the numbers, which the first call for an account makes. @throws StoreError */
  async open(): Promise<Numbers> {
    const found = await this.#record({ copies: [], gone: [] }, firstNumbers(), [])
    return found.numbers
  }

  /** @throws StoreError */
  async readAll(): Promise<KeptView> {
    const values = await this.#store.values(this.#space)
    const messages = new Map<string, Numbered>()
    const changes: ViewChange[] = []
    for (const [name, content] of values) {
      if (name.startsWith('m:')) messages.set(name.slice(2), parseJson(content))
      else if (name.startsWith('c:')) changes.push(parseJson(content))
    }
    return { numbers: numbersIn(values), messages, changes: changes.sort((a, b) => a.modSeq - b.modSeq) }
  }

  /** Returns the changes after a modSeq up to another; undefined if some are no longer kept. @throws StoreError */
  async changesBetween(after: number, last: number): Promise<readonly ViewChange[] | undefined> {
    if (last - after > KEPT_CHANGES) return undefined
    const names = Array.from({ length: last - after }, (_, i) => changeName(after + 1 + i))
    const values = await this.#store.values({ ...this.#space, names })
    if (values.size < names.length) return undefined
    return names.map((name) => parseJson<ViewChange>(values.get(name) as Buffer))
  }

  /**
   * Records findings. Returns the numbers after that, and the change that was made: none if other nodes have recorded the
   * same. @param known the numbers if the store has lost them @throws StoreError
   */
  record(findings: Findings, known: Numbers): Promise<{ numbers: Numbers; change?: ViewChange }> {
    const blobs = new Set([...findings.copies.map(({ entry }) => entry.blob), ...findings.gone])
    return this.#record(findings, known, [...blobs])
  }

  async #record(
    findings: Findings,
    known: Numbers,
    blobs: readonly string[],
  ): Promise<{ numbers: Numbers; change?: ViewChange }> {
    const old = changeName(known.modSeq + 1 - KEPT_CHANGES)
    const space = { ...this.#space, names: [NUMBERS, old, ...blobs.map(messageName)] }
    // Usually another node was faster, or this one finds what it has done itself.
    let plan = planOf(await this.#store.values(space), findings, known, old)
    if (plan.values.size === 0) return plan
    await this.#store.changeValues(space, (current) => {
      plan = planOf(current, findings, known, old)
      return plan.values
    })
    return plan
  }
}

interface Plan {
  readonly values: ValueChanges
  readonly numbers: Numbers
  readonly change?: ViewChange
}

/** Returns what findings change in the values of the view. */
function planOf(current: Values, { copies, gone }: Findings, known: Numbers, old: string): Plan {
  const before = numbersIn(current)
  const { uidValidity, modSeq: last, uidNext: first } = before ?? known
  const modSeq = last + 1
  let uidNext = first
  const messages = new Map<string, Numbered>()
  const added = new Map<string, ViewChange['added'][number]>()
  const flags = new Map<number, readonly string[]>()
  const find = (blob: string): Numbered | undefined => {
    const kept = messages.get(blob)
    const content = kept ? undefined : current.get(messageName(blob))
    return kept ?? (content && parseJson<Numbered>(content))
  }
  for (const { place, entry } of copies) {
    const key = placeKey(place)
    const message = find(entry.blob)
    const copy = { [key]: entry.modSeq }
    if (!message) {
      const uid = uidNext++
      messages.set(entry.blob, { uid, modSeq, flags: entry.flags, copies: copy })
      added.set(entry.blob, { uid, flags: entry.flags, blob: entry.blob, place })
    } else if ((message.copies[key] ?? 0) < entry.modSeq) {
      // A message keeps its flags when it gets another label, with another copy.
      const isChanged = key in message.copies && !sameFlags(message.flags, entry.flags)
      const changed = isChanged ? { modSeq, flags: entry.flags } : {}
      messages.set(entry.blob, { ...message, ...changed, copies: { ...message.copies, ...copy } })
      if (isChanged && !added.has(entry.blob)) flags.set(message.uid, entry.flags)
    }
  }
  const lost = gone.flatMap((blob) => find(blob)?.uid ?? [])
  const values = new Map<string, Buffer | undefined>()
  for (const [blob, message] of messages) values.set(messageName(blob), jsonBuffer(message))
  for (const blob of gone) if (current.has(messageName(blob))) values.set(messageName(blob), undefined)
  const isChanged = lost.length + added.size + flags.size > 0
  const change: ViewChange = {
    modSeq,
    gone: lost.sort((a, b) => a - b),
    added: [...added.values()],
    flags: Array.from(flags, ([uid, these]) => ({ uid, flags: these })),
  }
  const numbers = { uidValidity, uidNext, modSeq: isChanged ? modSeq : last }
  if (isChanged) {
    values.set(changeName(modSeq), jsonBuffer(change))
    const outdated = current.get(old)
    if (outdated) values.set(old, shortened(parseJson(outdated)))
  }
  if (isChanged || !before) values.set(NUMBERS, jsonBuffer(numbers))
  return { values, numbers, ...(isChanged && { change }) }
}

/** Returns what stays of a change: the uids of expunged messages, for QRESYNC. RFC 7162 section 3.2.5.1 */
const shortened = (change: ViewChange): Buffer | undefined =>
  change.gone.length > 0 ? jsonBuffer({ ...change, added: [], flags: [] }) : undefined

const numbersIn = (values: Values): Numbers | undefined => {
  const content = values.get(NUMBERS)
  return content && parseJson<Numbers>(content)
}

export const firstNumbers = (): Numbers => ({ uidValidity: Math.floor(Date.now() / 1000), uidNext: 1, modSeq: 1 })

export const sameFlags = (one: readonly string[], other: readonly string[]): boolean =>
  one.length === other.length && one.every((flag) => other.includes(flag))

const parseJson = <T>(content: Buffer): T => JSON.parse(content.toString()) as T
const jsonBuffer = (value: object): Buffer => Buffer.from(JSON.stringify(value))
