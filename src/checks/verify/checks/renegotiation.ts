import type { TLSSocket } from 'node:tls'
import { clearTimeout, setTimeout } from '../../../core/time/real-timers.ts'
import { extensionIds } from '../tls/answer.ts'
import { type Check, fail, pass, warn } from './check.ts'
import { highestBefore13 } from './versions.ts'

/** A server that accepts this many is taken to accept any number. */
const MOST = 10

/** Checks that clients cannot renegotiate, and that renegotiation is bound to the connection. RFC 5746. */
export const renegotiation: Check = {
  name: 'renegotiation',
  title: 'renegotiation',
  async run(probe) {
    const version = await highestBefore13(probe)
    if (!version) return pass('TLS 1.3 has no renegotiation')
    // SSL 3.0 has no extensions.
    if (version.wire > 0x0300 && !version.answer.extensions.has(extensionIds.renegotiationInfo)) {
      return fail('the server does not support secure renegotiation (RFC 5746, CVE-2009-3555)')
    }
    const { socket, dialog } = await probe.securedSocket({ maxVersion: 'TLSv1.2' })
    const accepted = await countRenegotiations(socket, probe.options.timeoutMs).finally(() => dialog.wire.close())
    const facts = { accepted }
    if (accepted === 0) return pass('the server refuses renegotiation by the client', facts)
    if (accepted < MOST)
      return warn(`the client can renegotiate ${times(accepted)}, which costs the server a handshake each`, facts)
    return fail(`the client can renegotiate at least ${times(accepted)}: one connection can overload the server`, facts)
  },
}

const times = (count: number): string => (count === 1 ? 'once' : `${count} times`)

async function countRenegotiations(socket: TLSSocket, timeoutMs: number): Promise<number> {
  let count = 0
  while (count < MOST && (await renegotiate(socket, timeoutMs))) count++
  return count
}

/** Asks for a new handshake. Returns whether the server completes it. */
function renegotiate(socket: TLSSocket, timeoutMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    const done = (isAccepted: boolean): void => {
      clearTimeout(timer)
      socket.off('close', refused)
      resolve(isAccepted)
    }
    const refused = (): void => done(false)
    const timer = setTimeout(refused, timeoutMs)
    socket.once('close', refused)
    if (socket.destroyed || socket.renegotiate({}, (error) => done(!error)) === false) refused()
  })
}
