import type { Item } from './item.ts'

/** The hosts that one connector sends some messages to. */
export interface Destination {
  readonly key: string
  /** Messages that may be sent now, in the order of their turn. */
  readonly ready: Set<Item>
  inFlight: number
}

/** The messages that may be sent now, by destination, and how many are being sent. */
export class Destinations {
  readonly #destinations = new Map<string, Destination>()
  inFlight = 0

  get all(): readonly Destination[] {
    return [...this.#destinations.values()]
  }

  add(item: Item): Destination {
    const destination = this.#destinations.get(item.destinationKey) ?? {
      key: item.destinationKey,
      ready: new Set(),
      inFlight: 0,
    }
    this.#destinations.set(item.destinationKey, destination)
    destination.ready.add(item)
    return destination
  }

  isReady(item: Item): boolean {
    return this.#destinations.get(item.destinationKey)?.ready.has(item) === true
  }

  remove(item: Item): void {
    const destination = this.#destinations.get(item.destinationKey)
    destination?.ready.delete(item)
    this.#drop(destination)
  }

  /** Notes that an attempt has begun. Returns a function that notes its end. */
  begin(destination: Destination, item: Item): () => void {
    destination.ready.delete(item)
    destination.inFlight++
    this.inFlight++
    return () => {
      destination.inFlight--
      this.inFlight--
      this.#drop(destination)
    }
  }

  #drop(destination: Destination | undefined): void {
    if (
      destination?.inFlight === 0 &&
      destination.ready.size === 0 &&
      this.#destinations.get(destination.key) === destination
    )
      this.#destinations.delete(destination.key)
  }
}
