import type { Alarm } from './alarm.ts'
import { Destinations } from './destinations.ts'
import type { Item } from './item.ts'

/** The messages that are to be sent: those that wait for their time, and those that may be sent now. None is in both. */
export class Agenda {
  /** Messages whose time has not come. */
  readonly waiting = new Set<Item>()
  readonly destinations = new Destinations()
  readonly #alarm: Alarm
  readonly #dueAt: (item: Item) => number

  constructor(alarm: Alarm, dueAt: (item: Item) => number) {
    this.#alarm = alarm
    this.#dueAt = dueAt
  }

  /** Lets a message wait for its time, unless something else is being done with it. */
  add(item: Item): void {
    if (item.claims > 0 || item.ending !== undefined || item.state.isHeld || this.destinations.isReady(item)) return
    this.waiting.add(item)
    this.#alarm.set(this.#dueAt(item))
  }

  remove(item: Item): void {
    this.waiting.delete(item)
    this.destinations.remove(item)
  }

  /** Keeps a message out until `release` has been called once for each call. */
  claim(item: Item): void {
    this.remove(item)
    item.claims++
  }

  release(item: Item): void {
    item.claims--
    this.add(item)
  }
}
