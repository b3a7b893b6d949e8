import type { Duplex } from 'node:stream'
import type { ClientHelloFacts } from '../sessions/types.ts'
import { MAX_HELLO_OCTETS, parseClientHello } from '../tls/client-hello.ts'

/** What a client sent first: its ClientHello, or something that is no TLS. */
export type FirstWords =
  | { readonly kind: 'hello'; readonly facts: ClientHelloFacts; readonly sslv2: boolean }
  | { readonly kind: 'not-tls'; readonly octets: Buffer }

/**
 * Reads the ClientHello off a raw socket and puts it back, so that whoever makes the handshake finds it untouched. The
 * socket is left paused: it waits for that.
 * @returns undefined when the client closes, or stays silent for `timeoutMs`, before it has said enough
 */
export function peekFirstWords(raw: Duplex, timeoutMs: number): Promise<FirstWords | undefined> {
  return new Promise((resolve) => {
    let held: Buffer | undefined
    const done = (words: FirstWords | undefined): void => {
      clearTimeout(timer)
      raw.off('data', onData)
      raw.off('end', onGone)
      raw.off('close', onGone)
      raw.pause()
      if (held && !raw.destroyed) raw.unshift(held)
      resolve(words)
    }
    const onGone = (): void => done(undefined)
    const onData = (chunk: Buffer): void => {
      held = held ? Buffer.concat([held, chunk]) : chunk
      const result = parseClientHello(held)
      if (result.kind === 'hello') done(result)
      else if (result.kind === 'not-tls' || held.length > MAX_HELLO_OCTETS) done({ kind: 'not-tls', octets: held })
    }
    const timer = setTimeout(onGone, timeoutMs)
    raw.on('end', onGone)
    raw.on('close', onGone)
    raw.on('data', onData)
    // Whoever had the socket before has left it paused.
    raw.resume()
  })
}
