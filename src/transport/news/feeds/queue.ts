import type { Folder } from '../../../storage/store/folder.ts'
import { PUBLIC_OWNER } from '../../../storage/store/folder.ts'
import type { MessageEntry } from '../../../storage/store/message-entry.ts'
import type { MessageStore } from '../../../storage/store/types.ts'
import { Article } from '../article.ts'
import { hasPassed } from '../path.ts'
import type { Wildmat } from '../wildmat.ts'

/** An article to send to a peer. */
export interface Outgoing {
  readonly messageId: string
  readonly raw: Buffer
}

/** An article that waits for a peer. */
interface QueuedArticle {
  readonly folder: Folder
  readonly uid: number
  readonly messageId: string
  readonly isDeferred: boolean
}

interface Saved {
  /** Number of the last article processed in each group. */
  readonly sent: Readonly<Record<string, number>>
  /** Message-IDs that the peer asked to be offered again. */
  readonly deferred: readonly string[]
}

interface QueueOptions {
  readonly store: MessageStore
  /** Key of the store's state that holds the position. */
  readonly key: string
  readonly groups: Wildmat
  /** The peer's path identity. */
  readonly peer: string
}

/** Most entries and most octets of a batch. */
const BATCH = 64
const BATCH_OCTETS = 4 << 20

/**
 * The articles still to be sent to a peer. The queue is a position in every group, kept in the store: it takes no memory,
 * and no article is lost while the peer or the lab is down.
 */
export class FeedQueue {
  readonly #options: QueueOptions
  #sent = new Map<string, number>()
  #deferred = new Set<string>()

  constructor(options: QueueOptions) {
    this.#options = options
  }

  async load(): Promise<void> {
    const { sent, deferred } = await this.#saved()
    this.#sent = new Map(Object.entries(sent))
    this.#deferred = new Set(deferred)
  }

  /**
   * Returns the next batch. It counts as processed once `settle` is called; `settle` is undefined if the queue is empty.
   * @param withDeferred whether to include the articles that the peer deferred
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

  /** Counts the articles that were not looked at yet, and those that the peer has deferred. */
  async count(): Promise<{ readonly waiting: number; readonly deferred: number }> {
    const { sent, deferred } = await this.#saved()
    let waiting = 0
    for (const folder of await this.#folders()) waiting += (await this.#unsent(folder, sent)).length
    return { waiting, deferred: deferred.length }
  }

  /** Returns the first articles of the queue: those that the peer has deferred, then those that were not looked at yet. */
  async first(limit: number): Promise<readonly QueuedArticle[]> {
    const { store } = this.#options
    const { sent, deferred } = await this.#saved()
    const found: QueuedArticle[] = []
    for (const messageId of deferred.slice(0, limit)) {
      const [at] = await store.locate(messageId)
      if (at) found.push({ folder: at.folder, uid: at.uid, messageId, isDeferred: true })
    }
    for (const folder of await this.#folders()) {
      if (found.length >= limit) break
      for (const { uid, messageId = '' } of await this.#unsent(folder, sent)) {
        if (found.length >= limit) break
        found.push({ folder, uid, messageId, isDeferred: false })
      }
    }
    return found
  }

  /** Returns the articles of a group that were not looked at yet. */
  async #unsent({ id, name }: Folder, sent: Saved['sent']): Promise<readonly MessageEntry[]> {
    const { store } = this.#options
    const { uidNext } = await store.status(id)
    return store.list(id, { from: (sent[name] ?? 0) + 1, to: uidNext - 1 })
  }

  async #saved(): Promise<Saved> {
    const text = await this.#options.store.getState(this.#options.key)
    return text === undefined ? { sent: {}, deferred: [] } : JSON.parse(text)
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
        for (const messageId of batch) this.#deferred.delete(messageId)
        // At the end, so that the next round offers others.
        for (const messageId of deferred) this.#deferred.add(messageId)
        await this.#save()
      },
    }
  }

  /** Returns the groups that the feed carries, and the groups that keep articles of other groups: control messages and `junk`. */
  async #folders(): Promise<readonly Folder[]> {
    const folders = await this.#options.store.listFolders(PUBLIC_OWNER)
    return folders.filter(({ name, newsgroup }) => newsgroup && (isCatchAll(name) || this.#options.groups(name)))
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
    using source = this.#options.store.readAhead(entries.map((entry) => ({ folder, entry })))
    for (const entry of entries) {
      if (octets > 0 && octets + entry.sizeOctets > BATCH_OCTETS) break
      last = entry.uid
      const raw = await source.read(folder.id, entry.uid)
      if (!raw || entry.messageId === undefined || !(await this.#shouldSend(folder, entry.messageId, raw))) continue
      octets += raw.length
      articles.push({ messageId: entry.messageId, raw })
    }
    return { articles, last }
  }

  /** Returns whether to send an article: once, from one of its groups, and never to a peer that it has passed. RFC 5537 section 3.6. */
  async #shouldSend(folder: Folder, messageId: string, raw: Buffer): Promise<boolean> {
    const article = new Article(raw)
    if (hasPassed(article.value('path') ?? '', this.#options.peer)) return false
    if (isCatchAll(folder.name)) return article.newsgroups().some(this.#options.groups)
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

/** Ends a batch: the given Message-IDs are offered again, the others are done. Undefined: there was nothing to send. */
type Settle = ((deferred: readonly string[]) => Promise<void>) | undefined

const isCatchAll = (name: string): boolean => name === 'junk' || name === 'control' || name.startsWith('control.')
