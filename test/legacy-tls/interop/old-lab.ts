import { startLab } from '../../../src/testing/start-lab.ts'
import type { Dialog } from './dialogs.ts'

/** The article's tick-box: whether 128 bits are required. */
export type Minimum = 'off' | '128'
export const minimums: readonly Minimum[] = ['off', '128']

const protocols = ['smtp', 'pop3', 'imap4', 'nntp'] as const

/** A lab that lets old clients in, each protocol twice: without and with the 128-bit minimum. */
export async function startOldLab() {
  const lab = await startLab({
    virtualServers: minimums.flatMap((minimum) =>
      protocols.map((protocol) => ({
        name: nameOf(protocol, minimum),
        protocol,
        tls: { legacy: true },
        require128BitEncryption: minimum === '128',
      })),
    ),
  })
  return lab
}

export function nameOf(protocol: Dialog['protocol'], minimum: Minimum): string {
  return `${protocol} ${minimum}`
}
