import { signal } from '@preact/signals'
import { call } from '../../api/client.ts'
import { type LiveEvent, onLive } from '../../api/live.ts'
import { type Problem, problemOf } from '../../api/problem.ts'
import { belongs, hasFolder, isPlain, type MailFilter, type Summary, selectionOf } from './filter.ts'
import { folders } from './folders.ts'

const PAGE = 100
/** A list that the browser cannot update itself is read again this long after a change. */
const REFRESH_MS = 300

/**
 * The messages of a list, of which only the pages that were visible are loaded. Rows are counted from the newest. Inside,
 * they are kept from the oldest, so that new messages change no position.
 */
export class MessageList {
  readonly filter: MailFilter
  /** Grows with each change. Components that read rows subscribe to it by `#rowsNow`. */
  readonly #version = signal(0)
  readonly problem = signal<Problem | undefined>(undefined)
  readonly isLoaded = signal(false)
  /** Messages that have arrived since the list was opened. */
  readonly prepended = signal(0)
  #rows: (Summary | undefined)[] = []
  #positions = new Map<string, number>()
  /** Messages that are deleted soon, and are not shown any more. */
  readonly #doomed = new Set<string>()
  #doomedRows: number[] | undefined
  readonly #loading = new Set<number>()
  #range: readonly [number, number] = [0, 0]
  #events: LiveEvent[] = []
  #refreshTimer: ReturnType<typeof setTimeout> | undefined
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
    return this.#rowsNow()[this.#positionOf(row)]
  }

  /** Returns the row of a message; -1 if it is not loaded. */
  rowOf(id: string | undefined): number {
    const { length } = this.#rowsNow()
    const position = id === undefined ? undefined : this.#positions.get(id)
    if (position === undefined || this.#doomed.has(id as string)) return -1
    const row = length - 1 - position
    return row - this.#hidden().filter((hidden) => hidden < row).length
  }

  /** Loads the pages around rows that are visible. */
  show(first: number, last: number): void {
    this.#range = [first, last]
    const hidden = this.#hidden().length
    for (let page = Math.floor(first / PAGE); page * PAGE <= last + hidden; page++) {
      if (!this.#loading.has(page) && this.#hasGap(page)) void this.#load(page)
    }
  }

  /** Reads the visible part again: after a reconnection, or when only the lab knows what has changed. */
  async refresh(): Promise<void> {
    clearTimeout(this.#refreshTimer)
    const generation = ++this.#generation
    const [first, last] = this.#range
    const offset = Math.floor(first / PAGE) * PAGE
    const limit = Math.min(1_000, Math.max(PAGE, Math.ceil((last + 1 - offset) / PAGE) * PAGE))
    try {
      const { items, total } = await this.#read(offset, limit)
      if (generation !== this.#generation) return
      // What a search finds anew is at the top.
      if (this.isLoaded.value) this.prepended.value += Math.max(0, total - this.#rows.length)
      this.#rows = Array.from({ length: total })
      this.#positions = new Map()
      this.#loading.clear()
      this.#put(offset, items)
      this.problem.value = undefined
      this.isLoaded.value = true
    } catch (error) {
      if (generation !== this.#generation) return
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

  /** Changes rows at once, before the lab has confirmed it. */
  patch(ids: readonly string[], change: (message: Summary) => Summary): void {
    for (const id of ids) {
      const position = this.#positions.get(id)
      const message = position === undefined ? undefined : this.#rows[position]
      if (message) this.#rows[position as number] = change(message)
    }
    this.#changed()
  }

  /** Returns the loaded messages of rows. */
  between(from: number, to: number): string[] {
    const found: string[] = []
    for (let row = Math.min(from, to); row <= Math.max(from, to); row++) {
      const message = this.at(row)
      if (message) found.push(message.id)
    }
    return found
  }

  /** Returns the rows, and lets the component that asks render again when they change. */
  #rowsNow(): readonly (Summary | undefined)[] {
    return this.#version.value >= 0 ? this.#rows : []
  }

  #changed(): void {
    this.#doomedRows = undefined
    this.#version.value++
  }

  /** Returns the rows of hidden messages, counted with them, in ascending order. */
  #hidden(): readonly number[] {
    this.#doomedRows ??= [...this.#doomed]
      .flatMap((id) => this.#positions.get(id) ?? [])
      .map((position) => this.#rows.length - 1 - position)
      .sort((a, b) => a - b)
    return this.#doomedRows
  }

  #positionOf(row: number): number {
    let counted = row
    for (const hidden of this.#hidden()) if (hidden <= counted) counted++
    return this.#rows.length - 1 - counted
  }

  #hasGap(page: number): boolean {
    const end = this.#rows.length - page * PAGE
    for (let position = Math.max(0, end - PAGE); position < end; position++) if (!this.#rows[position]) return true
    return false
  }

  #read(offset: number, limit: number) {
    return call('messages.list', {
      ...selectionOf(this.filter),
      threads: this.filter.threads || undefined,
      offset,
      limit,
    })
  }

  async #load(page: number): Promise<void> {
    const generation = this.#generation
    const { length } = this.#rows
    this.#loading.add(page)
    try {
      const { items, total } = await this.#read(page * PAGE, PAGE)
      if (generation !== this.#generation) return
      // Messages have come or gone while the page was read: its place is unknown.
      if (total !== length || length !== this.#rows.length) this.#refreshSoon()
      else this.#put(page * PAGE, items)
    } catch (error) {
      if (generation === this.#generation) this.problem.value = problemOf(error)
    } finally {
      this.#loading.delete(page)
      this.#changed()
    }
  }

  #put(offset: number, items: readonly Summary[]): void {
    for (const [index, item] of items.entries()) {
      const position = this.#rows.length - 1 - offset - index
      if (position < 0) return
      this.#rows[position] = item
      this.#positions.set(item.id, position)
    }
  }

  #refreshSoon(): void {
    clearTimeout(this.#refreshTimer)
    this.#refreshTimer = setTimeout(() => void this.refresh(), REFRESH_MS)
  }

  /** Applies the events of a frame together. */
  #apply(): void {
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
    this.#changed()
  }

  #received(message: Summary | undefined): void {
    if (!message || this.#positions.has(message.id) || !belongs(this.filter, message)) return
    if (!isPlain(this.filter)) return this.#refreshSoon()
    this.#positions.set(message.id, this.#rows.push(message) - 1)
    this.prepended.value++
  }

  #replace(message: Summary): void {
    const position = this.#positions.get(message.id)
    const known = position === undefined ? undefined : this.#rows[position]
    if (known) this.#rows[position as number] = { ...message, thread: known.thread }
  }

  #remove(gone: ReadonlySet<string>): void {
    const isOfList = (id: string): boolean => {
      const folder = folders.value?.find((one) => id.startsWith(`${one.id}.`))
      return !folder || hasFolder(this.filter, folder)
    }
    const known = [...gone].filter((id) => this.#positions.has(id))
    for (const id of gone) this.#doomed.delete(id)
    if (this.filter.threads || [...gone].some((id) => !this.#positions.has(id) && isOfList(id))) this.#refreshSoon()
    if (known.length === 0) return
    this.#rows = this.#rows.filter((one) => !one || !gone.has(one.id))
    this.#positions = new Map(this.#rows.flatMap((one, position) => (one ? [[one.id, position]] : [])))
  }
}
