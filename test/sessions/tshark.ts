import type { Protocol } from '../../src/config/schema.ts'
import { runProgram } from '../support/run-program.ts'

/** What Wireshark calls the protocols. */
const dissectors: Readonly<Record<Protocol, string>> = { smtp: 'smtp', pop3: 'pop', imap4: 'imap', nntp: 'nntp' }

export interface CapturedPort {
  readonly protocol: Protocol
  readonly port: number
  readonly implicitTls: boolean
}

/** Reads a capture as Wireshark shows it, each port decoded as what it is. */
export class Tshark {
  readonly #file: string
  readonly #decode: readonly string[]

  constructor(file: string, ports: readonly CapturedPort[]) {
    this.#file = file
    const rules = ports.flatMap(({ protocol, port, implicitTls }) =>
      implicitTls
        ? // tshark can be told what is behind TLS, but not that it is NNTP.
          [`tcp.port==${port},tls`, ...(protocol === 'nntp' ? [] : [`tls.port==${port},${dissectors[protocol]}`])]
        : [`tcp.port==${port},${dissectors[protocol]}`],
    )
    this.#decode = rules.flatMap((rule) => ['-d', rule])
  }

  /** The Info column of the frames that a display filter lets through. */
  async lines(filter: string): Promise<string[]> {
    const checks = ['-o', 'tcp.check_checksum:TRUE', '-o', 'ip.check_checksum:TRUE']
    const columns = ['-T', 'fields', '-e', '_ws.col.Info']
    const args = ['-r', this.#file, ...this.#decode, ...checks, '-Y', filter, ...columns]
    const { status, stdout, stderr } = await runProgram('tshark', args)
    if (status !== 0) throw new Error(`tshark: ${stderr}`)
    return stdout.split('\n').filter((line) => line !== '')
  }

  /** What was said under TLS in a connection, as far as it can be decrypted. @param stream the how manieth, from 0 */
  async followed(stream: number): Promise<string> {
    const { stdout } = await runProgram('tshark', [
      ...['-r', this.#file, ...this.#decode, '-q'],
      ...['-z', `follow,tls,ascii,${stream}`],
    ])
    return stdout
  }

  /** Frames that are broken: malformed, of a wrong checksum, out of order. */
  broken(): Promise<string[]> {
    return this.lines(
      '_ws.malformed || tcp.checksum.status == "Bad" || ip.checksum.status == "Bad" || tcp.analysis.flags',
    )
  }
}
