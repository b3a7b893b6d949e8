import { createSocket } from 'node:dgram'
import { connect, isIPv6 } from 'node:net'
import { DnsError } from './errors.ts'
import { createResolver, type Exchange, isResponseTo, type Resolver } from './resolver.ts'

/** Where and how to ask a DNS server. */
interface RemoteServer {
  readonly host: string
  readonly port: number
  /** Wait for each answer. Default: 3 seconds. */
  readonly timeoutMs?: number
  /** How often a question is sent. Default: 2. */
  readonly attempts?: number
}

/** Creates a resolver that asks a DNS server: by UDP, and by TCP if the answer does not fit. */
export const remoteResolver = (server: RemoteServer): Resolver => createResolver(remoteExchange(server))

/** Reads `host`, `host:port` or `[address]:port`. The default port is 53. */
export function parseServer(text: string): { readonly host: string; readonly port: number } {
  if (isIPv6(text)) return { host: text, port: 53 }
  const [, host = text, port = '53'] = /^\[?(.*?)\]?(?::(\d+))?$/.exec(text) ?? []
  return { host, port: Number(port) }
}

/** Returns an exchange that sends each query to a server, again after a timeout. */
function remoteExchange({ host, port, timeoutMs = 3000, attempts = 2 }: RemoteServer): Exchange {
  const timed = async (
    send: (host: string, port: number, query: Buffer, signal: AbortSignal) => Promise<Buffer>,
    query: Buffer,
    signal: AbortSignal | undefined,
  ): Promise<Buffer> => {
    const timeout = AbortSignal.timeout(timeoutMs)
    try {
      return await send(host, port, query, signal ? AbortSignal.any([signal, timeout]) : timeout)
    } catch (cause) {
      signal?.throwIfAborted()
      if (cause instanceof DnsError) throw cause
      if (timeout.aborted) {
        throw new DnsError('TIMEOUT', `${host} port ${port} did not answer within ${timeoutMs} ms`, { cause })
      }
      throw new DnsError('UNREACHABLE', `${host} port ${port}: ${(cause as Error).message}`, { cause })
    }
  }
  return async (query, signal) => {
    for (let attempt = 1; ; attempt++) {
      try {
        const response = await timed(queryByUdp, query, signal)
        // RFC 7766 section 5
        return isTruncated(response) ? await timed(queryByTcp, query, signal) : response
      } catch (error) {
        if (!(error instanceof DnsError) || error.code !== 'TIMEOUT' || attempt >= attempts) throw error
      }
    }
  }
}

const isTruncated = (octets: Buffer): boolean => (octets.readUInt8(2) & 0x02) !== 0

/** Rejects when the signal is aborted. The socket is connected, so that the system drops datagrams of other senders. */
function queryByUdp(host: string, port: number, query: Buffer, signal: AbortSignal): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const socket = createSocket(isIPv6(host) ? 'udp6' : 'udp4')
    const end = (settle: () => void): void => {
      signal.removeEventListener('abort', onAbort)
      socket.close()
      settle()
    }
    const onAbort = (): void => end(() => reject(signal.reason))
    if (signal.aborted) return onAbort()
    signal.addEventListener('abort', onAbort, { once: true })
    socket.on('error', (error) => end(() => reject(error)))
    // Anything else that arrives at the port is ignored. RFC 5452 section 9.1
    socket.on('message', (octets) => {
      if (isResponseTo(octets, query)) end(() => resolve(octets))
    })
    socket.connect(port, host, () => socket.send(query))
  })
}

/** Rejects when the signal is aborted, and if the connection ends before the response. RFC 1035 section 4.2.2 */
function queryByTcp(host: string, port: number, query: Buffer, signal: AbortSignal): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port })
    let received: Buffer = Buffer.alloc(0)
    const end = (settle: () => void): void => {
      signal.removeEventListener('abort', onAbort)
      socket.removeAllListeners()
      socket.on('error', () => {})
      socket.destroy()
      settle()
    }
    const onAbort = (): void => end(() => reject(signal.reason))
    if (signal.aborted) return onAbort()
    signal.addEventListener('abort', onAbort, { once: true })
    socket.on('error', (error) => end(() => reject(error)))
    socket.on('close', () => end(() => reject(new Error('the connection ended without a response'))))
    socket.on('connect', () => socket.write(frameForTcp(query)))
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk])
      if (received.length < 2 || received.length < 2 + received.readUInt16BE(0)) return
      const octets = received.subarray(2, 2 + received.readUInt16BE(0))
      end(() => {
        if (isResponseTo(octets, query)) resolve(octets)
        else reject(new Error('the response is for another question'))
      })
    })
  })
}

/** Returns a message with its length in front, as TCP needs it. RFC 1035 section 4.2.2. */
export function frameForTcp(message: Buffer): Buffer {
  const length = Buffer.alloc(2)
  length.writeUInt16BE(message.length)
  return Buffer.concat([length, message])
}
