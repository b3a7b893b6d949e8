import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { Worker } from 'node:worker_threads'

/** The shortest queue of connections that a listening socket can have. */
const BACKLOG = 1

/**
 * Listens, and then blocks its thread instead of accepting: once the queue is full, Linux drops every further SYN, as a
 * firewall does that drops packets.
 */
const THREAD = `
const { createServer } = require('node:net')
const { parentPort, workerData: { host, port, backlog, released } } = require('node:worker_threads')
const server = createServer()
server.once('error', (error) => parentPort.postMessage({ error }))
server.listen({ host, port, backlog }, () => {
  parentPort.postMessage({})
  Atomics.wait(released, 0, 0)
  server.close()
  process.exit()
})`

/** A port on which connections are neither accepted nor refused. */
export class Blackhole {
  readonly #thread: Worker
  readonly #released: Int32Array
  readonly #fillers: readonly Socket[]

  private constructor(thread: Worker, released: Int32Array, fillers: readonly Socket[]) {
    this.#thread = thread
    this.#released = released
    this.#fillers = fillers
  }

  /** Takes over a closed port. @throws Error if the system cannot do it, or the port is in use */
  static async open(host: string, port: number): Promise<Blackhole> {
    if (process.platform !== 'linux') {
      throw new Error(
        'only Linux can drop connections without a firewall; a fault comes close: { when: { on: "connect" }, do: { silence: true } }',
      )
    }
    const released = new Int32Array(new SharedArrayBuffer(4))
    const thread = new Worker(THREAD, { eval: true, workerData: { host, port, backlog: BACKLOG, released } })
    thread.unref()
    const [{ error }] = (await once(thread, 'message')) as [{ error?: Error }]
    if (error) {
      await thread.terminate()
      throw error
    }
    const fillers: Socket[] = []
    // Linux queues one connection more than the backlog.
    for (let queued = 0; queued <= BACKLOG; queued++) {
      const socket = connect({ host, port })
      socket.on('error', () => {}) // the reset when the port is released
      socket.unref()
      await once(socket, 'connect')
      fillers.push(socket)
    }
    return new Blackhole(thread, released, fillers)
  }

  /** Closes the port. */
  async close(): Promise<void> {
    const exited = once(this.#thread, 'exit')
    this.#thread.ref()
    Atomics.store(this.#released, 0, 1)
    Atomics.notify(this.#released, 0)
    await exited
    for (const socket of this.#fillers) socket.destroy()
  }
}
