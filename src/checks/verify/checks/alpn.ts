import type { Probe } from '../probe.ts'
import { HandshakeFailed } from '../tls/handshake.ts'
import { NotTested } from '../types.ts'
import { type Check, fail, pass } from './check.ts'

/** A name that no server knows. */
const UNKNOWN = 'sealpost-verify'

/**
 * Checks that the server knows its protocol's name in TLS, and reports what it does with other names: a server that serves
 * clients of other protocols can be used against them (ALPACA). RFC 7301 section 3.2; RFC 9325 section 3.7.
 */
export const alpn: Check = {
  name: 'alpn',
  title: 'ALPN',
  async run(probe) {
    const { alpn: name, title } = probe.row
    if (name === undefined) throw new NotTested(`${title} has no registered protocol name`)
    const chosen = await chosenFrom(probe, name)
    const facts = { offered: name, chosen }
    if (chosen === 'refused') return fail(`clients that offer ${name} are refused`, facts)
    if (chosen === 'none') return pass('not used', facts)
    const other = await chosenFrom(probe, UNKNOWN)
    const words =
      other === 'refused'
        ? 'clients that offer only other protocols are refused'
        : 'clients that offer only other protocols are served, for information (RFC 7301 section 3.2)'
    return pass(`the server chooses ${chosen}; ${words}`, { ...facts, other })
  },
}

/** Offers one protocol. Returns the one that the server chooses, `none` if it ignores the offer, or `refused`. */
async function chosenFrom(probe: Probe, name: string): Promise<string> {
  // A handshake that fails without an offer says nothing about the offer.
  await probe.tls()
  try {
    const { socket, dialog } = await probe.securedSocket({ alpn: [name] })
    const { alpnProtocol } = socket
    dialog.wire.close()
    return alpnProtocol || 'none'
  } catch (error) {
    if (error instanceof HandshakeFailed) return 'refused'
    throw error
  }
}
