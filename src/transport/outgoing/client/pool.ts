import { clearTimeout, setTimeout } from '../../../core/time/real-timers.ts'
import { attemptStopped } from './failure.ts'
import type { PeerConnection } from './peer-connection.ts'

/** Messages on one connection. Hosts may limit them as well. */
const MAX_MESSAGES = 100
/** How long a connection waits for another message. Hosts count open connections, so it is short. */
const IDLE_MS = 5_000
/** Longest wait for the end of all connections when the lab stops. */
const FAREWELL_MS = 1_000

/** A connection that is free for a message, or was opened for it. */
interface Lease {
  readonly connection: PeerConnection
  /** Whether it has carried messages before. Its host may have closed it meanwhile. */
  readonly isReused: boolean
}

/** The connections to one host, and the messages that wait for one. */
interface Destination {
  open: number
  readonly idle: { readonly connection: PeerConnection; readonly timer: NodeJS.Timeout }[]
  readonly waiting: (() => void)[]
}

/** Keeps connections for further messages, and limits how many there are to one destination. */
export class ConnectionPool {
  readonly #destinations = new Map<string, Destination>()
  readonly #open = new Set<PeerConnection>()
  #isClosed = false

  /**
   * Takes a free connection, or opens one once fewer than `limit` are open.
   * @param key names the host, its TLS level and its log-on
   * @param signal ends the wait
   * @throws what `open` throws, and PeerFailure if the signal aborts
   */
  async take(key: string, limit: number, open: () => Promise<PeerConnection>, signal: AbortSignal): Promise<Lease> {
    let destination: Destination
    for (;;) {
      if (signal.aborted) throw attemptStopped()
      // After a wait, too: an entry without connections may have been dropped meanwhile.
      destination = this.#destination(key)
      const idle = this.#takeIdle(destination)
      if (idle) return { connection: idle, isReused: true }
      if (destination.open < limit) break
      const isWoken = await turn(destination, signal)
      // A wait that ends early passes on the connection that it was woken for.
      if (isWoken && signal.aborted) destination.waiting.shift()?.()
    }
    destination.open++
    try {
      return { connection: this.#opened(await open()), isReused: false }
    } catch (error) {
      this.#closed(key, destination)
      throw error
    }
  }

  /** Gives a connection back. @param isUsable whether it can take another message */
  give(key: string, connection: PeerConnection, isUsable: boolean): void {
    const destination = this.#destination(key)
    if (!isUsable || this.#isClosed || connection.isClosed || connection.count >= MAX_MESSAGES) {
      connection.quit()
      return this.#closed(key, destination)
    }
    const timer = setTimeout(() => this.#drop(key, destination, connection), IDLE_MS)
    timer.unref()
    destination.idle.push({ connection, timer })
    destination.waiting.shift()?.()
  }

  /** Ends all free connections. Those in use end when they are given back. Resolves once all have ended. */
  async close(): Promise<void> {
    this.#isClosed = true
    for (const [key, destination] of this.#destinations) {
      for (const { connection } of [...destination.idle]) this.#drop(key, destination, connection)
    }
    const timer = setTimeout(() => {
      for (const connection of this.#open) connection.destroy()
    }, FAREWELL_MS)
    await Promise.all([...this.#open].map(({ closed }) => closed))
    clearTimeout(timer)
  }

  #opened(connection: PeerConnection): PeerConnection {
    this.#open.add(connection)
    void connection.closed.then(() => this.#open.delete(connection))
    return connection
  }

  #takeIdle(destination: Destination): PeerConnection | undefined {
    for (;;) {
      // The latest: it is least likely to have been closed by its host.
      const latest = destination.idle.pop()
      if (!latest) return undefined
      clearTimeout(latest.timer)
      if (!latest.connection.isClosed) return latest.connection
      destination.open--
    }
  }

  #drop(key: string, destination: Destination, connection: PeerConnection): void {
    const at = destination.idle.findIndex((one) => one.connection === connection)
    const [found] = at === -1 ? [] : destination.idle.splice(at, 1)
    if (!found) return
    clearTimeout(found.timer)
    connection.quit()
    this.#closed(key, destination)
  }

  #closed(key: string, destination: Destination): void {
    destination.open--
    destination.waiting.shift()?.()
    if (destination.open === 0 && destination.waiting.length === 0) this.#destinations.delete(key)
  }

  #destination(key: string): Destination {
    const found = this.#destinations.get(key) ?? { open: 0, idle: [], waiting: [] }
    this.#destinations.set(key, found)
    return found
  }
}

/** Waits until a connection may be free. Returns false if the signal aborts before. */
function turn({ waiting }: Destination, signal: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    const wake = (): void => {
      signal.removeEventListener('abort', leave)
      resolve(true)
    }
    const leave = (): void => {
      waiting.splice(waiting.indexOf(wake), 1)
      resolve(false)
    }
    waiting.push(wake)
    signal.addEventListener('abort', leave, { once: true })
  })
}
