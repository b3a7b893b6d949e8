import { FlagTable } from '../../entries/flags.ts'
import { FolderIndex } from '../../entries/folder-index.ts'
import type { Folder } from '../../folder.ts'
import type { MessageEntry } from '../../message-entry.ts'
import type { Origin } from '../../origin.ts'
import type { FolderSnapshot, MessageStore, UidRange } from '../../types.ts'
import { type Numbers, sameFlags } from './numbering.ts'

type Listener = Parameters<MessageStore['watch']>[0]

/** New flags of a message. */
export interface NewFlags {
  readonly uid: number
  readonly flags: readonly string[]
  readonly modSeq: number
}

/** The messages that a view shows, with the uids of the view. Listeners get its changes as the events of a folder. */
export class ShownMessages {
  readonly #folder: () => Folder
  readonly #listeners = new Set<Listener>()
  /** The uids of the messages, by blob. */
  readonly #uids = new Map<string, number>()
  readonly #flags = new FlagTable()
  #vanished: { readonly uid: number; readonly modSeq: number }[] = []
  #index = new FolderIndex()

  /** @param folder returns the view as a folder, for the events */
  constructor(folder: () => Folder) {
    this.#folder = folder
  }

  /** Returns the messages at this moment. */
  snapshot({ uidNext, modSeq: highestModSeq }: Numbers): FolderSnapshot {
    return { ...this.#index.snapshot(), uidNext, highestModSeq }
  }

  /** Returns the entries in uid order. */
  list(range?: UidRange): readonly MessageEntry[] {
    return this.#index.list(range)
  }

  entry(uid: number): MessageEntry | undefined {
    return this.#index.find(uid)
  }

  /** Returns the uid of the message with these octets. */
  uidOf(blob: string): number | undefined {
    return this.#uids.get(blob)
  }

  /** Returns the entries added or changed after a modSeq, in uid order. */
  changedSince(modSeq: number): MessageEntry[] {
    return this.#index.changedSince(modSeq)
  }

  /** Returns the uids of messages that left the view after a modSeq. */
  vanishedSince(modSeq: number): number[] {
    return this.#vanished.filter((one) => one.modSeq > modSeq).map(({ uid }) => uid)
  }

  /** Replaces what `vanishedSince` knows. */
  setVanished(all: Iterable<{ readonly uid: number; readonly modSeq: number }>): void {
    this.#vanished = [...all]
  }

  /** Calls a listener for every change. Returns a function that stops it. */
  watch(listener: Listener): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Removes messages. Uids of messages that are not shown count as vanished, too. */
  expunge(uids: readonly number[], modSeq: number, origin?: Origin): void {
    for (const uid of uids) this.#vanished.push({ uid, modSeq })
    const gone = this.#index.pick(uids)
    if (gone.length === 0) return
    for (const { blob } of gone) this.#uids.delete(blob)
    const goneUids = gone.map(({ uid }) => uid)
    this.#index.remove(goneUids, modSeq)
    this.#emit({ type: 'expunged', folder: this.#folder(), uids: goneUids, modSeq, ...originOf(origin) })
  }

  /** Adds messages that are not shown yet. */
  add(entries: readonly MessageEntry[], origin?: Origin): void {
    if (entries.length === 0) return
    for (const { blob, uid } of entries) this.#uids.set(blob, uid)
    const added = entries.map((entry) => ({ ...entry, flags: this.#flags.canonical(entry.flags) }))
    const isLast = added.every(({ uid }) => uid >= this.#index.uidNext)
    const all = isLast ? added : [...this.#index.list(), ...added]
    if (!isLast) this.#index = new FolderIndex()
    this.#index.append(all.sort((a, b) => a.uid - b.uid))
    this.#emit({ type: 'appended', folder: this.#folder(), entries, ...originOf(origin) })
  }

  /** Sets the flags of messages, if they are shown. */
  setFlags(all: readonly NewFlags[], origin?: Origin): void {
    const changed: MessageEntry[] = []
    for (const { uid, flags, modSeq } of all) {
      const old = this.#index.find(uid)
      if (!old || (sameFlags(old.flags, flags) && old.modSeq === modSeq)) continue
      changed.push({ ...old, flags: this.#flags.canonical(flags), modSeq })
    }
    if (changed.length === 0) return
    this.#index.replace(changed)
    this.#emit({ type: 'flags', folder: this.#folder(), entries: changed, ...originOf(origin) })
  }

  #emit(event: Parameters<Listener>[0]): void {
    for (const listener of this.#listeners) listener(event)
  }
}

const originOf = (origin: Origin | undefined): { readonly origin?: Origin } => (origin === undefined ? {} : { origin })
