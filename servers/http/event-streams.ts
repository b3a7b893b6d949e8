import type { ServerResponse } from 'node:http'
import type { Api } from '../../src/api/api.ts'
import { type Caller, type Standing, viewKey } from '../../src/api/caller.ts'
import { eventData } from '../../src/api/events/event-data.ts'
import type { LabEvent } from '../../src/api/events/event-log.ts'
import { systemClock } from '../../src/core/time/clock.ts'
import { clearInterval, setInterval, setTimeout } from '../../src/core/time/real-timers.ts'
import { isSliceOver, nextSlice } from '../../src/core/time/time-slice.ts'
import { timeText } from '../../src/core/time/time-text.ts'
import { idOnNode } from '../../src/core/values/node-ids.ts'

/** A comment line this often keeps proxies from closing a silent stream. */
const KEEP_ALIVE_MS = 15_000
/** An event is made ready once for all callers who see the same, and kept this long. */
const FRAME_MS = 1_000

const LOST =
  'events are missing before this one: the lab has started again, or it no longer has them; read the messages and sessions again'
const OF_ANOTHER_NODE =
  'events may be missing: another node of the lab has sent those before; read the messages and sessions again'

const frame = (id: string, event: string, data: object): Buffer =>
  Buffer.from(`event: ${event}\ndata: ${JSON.stringify(data)}\nid: ${id}\n\n`)

/** Returns the id of an event for clients. It names the node if the lab can have several: each counts its own events. */
const eventIdOf = ({ lab: { cluster } }: Api, id: number): string =>
  idOnNode(String(id), cluster.isShared ? cluster.node : undefined)

/** A client that listens. */
export interface Listener {
  readonly caller: Caller
  /** The stream ends when the caller has lost its rights, and a client that comes back logs on again. */
  readonly lostRights: Standing
  readonly wants: (name: string) => boolean
  /** The id of the last event that the client has seen. */
  readonly last: number
  /** Another node has sent the client the events before. Each node counts its own. */
  readonly isOfAnotherNode: boolean
  readonly response: ServerResponse
}

interface OpenStream extends Listener {
  last: number
  readonly key: string
  readonly keepAlive: NodeJS.Timeout
}

/**
 * The streams of events of one lab. One loop serves all of them: each in turn gets its next event. A client that does not
 * read gets nothing, and takes no memory for what it has not read.
 */
class EventStreams {
  readonly #api: Api
  readonly #streams = new Set<OpenStream>()
  /** The latest events as they are sent, by id and by what a caller sees. */
  readonly #frames = new Map<string, Promise<Buffer | undefined> | Buffer | undefined>()
  #forgetting: NodeJS.Timeout | undefined
  #isRunning = false

  constructor(api: Api) {
    this.#api = api
    api.rights.watch(() => {
      // A caller who sees the same as an earlier one may be another: a new tenant can have the name of an old one.
      this.#frames.clear()
      for (const stream of this.#streams) if (stream.lostRights()) this.#end(stream)
    })
  }

  /** Serves a client whose header of the answer is sent, until it leaves or the lab stops. */
  add(listener: Listener): void {
    const { response, caller } = listener
    const keepAlive = setInterval(() => {
      if (!response.writableNeedDrain) response.write(': keep-alive\n\n')
    }, KEEP_ALIVE_MS)
    const stream: OpenStream = { ...listener, key: viewKey(caller), keepAlive }
    this.#streams.add(stream)
    const wake = (): void => void this.#run()
    const unwatch = this.#api.events.watch(wake)
    response.on('drain', wake)
    response.once('close', () => {
      unwatch()
      this.#forget(stream)
    })
    response.write(': connected\n\n')
    if (listener.isOfAnotherNode)
      response.write(
        this.#frame(listener.last, 'events.lost', { at: timeText(systemClock.now()), detail: OF_ANOTHER_NODE }),
      )
    if (listener.lostRights()) this.#end(stream)
    wake()
  }

  #frame(id: number, event: string, data: object): Buffer {
    return frame(eventIdOf(this.#api, id), event, data)
  }

  #forget(stream: OpenStream): void {
    clearInterval(stream.keepAlive)
    this.#streams.delete(stream)
  }

  /** Ends a stream after its last event. A client that does not read would keep an answer open that only ends. */
  #end(stream: OpenStream, octets?: Buffer): void {
    const { response } = stream
    this.#forget(stream)
    if (response.writableNeedDrain) response.destroy()
    else response.end(octets)
  }

  async #run(): Promise<void> {
    if (this.#isRunning) return
    this.#isRunning = true
    try {
      for (let isBusy = true; isBusy; ) {
        isBusy = false
        for (const stream of this.#streams) {
          if (stream.response.writableNeedDrain) continue
          const event = this.#api.events.next(stream.last)
          if (!event) continue
          isBusy = true
          const sent = this.#send(stream, event)
          if (sent) await sent
          if (isSliceOver()) await nextSlice()
        }
      }
    } finally {
      this.#isRunning = false
    }
  }

  /** Sends an event. Returns a promise if it is not ready yet. */
  #send(stream: OpenStream, event: LabEvent): Promise<void> | undefined {
    const { response, wants, last } = stream
    if (event.id !== last + 1)
      response.write(this.#frame(event.id - 1, 'events.lost', { at: timeText(event.at), detail: LOST }))
    stream.last = event.id
    const ready = wants(event.name) ? this.#frameOf(stream, event) : undefined
    if (ready instanceof Promise) {
      return ready.then(
        (octets) => this.#finish(stream, event, octets),
        // As with any other failure, the client connects again.
        () => void response.destroy(),
      )
    }
    this.#finish(stream, event, ready)
    return undefined
  }

  /** The stream may have ended while the event was made ready. */
  #finish(stream: OpenStream, { name }: LabEvent, octets: Buffer | undefined): void {
    if (!this.#streams.has(stream)) return
    if (name === 'lab.stopping') this.#end(stream, octets)
    else if (octets) stream.response.write(octets)
  }

  #frameOf({ caller, key }: OpenStream, event: LabEvent): Promise<Buffer | undefined> | Buffer | undefined {
    const name = `${event.id} ${key}`
    if (this.#frames.has(name)) return this.#frames.get(name)
    const made = eventData(this.#api, caller, event).then((data) => data && this.#frame(event.id, event.name, data))
    this.#frames.set(name, made)
    this.#forgetting ??= setTimeout(() => {
      this.#frames.clear()
      this.#forgetting = undefined
    }, FRAME_MS).unref()
    return made.then((octets) => {
      if (this.#frames.get(name) === made) this.#frames.set(name, octets)
      return octets
    })
  }
}

const streamsOf = new WeakMap<Api, EventStreams>()

/** Sends events to a client, whose header of the answer is sent. */
export function listen(api: Api, listener: Listener): void {
  const streams = streamsOf.get(api) ?? new EventStreams(api)
  streamsOf.set(api, streams)
  streams.add(listener)
}
