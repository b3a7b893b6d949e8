import type { Folder, MessageEntry, MessageStore } from '../../store/types.ts'
import { PUBLIC_OWNER } from '../../store/types.ts'
import { Article } from '../article.ts'
import { hasPassed } from '../path.ts'
import type { Wildmat } from '../wildmat.ts'

/** An article for a peer. */
export interface Outgoing {
  readonly messageId: string
  readonly raw: Buffer
}

interface Saved {
  /** The last article looked at, a group. */
  readonly sent: Readonly<Record<string, number>>
  /** Articles that the peer asked to be offered again. */
  readonly deferred: readonly string[]
}

export interface QueueOptions {
  readonly store: MessageStore
  /** Under which the store keeps the position. */
  readonly key: string
  readonly groups: Wildmat
  /** What the peer calls itself. */
  readonly peer: string
}

/** Entries looked at in one go, and octets sent in one go. */
const BATCH = 64
const BATCH_OCTETS = 4 << 20

/**
 * What is still to be sent to a peer: a position in every group, kept by the store, so that the queue is as long as the
 * groups are and takes no memory. Nothing is lost when the peer or the lab is down.
 */
export class FeedQueue {
  readonly #options: QueueOptions
  #sent = new Map<string, number>()
  #deferred = new Set<string>()

  constructor(options: QueueOptions) {
    this.#options = options
  }

  async load(): Promise<void> {
    const text = await this.#options.store.getState(this.#options.key)
    const saved: Saved = text === undefined ? { sent: {}, deferred: [] } : JSON.parse(text)
    this.#sent = new Map(Object.entries(saved.sent))
    this.#deferred = new Set(saved.deferred)
  }

  /**
   * The next articles; empty: there is none now. The batch counts as dealt with once `settle` is called.
   * @param withDeferred also those that the peer put off before
   */
  async next(withDeferred: boolean): Promise<{ readonly articles: readonly Outgoing[]; readonly settle: Settle }> {
    if (withDeferred && this.#deferred.size > 0) return this.#nextDeferred()
    for (const folder of await this.#folders()) {
      const from = (this.#sent.get(folder.name) ?? 0) + 1
      const entries = await this.#page(folder, from)
      if (entries.length === 0) continue
      const { articles, last } = await this.#articles(folder, entries)
      return {
        articles,
        settle: async (deferred) => {
          this.#sent.set(folder.name, last)
          for (const messageId of deferred) this.#deferred.add(messageId)
          await this.#save()
        },
      }
    }
    return { articles: [], settle: undefined }
  }

  get hasDeferred(): boolean {
    return this.#deferred.size > 0
  }

  async #nextDeferred() {
    const batch = [...this.#deferred].slice(0, BATCH)
    const found = await Promise.all(batch.map((messageId) => this.#read(messageId)))
    return {
      articles: found.filter((article) => article !== undefined),
      settle: async (deferred: readonly string[]) => {
        for (const messageId of batch) if (!deferred.includes(messageId)) this.#deferred.delete(messageId)
        await this.#save()
      },
    }
  }

  /** Groups that the feed carries, and those that control messages are filed in. */
  async #folders(): Promise<readonly Folder[]> {
    const folders = await this.#options.store.listFolders(PUBLIC_OWNER)
    return folders.filter(({ name, newsgroup }) => newsgroup && (isControl(name) || this.#options.groups(name)))
  }

  async #page(folder: Folder, from: number): Promise<readonly MessageEntry[]> {
    const { store } = this.#options
    const { uidNext } = await store.status(folder.id)
    for (let at = from; at < uidNext; at += BATCH) {
      const page = await store.list(folder.id, { from: at, to: Math.min(uidNext, at + BATCH) - 1 })
      if (page.length > 0) return page
    }
    return []
  }

  async #articles(folder: Folder, entries: readonly MessageEntry[]) {
    const articles: Outgoing[] = []
    let last = 0
    let octets = 0
    for (const entry of entries) {
      if (octets > 0 && octets + entry.sizeOctets > BATCH_OCTETS) break
      last = entry.uid
      const raw = await this.#options.store.read(folder.id, entry.uid)
      if (!raw || entry.messageId === undefined || !(await this.#goes(folder, entry.messageId, raw))) continue
      octets += raw.length
      articles.push({ messageId: entry.messageId, raw })
    }
    return { articles, last }
  }

  /** Each article once, whatever groups it stands in, and never to where it has been. RFC 5537 section 3.6. */
  async #goes(folder: Folder, messageId: string, raw: Buffer): Promise<boolean> {
    const article = new Article(raw)
    if (hasPassed(article.value('path') ?? '', this.#options.peer)) return false
    if (isControl(folder.name)) return article.newsgroups().some(this.#options.groups)
    const names = (await this.#options.store.locate(messageId)).map((location) => location.folder.name)
    return names.filter(this.#options.groups).sort()[0] === folder.name
  }

  async #read(messageId: string): Promise<Outgoing | undefined> {
    const [location] = await this.#options.store.locate(messageId)
    const raw = location && (await this.#options.store.read(location.folder.id, location.uid))
    return raw && { messageId, raw }
  }

  async #save(): Promise<void> {
    const saved: Saved = { sent: Object.fromEntries(this.#sent), deferred: [...this.#deferred] }
    await this.#options.store.setState(this.#options.key, JSON.stringify(saved))
  }
}

/** Ends a batch: these Message-IDs are to be offered again, the others are done. Undefined: there was nothing to send. */
export type Settle = ((deferred: readonly string[]) => Promise<void>) | undefined

const isControl = (name: string): boolean => name === 'control' || name.startsWith('control.')
