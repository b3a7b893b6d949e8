import type { Key } from 'node:readline'
import type { MessageSummary } from '../../api/messages/summary.ts'
import { followEvents } from '../lab/follow-events.ts'
import { type ApiOptions, callApi } from '../shared/api-client.ts'
import { countText, noteError } from '../shared/output.ts'
import { padToWidth, shortenToWidth, wrapText } from '../shared/text-width.ts'
import { locationText, senderOf } from './list.ts'
import { Screen, type ScreenLine } from './screen.ts'
import { messageText } from './show.ts'

/** Messages that are read together, and again when the selection comes near the last one. */
const PAGE = 100
/** Events after which the list is read again. What arrives before the connection has no event. */
const CHANGES = /^(?:connected$|message\.|lab\.reset$)/
/** Events of a burst cause one reading. */
const GATHER_MS = 200
/** The heading and the line with the keys. */
const OTHER_ROWS = 2

const TIME = 'HH:MM:SS'.length
const GAP = '  '

/** A message that is open, as lines. */
interface OpenMessage {
  readonly subject: string
  readonly lines: readonly string[]
  top: number
}

/** Shows the messages as a list that keys control, until the person leaves it. @throws ApiError */
export async function browse(options: ApiOptions): Promise<void> {
  const browser = new MailBrowser(options)
  await browser.load()
  await browser.run()
}

class MailBrowser {
  readonly #options: ApiOptions
  #items: readonly MessageSummary[] = []
  #total = 0
  #limit = PAGE
  #selected = 0
  #top = 0
  #query = ''
  /** The search as it is being typed. */
  #typed: string | undefined
  #open: OpenMessage | undefined
  /** Shown instead of the keys, until the next key. */
  #notice = ''
  /** The message for which `d` was pressed once. */
  #deleting: string | undefined
  #screen: Screen | undefined
  /** Counts readings of the list. Answers can arrive in another order. */
  #readings = 0
  #leave: () => void = () => {}

  constructor(options: ApiOptions) {
    this.#options = options
  }

  /** Reads the list again. The same message stays selected. */
  async load(): Promise<void> {
    const wanted = { query: this.#query || undefined, limit: this.#limit }
    const reading = ++this.#readings
    const { items, total } = await callApi(this.#options, 'messages.list', wanted)
    if (reading !== this.#readings) return
    const id = this.#items[this.#selected]?.id
    this.#items = items
    this.#total = total
    const at = items.findIndex((one) => one.id === id)
    // Before the person has moved, the newest message stays selected.
    this.#select(at > 0 && (this.#selected > 0 || this.#open) ? at : this.#selected)
  }

  async run(): Promise<void> {
    const ended = new Promise<void>((resolve) => {
      this.#leave = resolve
    })
    using screen = new Screen(
      (key) => this.#do(this.#press(key)),
      () => this.#draw(),
    )
    this.#screen = screen
    const follow = new AbortController()
    void this.#follow(follow.signal)
    this.#draw()
    await ended
    follow.abort()
    this.#screen = undefined
  }

  /** Reads the list again when messages arrive, change or go. Ends the list when the lab stops. */
  async #follow(signal: AbortSignal): Promise<void> {
    let timer: NodeJS.Timeout | undefined
    try {
      for await (const { event } of followEvents(this.#options, 'message,lab.reset', signal)) {
        if (!CHANGES.test(event)) continue
        timer ??= setTimeout(() => {
          timer = undefined
          this.#do(this.load())
        }, GATHER_MS)
      }
      if (!signal.aborted) this.#end('The lab has stopped.')
    } catch (error) {
      if (!signal.aborted) this.#end((error as Error).message)
    } finally {
      clearTimeout(timer)
    }
  }

  #end(why: string): void {
    this.#leave()
    setImmediate(() => noteError(why))
  }

  /** Draws after some work. An error is shown instead of the keys. */
  #do(work: Promise<void> | void): void {
    Promise.resolve(work)
      .catch((error: Error) => {
        this.#notice = error.message
      })
      .finally(() => this.#draw())
  }

  #press(key: Key): Promise<void> | void {
    this.#notice = ''
    if (key.ctrl && key.name === 'c') return this.#leave()
    if (this.#typed !== undefined) return this.#type(this.#typed, key)
    if (this.#open) return this.#inMessage(this.#open, key)
    return this.#inList(key)
  }

  #inList(key: Key): Promise<void> | void {
    const deleting = this.#deleting
    this.#deleting = undefined
    const moved = movement(key, this.#room)
    if (moved !== undefined) return this.#move(moved)
    const { id } = this.#items[this.#selected] ?? {}
    switch (key.name ?? key.sequence) {
      case 'return':
        return this.#show()
      case '/':
        this.#typed = ''
        return
      case 'd':
      case 'delete':
        if (id === undefined) return
        if (deleting === id) return this.#delete(id)
        this.#deleting = id
        this.#notice = 'Press d again to delete this message.'
        return
      case 'escape':
        if (this.#query === '') return this.#leave()
        return this.#search('')
      case 'q':
        return this.#leave()
    }
  }

  #inMessage(open: OpenMessage, key: Key): Promise<void> | void {
    const moved = movement(key, this.#room)
    if (moved !== undefined) {
      const last = Math.max(0, open.lines.length - this.#room)
      open.top = Math.min(last, Math.max(0, open.top + moved))
      return
    }
    switch (key.name) {
      case 'right':
      case 'n':
        return this.#move(1).then(() => this.#show())
      case 'left':
      case 'p':
        return this.#move(-1).then(() => this.#show())
      case 'escape':
      case 'backspace':
      case 'return':
      case 'q':
        this.#open = undefined
    }
  }

  #type(typed: string, { name, sequence = '', ctrl }: Key): Promise<void> | void {
    if (name === 'return') {
      this.#typed = undefined
      return this.#search(typed)
    }
    if (name === 'escape') this.#typed = undefined
    else if (name === 'backspace') this.#typed = [...typed].slice(0, -1).join('')
    else if (!ctrl && !/[\x00-\x1f\x7f]/.test(sequence)) this.#typed = typed + sequence
  }

  /** Returns the rows between the heading and the keys. */
  get #room(): number {
    return Math.max(1, (this.#screen?.rows ?? 24) - OTHER_ROWS)
  }

  async #move(by: number): Promise<void> {
    this.#select(this.#selected + by)
    if (this.#selected < this.#items.length - 10 || this.#items.length >= this.#total) return
    this.#limit += PAGE
    await this.load()
  }

  #select(index: number): void {
    this.#selected = Math.max(0, Math.min(this.#items.length - 1, index))
    this.#top = Math.min(this.#selected, Math.max(this.#top, this.#selected - this.#room + 1))
  }

  async #search(query: string): Promise<void> {
    const before = this.#query
    this.#query = query
    this.#limit = PAGE
    try {
      await this.load()
      this.#select(0)
    } catch (error) {
      this.#query = before
      throw error
    }
  }

  async #show(): Promise<void> {
    const { id } = this.#items[this.#selected] ?? {}
    if (id === undefined) return
    const message = await callApi(this.#options, 'messages.get', { id })
    const width = this.#screen?.columns ?? 80
    const lines = messageText(message)
      .split('\n')
      .flatMap((line) => wrapText(line, width))
    this.#open = { subject: message.subject, lines, top: 0 }
  }

  async #delete(id: string): Promise<void> {
    await callApi(this.#options, 'messages.delete', { id })
    await this.load()
  }

  #draw(): void {
    this.#screen?.show(this.#open ? this.#messageLines(this.#open) : this.#listLines())
  }

  #messageLines({ subject, lines, top }: OpenMessage): ScreenLine[] {
    const body = Array.from({ length: this.#room }, (_, row) => ({ text: lines[top + row] ?? '' }))
    const rest = lines.length - top - this.#room
    const more = rest > 0 ? `${countText(rest, 'line')} more` : 'end'
    const keys = this.#notice || `${more} · ↑↓ scroll · ←→ other messages · Esc list`
    return [{ text: subject, style: 'bold' }, ...body, { text: keys, style: 'dim' }]
  }

  #listLines(): ScreenLine[] {
    const columns = this.#columns()
    const row = (cells: readonly string[]): string =>
      cells.map((cell, index) => padToWidth(shortenToWidth(cell, columns[index] ?? 0), columns[index] ?? 0)).join(GAP)
    const rows = Array.from({ length: this.#room }, (_, line): ScreenLine => {
      const at = this.#top + line
      const item = this.#items[at]
      if (!item) return { text: line === 0 ? this.#nothing() : '' }
      const text = row([timeOf(item), senderOf(item), locationText(item), item.subject])
      if (at === this.#selected) return { text, style: 'inverse' }
      return item.read ? { text } : { text, style: 'bold' }
    })
    return [{ text: row(['RECEIVED', 'FROM', 'IN', 'SUBJECT']), style: 'dim' }, ...rows, this.#lastLine()]
  }

  #nothing(): string {
    if (this.#items.length > 0) return ''
    return this.#query === '' ? 'There is no message yet. It appears here when it arrives.' : 'No message matches.'
  }

  #lastLine(): ScreenLine {
    if (this.#typed !== undefined) return { text: `/${this.#typed}█` }
    if (this.#notice !== '') return { text: this.#notice }
    const at = this.#items.length === 0 ? 0 : this.#selected + 1
    const found = this.#query === '' ? '' : ` for ${this.#query}`
    const keys = `↑↓ move · Enter open · / search · d delete · ${this.#query === '' ? 'q quit' : 'Esc all'}`
    return { text: `${at} of ${this.#total}${found} · ${keys}`, style: 'dim' }
  }

  /** Returns the widths of the columns. The subject gets what is left. */
  #columns(): number[] {
    const rest = (this.#screen?.columns ?? 80) - TIME - 3 * GAP.length
    const [from, place] = [Math.floor(rest * 0.3), Math.floor(rest * 0.2)]
    return [TIME, from, place, rest - from - place]
  }
}

/** Returns by how many lines a key moves; undefined if it does not. */
function movement({ name, sequence, shift }: Key, page: number): number | undefined {
  if (sequence === ' ') return page
  switch (name) {
    case 'up':
    case 'k':
      return -1
    case 'down':
    case 'j':
      return 1
    case 'pageup':
      return -page
    case 'pagedown':
      return page
    case 'home':
      return Number.NEGATIVE_INFINITY
    case 'end':
      return Number.POSITIVE_INFINITY
    case 'g':
      return shift ? Number.POSITIVE_INFINITY : Number.NEGATIVE_INFINITY
  }
  return undefined
}

/** Returns the time of today's messages, the date of the others. */
function timeOf({ receivedAt }: MessageSummary): string {
  const date = new Date(receivedAt)
  const isToday = date.toDateString() === new Date().toDateString()
  return isToday ? date.toTimeString().slice(0, TIME) : `${receivedAt.slice(5, 10)}   `
}
