import { forkServer } from '../frame/processes.ts'
import type { Contender } from '../frame/types.ts'
import type { OldLabSettings } from '../programs/old-lab.ts'

/** Sealpost with or without the engine for old clients: POP3 over implicit TLS, one message in the maildrop of `alice`. */
export const oldLab = (name: string, settings: OldLabSettings): Contender => ({
  name,
  async start() {
    const { reset: _, ...target } = await forkServer('old-lab', settings)
    return target
  },
})

/** Size of the message that is read repeatedly. */
export const MESSAGE_OCTETS = 4_000_000
