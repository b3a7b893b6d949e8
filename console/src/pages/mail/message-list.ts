import { signal } from '@preact/signals'
import { call } from '../../api/client.ts'
import { type LiveEvent, onLive } from '../../api/live.ts'
import { type Problem, problemOf } from '../../api/problem.ts'
import { folders } from '../../state/folders.ts'
import { belongs, hasFolder, isPlain, type MailFilter, type Summary, selectionOf } from './filter.ts'
import { LoadedRows } from './loaded-rows.ts'

const PAGE = 50
/** Pages that are read at the same time. Others wait until it is known whether they are still visible. */
const MAX_LOADS = 2
/** A list that the browser cannot update itself is read again this long after a change. */
const REFRESH_MS = 300
/** Rows that are searched for another copy of a message that arrives. */
const MAX_COPIES = 200
/** The lab repeats events after a reconnection. This long, the list is read again rather than updated. */
const SETTLE_MS = 5_000

/** The messages of a list, of which only those near the visible ones are loaded. Rows are counted from the newest. */
export class MessageList {
  readonly filter: MailFilter
  /** The open message, which stays loaded. */
  openId: string | undefined
  /** Grows with each change. Components that read rows subscribe to it by `#rowsNow`. */
  readonly #version = signal(0)
  readonly problem = signal<Problem | undefined>(undefined)
  readonly isLoaded = signal(false)
  /** Messages that have arrived since the list was opened. */
  readonly prepended = signal(0)
  readonly #rows = new LoadedRows<Summary>()
  /** Messages that are deleted soon, and are not shown any more. */
  readonly #doomed = new Set<string>()
  #doomedRows: number[] | undefined
  readonly #loading = new Map<number, Promise<void>>()
  #range: readonly [number, number] = [0, 0]
  #events: LiveEvent[] = []
  #refreshTimer: ReturnType<typeof setTimeout> | undefined
  #isRefreshing = false
  #settledAt = 0
  #generation = 0

  constructor(filter: MailFilter) {
    this.filter = filter
  }

  /** Reads the list, and follows its changes. Returns the function that stops it. */
  follow(): () => void {
    void this.refresh()
    const stop = onLive((event) => {
      if (!event.name.startsWith('message.') && event.name !== 'lab.reset') return
      if (this.#events.push(event) === 1) requestAnimationFrame(() => this.#apply())
    })
    return () => {
      stop()
      clearTimeout(this.#refreshTimer)
      this.#generation++
    }
  }

  get count(): number {
    return this.#rowsNow().length - this.#hidden().length
  }

  /** Returns a row; undefined if it is not loaded. */
  at(row: number): Summary | undefined {
    return this.#rowsNow().at(this.#withHidden(row))
  }

  /** Returns the row of a message; -1 if it is not loaded. */
  rowOf(id: string | undefined): number {
    const row = id === undefined || this.#doomed.has(id) ? -1 : this.#rowsNow().rowOf(id)
    return row - this.#hidden().filter((hidden) => hidden < row).length
  }

  /** Loads the pages around rows that are visible. */
  show(first: number, last: number): void {
    this.#range = [first, last]
    this.#loadVisible()
  }

  /** Reads the visible part again after a reconnection. */
  reconnect(): Promise<void> {
    this.#settledAt = Date.now() + SETTLE_MS
    return this.refresh()
  }

  /** Reads the visible part again, when only the lab knows what has changed. */
  async refresh(): Promise<void> {
    clearTimeout(this.#refreshTimer)
    this.#refreshTimer = undefined
    // The answer has what events before the request have told. Those that follow are applied to it.
    this.#apply()
    this.#isRefreshing = true
    const generation = ++this.#generation
    const [first, last] = this.#range
    const offset = Math.floor(first / PAGE) * PAGE
    const limit = Math.min(1_000, Math.max(PAGE, Math.ceil((last + 1 - offset) / PAGE) * PAGE))
    try {
      const { items, total } = await this.#read(offset, limit)
      if (generation !== this.#generation) return
      // New results of a search are at the top.
      if (this.isLoaded.value) this.prepended.value += Math.max(0, total - this.#rows.length)
      this.#rows.reset(total)
      this.#loading.clear()
      this.#rows.put(offset, items)
      this.problem.value = undefined
      this.isLoaded.value = true
      this.#afterRefresh(offset === 0 ? items.length : 0)
    } catch (error) {
      if (generation !== this.#generation) return
      this.#isRefreshing = false
      this.#apply()
      this.problem.value = problemOf(error)
    }
    this.#changed()
  }

  /** Hides messages that are deleted soon. */
  hide(ids: readonly string[]): void {
    for (const id of ids) this.#doomed.add(id)
    this.#changed()
  }

  unhide(ids: readonly string[]): void {
    for (const id of ids) this.#doomed.delete(id)
    this.#changed()
  }

  /** Changes rows immediately, before the lab has confirmed it. */
  patch(ids: readonly string[], change: (message: Summary) => Summary): void {
    for (const id of ids) this.#rows.change(id, change)
    this.#changed()
  }

  /** Returns the messages of rows that are loaded. */
  between(from: number, to: number): string[] {
    const found: string[] = []
    for (let row = Math.min(from, to); row <= Math.max(from, to); row++) {
      const message = this.at(row)
      if (message) found.push(message.id)
    }
    return found
  }

  /** Returns the messages of rows. Loads those that are not loaded. */
  async loadBetween(from: number, to: number): Promise<string[]> {
    const found: string[] = []
    const [first, last] = [Math.min(from, to), Math.max(from, to)]
    for (let start = first; start <= last; ) {
      const page = Math.floor(this.#withHidden(start) / PAGE)
      if (this.#rows.hasGap(page * PAGE, PAGE)) await (this.#loading.get(page) ?? this.#load(page))
      let end = start
      while (end < last && this.#withHidden(end + 1) < (page + 1) * PAGE) end++
      found.push(...this.between(start, end))
      start = end + 1
    }
    return found
  }

  /** Returns the rows, and lets the component that asks render again when they change. */
  #rowsNow(): LoadedRows<Summary> {
    void this.#version.value
    return this.#rows
  }

  #changed(): void {
    this.#doomedRows = undefined
    this.#version.value++
  }

  /** Returns the rows of hidden messages, counted with them, in ascending order. */
  #hidden(): readonly number[] {
    this.#doomedRows ??= [...this.#doomed]
      .map((id) => this.#rows.rowOf(id))
      .filter((row) => row !== -1)
      .sort((a, b) => a - b)
    return this.#doomedRows
  }

  /** Returns a row as it is counted with hidden messages. */
  #withHidden(row: number): number {
    let counted = row
    for (const hidden of this.#hidden()) if (hidden <= counted) counted++
    return counted
  }

  #read(offset: number, limit: number) {
    return call('messages.list', {
      ...selectionOf(this.filter),
      ...(this.filter.threads ? { threads: true } : { distinct: true }),
      offset,
      limit,
    })
  }

  #loadVisible(): void {
    const [first, last] = this.#range
    const end = last + this.#hidden().length
    for (let page = Math.floor(first / PAGE); page * PAGE <= end && this.#loading.size < MAX_LOADS; page++) {
      if (!this.#loading.has(page) && this.#rows.hasGap(page * PAGE, PAGE)) void this.#load(page)
    }
  }

  #load(page: number): Promise<void> {
    const loaded = this.#loadPage(page)
    this.#loading.set(page, loaded)
    return loaded
  }

  async #loadPage(page: number): Promise<void> {
    const generation = this.#generation
    const { length } = this.#rows
    try {
      const { items, total } = await this.#read(page * PAGE, PAGE)
      if (generation !== this.#generation) return
      this.#loading.delete(page)
      // Messages have come or gone while the page was read: its place is unknown.
      if (total !== length || length !== this.#rows.length) return this.#refreshSoon()
      this.#trim()
      this.#rows.put(page * PAGE, items)
      this.#loadVisible()
    } catch (error) {
      if (generation !== this.#generation) return
      this.#loading.delete(page)
      this.problem.value = problemOf(error)
    }
    this.#changed()
  }

  #trim(): void {
    this.#rows.trim(...this.#range, (id) => id === this.openId || this.#doomed.has(id))
  }

  /** Reads the list again after a while, also where changes do not pause. */
  #refreshSoon(): void {
    this.#refreshTimer ??= setTimeout(() => {
      this.#refreshTimer = undefined
      if (this.#isRefreshing) this.#refreshSoon()
      else void this.refresh()
    }, REFRESH_MS)
  }

  /**
   * Applies the events that have arrived while the list was read.
   * @param known how many of the newest messages are loaded: among them, one that the answer had already is recognized
   */
  #afterRefresh(known: number): void {
    this.#isRefreshing = false
    const others = this.#events.filter(({ name }) => name !== 'message.received')
    if (this.#events.length - others.length > known) {
      this.#events = others
      this.#refreshSoon()
    }
    this.#apply()
    this.#loadVisible()
  }

  /** Applies the events of a frame together. */
  #apply(): void {
    if (this.#isRefreshing || this.#events.length === 0) return
    const events = this.#events
    this.#events = []
    if (!this.isLoaded.value) return
    const gone = new Set<string>()
    for (const { name, data } of events) {
      const message = data.message as Summary | undefined
      if (name === 'lab.reset') this.#refreshSoon()
      else if (name === 'message.received') this.#received(message)
      else if (name === 'message.changed' && message) this.#replace(message)
      else if (name === 'message.deleted') gone.add(data.id as string)
    }
    if (gone.size > 0) this.#remove(gone)
    this.#trim()
    this.#changed()
  }

  #received(message: Summary | undefined): void {
    if (!message || this.#rows.has(message.id) || !belongs(this.filter, message)) return
    if (!isPlain(this.filter) || Date.now() < this.#settledAt) return this.#refreshSoon()
    const copy = { id: message.id, account: message.account }
    const first = this.#copyOf(message)
    if (first) return this.#rows.change(first.id, (one) => ({ ...one, copies: [...(one.copies ?? []), copy] }))
    this.#rows.unshift({ ...message, copies: [copy] })
    this.prepended.value++
  }

  /** Returns the row with another copy of a message. Copies arrive together. */
  #copyOf({ content }: Summary): Summary | undefined {
    for (let row = 0; row < Math.min(MAX_COPIES, this.#rows.length); row++) {
      const one = this.#rows.at(row)
      if (one?.content === content) return one
    }
    return undefined
  }

  /** Returns messages with their copies: a row stands for all of them. */
  withCopies(ids: readonly string[]): string[] {
    return ids.flatMap((id) => {
      const row = this.#rows.rowOf(id)
      const copies = row === -1 ? undefined : this.#rows.at(row)?.copies
      return copies ? copies.map((copy) => copy.id) : [id]
    })
  }

  #replace(message: Summary): void {
    this.#rows.change(message.id, ({ thread, copies }) => ({ ...message, thread, copies }))
  }

  #remove(gone: ReadonlySet<string>): void {
    const isOfList = (id: string): boolean => {
      const folder = folders.value?.find((one) => id.startsWith(`${one.id}.`))
      return !folder || hasFolder(this.filter, folder)
    }
    for (const id of gone) this.#doomed.delete(id)
    // Another copy takes the place of a row.
    const hasOthers = [...gone].some((id) => this.withCopies([id]).some((copy) => !gone.has(copy)))
    if (hasOthers || this.filter.threads || [...gone].some((id) => !this.#rows.has(id) && isOfList(id)))
      this.#refreshSoon()
    this.#rows.remove(gone)
  }
}
