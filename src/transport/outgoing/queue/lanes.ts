import type { Item } from './item.ts'

/** The messages for one destination. */
export interface Lane {
  readonly key: string
  /** Messages that may be sent now, in the order of their turn. */
  readonly ready: Set<Item>
  inFlight: number
}

/** The messages that may be sent now, by destination, and how many are being sent. */
export class Lanes {
  readonly #lanes = new Map<string, Lane>()
  inFlight = 0

  get all(): readonly Lane[] {
    return [...this.#lanes.values()]
  }

  add(item: Item): Lane {
    const lane = this.#lanes.get(item.lane) ?? { key: item.lane, ready: new Set(), inFlight: 0 }
    this.#lanes.set(item.lane, lane)
    lane.ready.add(item)
    return lane
  }

  isReady(item: Item): boolean {
    return this.#lanes.get(item.lane)?.ready.has(item) === true
  }

  remove(item: Item): void {
    const lane = this.#lanes.get(item.lane)
    lane?.ready.delete(item)
    this.#drop(lane)
  }

  /** Notes that an attempt has begun. Returns a function that notes its end. */
  begin(lane: Lane, item: Item): () => void {
    lane.ready.delete(item)
    lane.inFlight++
    this.inFlight++
    return () => {
      lane.inFlight--
      this.inFlight--
      this.#drop(lane)
    }
  }

  #drop(lane: Lane | undefined): void {
    if (lane?.inFlight === 0 && lane.ready.size === 0 && this.#lanes.get(lane.key) === lane)
      this.#lanes.delete(lane.key)
  }
}
