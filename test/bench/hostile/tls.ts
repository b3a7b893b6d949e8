import { Duplex } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { connect } from 'node:tls'
import type { Attack } from './types.ts'

const RECORD_HEADER_OCTETS = 5
/** Each address may open 100 connections. */
const ADDRESSES = Array.from({ length: 10 }, (_, i) => `127.0.1.${i + 1}`)

/** Returns the octets of a ClientHello that offers these ALPN names. */
function clientHello(names: readonly string[]): Promise<Buffer> {
  return new Promise((resolve) => {
    const wire = new Duplex({
      read() {},
      writev: (records) => resolve(Buffer.concat(records.map(({ chunk }) => chunk as Buffer))),
    })
    connect({ socket: wire, servername: 'localhost', ALPNProtocols: [...names] }).on('error', () => {})
  })
}

/** Puts every octet of some TLS records into a record of its own. */
function oneOctetRecords(records: Buffer): Buffer {
  const out: Buffer[] = []
  for (let at = 0; at < records.length; ) {
    const end = at + RECORD_HEADER_OCTETS + records.readUInt16BE(at + 3)
    for (const octet of records.subarray(at + RECORD_HEADER_OCTETS, end)) out.push(Buffer.of(22, 3, 1, 0, 1, octet))
    at = end
  }
  return Buffer.concat(out)
}

/** Sends the same octets on 1,000 connections, and does not close them. */
const onThousand = (name: string, octets: () => Promise<Buffer | undefined>): Attack => ({
  name,
  async prepare(attacker) {
    const hello = await octets()
    return async () => {
      for (const address of ADDRESSES) {
        for (const socket of attacker.openMany(100, 'imap4s', address)) if (hello) socket.write(hello)
        await sleep(50)
        if (attacker.isOver) return
      }
      await attacker.end()
    }
  },
})

/** Attacks before and in TLS handshakes. */
export const tlsAttacks: readonly Attack[] = [
  onThousand('1,000 ClientHellos with 10,000 ALPN names each', () =>
    clientHello(Array.from({ length: 10_000 }, (_, i) => String(i).padStart(5, '0'))),
  ),
  onThousand('1,000 ClientHellos in records of one octet', async () =>
    oneOctetRecords(await clientHello(Array<string>(70).fill('x'.repeat(250)))),
  ),
  onThousand('1,000 ClientHellos without an end', async () => {
    const hello = await clientHello(Array<string>(200).fill('x'.repeat(250)))
    return hello.subarray(0, hello.length - 1)
  }),
  onThousand('1,000 silent handshakes', async () => undefined),
]
