import { connect, type Socket } from 'node:net'
import type { Target } from './types.ts'

/** Opened at the same time. More would fill the server's queue of connections. */
const AT_ONCE = 50

/** Connections that listen for server-sent events of new messages. https://html.spec.whatwg.org/multipage/server-sent-events.html */
export class EventListeners {
  readonly #sockets: readonly Socket[]
  /** When each message was sent, by its subject. */
  readonly #sentAt = new Map<string, number>()

  private constructor(sockets: readonly Socket[]) {
    this.#sockets = sockets
  }

  /** Opens connections, and waits until the server has answered on each. */
  static async open(target: Target, path: string, count: number): Promise<EventListeners> {
    const sockets: Socket[] = []
    while (sockets.length < count) {
      const opened = Array.from({ length: Math.min(AT_ONCE, count - sockets.length) }, () => openOne(target, path))
      sockets.push(...(await Promise.all(opened)))
    }
    return new EventListeners(sockets)
  }

  /** Notes that a message with this subject is about to be sent. */
  expect(subject: string): void {
    this.#sentAt.set(subject, performance.now())
  }

  /**
   * Starts to listen.
   * @param took takes the time from `expect` to each arrival, in milliseconds
   * @returns a function that resolves when every listener has received a number of messages
   */
  listen(took: (ms: number) => void): (messages: number) => Promise<void> {
    let arrived = 0
    let check = (): void => {}
    const failed = new Promise<never>((_, reject) => {
      for (const socket of this.#sockets) {
        let rest = ''
        socket.on('close', () => reject(new Error('the server closed the connection of a listener')))
        socket.on('data', (chunk) => {
          const parts = (rest + chunk.toString('latin1')).split('\n\n')
          rest = parts.pop() ?? ''
          for (const part of parts) {
            const sentAt = this.#sentAt.get(/"subject":"([^"]*)"/.exec(part)?.[1] ?? '')
            if (sentAt === undefined) continue
            took(performance.now() - sentAt)
            arrived++
          }
          check()
        })
      }
    })
    return async (messages) => {
      const all = new Promise<void>((resolve) => {
        check = () => {
          if (arrived >= messages * this.#sockets.length) resolve()
        }
        check()
      })
      await Promise.race([all, failed])
      for (const socket of this.#sockets) socket.removeAllListeners('data').removeAllListeners('close')
    }
  }
}

/** Connects, asks for the events, and waits for the first octets of the stream. */
function openOne({ host, port }: Target, path: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, noDelay: true })
    socket.once('error', reject)
    let answer = ''
    const onData = (chunk: Buffer): void => {
      answer += chunk.toString('latin1')
      if (!answer.includes(': connected')) return
      socket.off('data', onData)
      // The connections stay open until the server stops.
      socket.off('error', reject)
      socket.on('error', () => {})
      resolve(socket)
    }
    socket.on('data', onData)
    socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`)
  })
}
