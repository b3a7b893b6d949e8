import type { Duplex } from 'node:stream'
import type { ClientHelloFacts } from '../sessions/types.ts'
import { MAX_HELLO_OCTETS, parseClientHello } from '../tls/client-hello.ts'

/** What a client sent first: its ClientHello, or something that is no TLS. */
export type FirstWords =
  | { readonly kind: 'hello'; readonly facts: ClientHelloFacts; readonly sslv2: boolean }
  | { readonly kind: 'not-tls'; readonly octets: Buffer }

/**
 * Reads the ClientHello off a raw socket and puts it back, so that whoever makes the handshake finds it untouched.
 * Nothing is resumed in between: octets would be lost.
 * @returns undefined when the client closes, or stays silent for `timeoutMs`, before it has said enough
 */
export function peekFirstWords(raw: Duplex, timeoutMs: number): Promise<FirstWords | undefined> {
  return new Promise((resolve) => {
    let held: Buffer = Buffer.alloc(0)
    const done = (words: FirstWords | undefined): void => {
      clearTimeout(timer)
      raw.off('readable', onReadable)
      raw.off('end', onGone)
      raw.off('close', onGone)
      if (held.length > 0 && !raw.destroyed) raw.unshift(held)
      resolve(words)
    }
    const onGone = (): void => done(undefined)
    const onReadable = (): void => {
      for (let chunk = raw.read(); chunk !== null; chunk = raw.read()) held = Buffer.concat([held, chunk])
      const result = parseClientHello(held)
      if (result.kind === 'hello') done(result)
      else if (result.kind === 'not-tls' || held.length > MAX_HELLO_OCTETS) done({ kind: 'not-tls', octets: held })
    }
    const timer = setTimeout(onGone, timeoutMs)
    raw.on('readable', onReadable)
    raw.on('end', onGone)
    raw.on('close', onGone)
  })
}
