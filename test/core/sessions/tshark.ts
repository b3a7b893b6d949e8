import type { Protocol } from '../../../src/core/config/schema.ts'
import { runProgram } from '../../support/run-program.ts'

/** Wireshark's names of the protocols. */
const dissectors: Readonly<Record<Protocol, string>> = { smtp: 'smtp', pop3: 'pop', imap4: 'imap', nntp: 'nntp' }

export interface CapturedPort {
  readonly protocol: Protocol
  readonly port: number
  readonly implicitTls: boolean
}

/** Reads a capture with tshark, each port decoded as its protocol. */
export class Tshark {
  readonly #file: string
  readonly #decode: readonly string[]

  constructor(file: string, ports: readonly CapturedPort[]) {
    this.#file = file
    const rules = ports.flatMap(({ protocol, port, implicitTls }) =>
      implicitTls
        ? // tshark cannot decode NNTP over TLS by a rule.
          [`tcp.port==${port},tls`, ...(protocol === 'nntp' ? [] : [`tls.port==${port},${dissectors[protocol]}`])]
        : [`tcp.port==${port},${dissectors[protocol]}`],
    )
    this.#decode = rules.flatMap((rule) => ['-d', rule])
  }

  /** Returns the Info column of the frames that match a display filter. */
  async lines(filter: string): Promise<string[]> {
    const checks = ['-o', 'tcp.check_checksum:TRUE', '-o', 'ip.check_checksum:TRUE']
    const columns = ['-T', 'fields', '-e', '_ws.col.Info']
    const args = ['-r', this.#file, ...this.#decode, ...checks, '-Y', filter, ...columns]
    const { status, stdout, stderr } = await runProgram('tshark', args)
    if (status !== 0) throw new Error(`tshark: ${stderr}`)
    return stdout.split('\n').filter((line) => line !== '')
  }

  /** Returns the decrypted content of a TLS connection. @param stream its number, from 0 */
  async followed(stream: number): Promise<string> {
    const { stdout } = await runProgram('tshark', [
      ...['-r', this.#file, ...this.#decode, '-q'],
      ...['-z', `follow,tls,ascii,${stream}`],
    ])
    return stdout
  }

  /** Returns the frames that are malformed, out of order, or have a wrong checksum. */
  broken(): Promise<string[]> {
    return this.lines(
      '_ws.malformed || tcp.checksum.status == "Bad" || ip.checksum.status == "Bad" || tcp.analysis.flags',
    )
  }
}
