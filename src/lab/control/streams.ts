import type { Lab } from '../lab.ts'
import { ControlError, type ControlStreams } from './messages.ts'

/** The answer to `smtp`, before the greeting of the session. */
export interface SubmissionPlace {
  readonly virtualServer: string
  readonly hostname: string
  /** The domain that completes a name without one. */
  readonly domain: string
}

/** Longest text about the client in a session record. */
const MAX_OWNER = 200

/** Returns the requests after which the connection is a session of a virtual server, by verb. */
export const controlStreams = (lab: Lab): ControlStreams => ({
  smtp: ({ virtualServer: wanted, by }) => {
    const { virtualServer, reachable } = smtpServer(lab, typeof wanted === 'string' ? wanted : undefined)
    if (!reachable) throw new ControlError(`${virtualServer} cannot be reached now, for a test of an outage`)
    const { hostname, domain } = lab.config
    const owner = typeof by === 'string' ? by.slice(0, MAX_OWNER) : 'the owner of the lab, over the control socket'
    return {
      item: { virtualServer, hostname, domain } satisfies SubmissionPlace,
      serve: (socket) => lab.virtualServers.get(virtualServer)?.serveOwner(socket, owner),
    }
  },
})

function smtpServer(lab: Lab, wanted: string | undefined): ReturnType<Lab['endpoints']>[number] {
  const all = lab.endpoints().filter(({ protocol }) => protocol === 'smtp')
  const found = wanted === undefined ? all[0] : all.find(({ virtualServer }) => virtualServer === wanted)
  if (found) return found
  if (all.length === 0)
    throw new ControlError('the running lab has no SMTP virtual server; add one to its configuration')
  const names = all.map(({ virtualServer }) => virtualServer).join(', ')
  throw new ControlError(`the running lab has no SMTP virtual server ${wanted}; there are: ${names}`)
}
