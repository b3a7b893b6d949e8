import type { Wire } from '../wire.ts'
import { clientHello, type HelloOffer } from './client-hello.ts'
import { readServerAnswer, type ServerAnswer } from './server-answer.ts'

/** What came of a hand-made hello; `closed`: the server hung up without a word. */
export type HelloOutcome = Exclude<ServerAnswer, { kind: 'more' }> | { readonly kind: 'closed' }

/** Sends a ClientHello on a wire that is ready for one, reads the answer and goes no further. Closes the wire. */
export async function askHello(wire: Wire, offer: HelloOffer): Promise<HelloOutcome> {
  let said: Buffer = Buffer.alloc(0)
  wire.write(clientHello(offer))
  try {
    for (;;) {
      const answer = readServerAnswer(said)
      if (answer.kind !== 'more') return answer
      said = Buffer.concat([said, await wire.octets()])
    }
  } catch {
    // It hung up, stayed silent, or sent what contradicts itself: in none of the cases did it accept.
    return { kind: 'closed' }
  } finally {
    wire.close()
  }
}
