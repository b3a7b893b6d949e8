import { startLab } from '../../../../src/testing/start-lab.ts'
import { legacySuites } from '../../../../src/tls/legacy/suites.ts'
import type { TlsDialog } from './dialogs.ts'

/** Whether 128 bits are required, as in Exchange's check box. */
export type Minimum = 'off' | '128'
export const minimums: readonly Minimum[] = ['off', '128']

const protocols = ['smtp', 'pop3', 'imap4', 'nntp'] as const

/** Starts a lab that accepts old clients, with two virtual servers per protocol: without and with the 128-bit minimum. */
export function startOldLab() {
  return startLab({
    virtualServers: minimums.flatMap((minimum) =>
      protocols.map((protocol) => ({
        name: nameOf(protocol, minimum),
        protocol,
        tls: { legacy: legacySuites.map(({ name: suite }) => suite) },
        require128BitEncryption: minimum === '128',
      })),
    ),
  })
}

export function nameOf(protocol: TlsDialog['protocol'], minimum: Minimum): string {
  return `${protocol} ${minimum}`
}
