import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import type { Endpoint } from './connection.ts'

/** A port that cannot be listened on; the message says which, and what to do. */
export class ListenError extends Error {
  override readonly name = 'ListenError'
}

const causes: Readonly<Record<string, string>> = {
  EADDRINUSE: 'it is in use by another program; stop that, or set another port or a portOffset',
  EACCES: 'this needs more rights (ports below 1024 are for root); set a portOffset, as 3000',
  EADDRNOTAVAIL: 'this machine has no such address',
}

/** One address and port that is listened on. */
export class Listener {
  readonly #server: Server
  readonly address: string
  /** The port listened on: the one that the system chose where 0 was asked for. */
  readonly port: number

  private constructor(server: Server, address: string, port: number) {
    this.#server = server
    this.address = address
    this.port = port
  }

  /** @throws ListenError */
  static open(
    owner: string,
    address: string,
    port: number,
    onSocket: (socket: Socket, local: Endpoint) => void,
    onError: (error: Error) => void,
  ): Promise<Listener> {
    return new Promise((resolve, reject) => {
      // Half-open: a client that sends its commands and closes its side still gets its answers.
      const server = createServer({ allowHalfOpen: true, noDelay: true, keepAlive: true })
      server.once('error', (error: NodeJS.ErrnoException) => {
        const why = causes[error.code ?? ''] ?? error.message
        reject(new ListenError(`${owner}: cannot listen on ${address} port ${port}: ${why}`, { cause: error }))
      })
      server.listen({ host: address, port, backlog: 1024 }, () => {
        server.removeAllListeners('error')
        // Out of file descriptors: the client that could not be accepted is lost, the listener goes on.
        server.on('error', onError)
        const bound = server.address() as AddressInfo
        server.on('connection', (socket: Socket) => onSocket(socket, localEnd(socket, bound)))
        resolve(new Listener(server, address, bound.port))
      })
    })
  }

  /** Takes no more connections; those that are open live on. */
  close(): void {
    this.#server.close()
  }
}

const ANY_ADDRESS: readonly string[] = ['0.0.0.0', '::']

/** Where a client came to: the system is asked only where that may be any address of the machine. */
function localEnd(socket: Socket, { address, port }: AddressInfo): Endpoint {
  return { address: ANY_ADDRESS.includes(address) ? (socket.localAddress ?? '') : address, port }
}
