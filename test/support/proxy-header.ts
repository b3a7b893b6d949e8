import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

const SIGNATURE = Buffer.from('0d0a0d0a000d0a515549540a', 'hex')

/** Returns a header of version 2. @param content addresses and extensions */
export function binaryHeader({
  version = 2,
  command = 1,
  family = 0x11,
  content = ipv4Content(),
  announcedOctets = content.length,
}: {
  readonly version?: number
  readonly command?: number
  readonly family?: number
  readonly content?: Buffer
  readonly announcedOctets?: number
} = {}): Buffer {
  const length = Buffer.alloc(2)
  length.writeUInt16BE(announcedOctets)
  return Buffer.concat([SIGNATURE, Buffer.of((version << 4) | command, family), length, content])
}

/** 203.0.113.7 port 4711 to 192.0.2.1 port 25. */
export const ipv4Content = (...extensions: readonly Buffer[]): Buffer =>
  Buffer.concat([Buffer.from('cb007107c000020112670019', 'hex'), ...extensions])

/** 2001:db8::7 port 4711 to 2001:db8::1 port 25. */
export const ipv6Content = (): Buffer =>
  Buffer.from('20010db800000000000000000000000720010db800000000000000000000000112670019', 'hex')

/** An extension (TLV) of version 2. */
export function extension(type: number, value: Buffer | string): Buffer {
  const octets = Buffer.from(value as string)
  return Buffer.concat([Buffer.of(type, octets.length >> 8, octets.length & 0xff), octets])
}

/** A proxy of one's own: prepends a header to what a client sends first, in one segment. */
export async function startAnnouncer(to: number, header: Buffer | string, speaksFirst: 'client' | 'server') {
  const open = new Set<Socket>()
  const server = createServer({ allowHalfOpen: true }, (client) => {
    const upstream = connect({ port: to, host: '127.0.0.1', allowHalfOpen: true })
    for (const socket of [client, upstream]) {
      open.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => {
        open.delete(socket)
        client.destroy()
        upstream.destroy()
      })
    }
    const start = Buffer.from(header as string)
    if (speaksFirst === 'server') upstream.write(start)
    else {
      client.once('data', (first: Buffer) => {
        client.pause()
        upstream.write(Buffer.concat([start, first]))
        client.pipe(upstream)
      })
    }
    upstream.pipe(client)
    if (speaksFirst === 'server') client.pipe(upstream)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      for (const socket of open) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}
