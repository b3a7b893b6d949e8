import { Duplex } from 'node:stream'
import { constants, createDeflateRaw, createInflateRaw } from 'node:zlib'

/**
 * A stream whose two directions are raw DEFLATE on `socket`. RFC 4978 section 3; RFC 8054 section 2.2.
 * @param held compressed octets that were read from the socket already
 */
export function compressed(socket: Duplex, held: Buffer): Duplex {
  const inflate = createInflateRaw()
  // What a reply holds must reach the client whole: each write is flushed.
  const deflate = createDeflateRaw({ flush: constants.Z_SYNC_FLUSH })
  const layer = Duplex.from({ readable: inflate, writable: deflate })
  const fail = (error: Error): void => {
    layer.destroy(error)
  }
  inflate.on('error', fail)
  deflate.on('error', fail)
  socket.on('error', fail)
  if (held.length > 0) inflate.write(held)
  socket.pipe(inflate)
  deflate.pipe(socket)
  layer.on('close', () => socket.destroy())
  return layer
}
