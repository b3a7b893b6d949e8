import type { Socket } from 'node:net'
import { connectTcp } from '../../../net/client/connect.ts'
import { PeerFailure } from './failure.ts'
import { requirementText } from './secure.ts'
import type { ClientServices, Destination } from './services.ts'

/** Connects to an address of a host, and opens the record of the session. @throws PeerFailure, which is recorded */
export async function connectTo(to: Destination, services: ClientServices, signal: AbortSignal) {
  const socket = await tcp(to, services.timeouts.connectMs, signal).catch((error: unknown) => {
    throw recordUnreachable(error, to, services)
  })
  return { socket, recorder: record(to, services, socket) }
}

/** Opens the record of a session. */
function record(to: Destination, { sessions }: ClientServices, socket?: Socket) {
  const { hop, address, connector, protocol, isWithoutTls } = to
  const recorder = sessions.open({
    direction: 'out',
    virtualServer: connector,
    protocol,
    remoteAddress: address,
    remotePort: hop.port,
    localAddress: socket?.localAddress ?? '',
    localPort: socket?.localPort ?? 0,
  })
  recorder.note(
    `to ${hop.host} port ${hop.port}, ${requirementText(hop)}${isWithoutTls ? ', now in clear text because TLS has failed' : ''}`,
  )
  return recorder
}

/** Records a host that cannot be connected to, and returns the failure. */
function recordUnreachable(error: unknown, to: Destination, services: ClientServices): unknown {
  if (!(error instanceof PeerFailure)) return error
  const recorder = record(to, services)
  recorder.refused(error.message)
  recorder.end('connection lost')
  error.session = recorder.id
  return error
}

/** Explanations of system errors. */
const reasons: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens on this port (ECONNREFUSED)',
  EHOSTUNREACH: 'no route to the host (EHOSTUNREACH)',
  ENETUNREACH: 'no route to the network of the host (ENETUNREACH)',
  ETIMEDOUT: 'it does not answer (ETIMEDOUT)',
}

async function tcp(
  { address, hop: { host, port } }: Destination,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<Socket> {
  try {
    return await connectTcp({ host: address, port }, { timeoutMs, signal })
  } catch (error) {
    const { name, message, code = '' } = error as NodeJS.ErrnoException
    const why = name === 'AbortError' ? 'it does not answer' : (reasons[code] ?? message)
    // RFC 3463 section 3.5: X.4.1, no answer from host
    const where = `${host}${host === address ? '' : ` (${address})`} port ${port}`
    throw new PeerFailure(`cannot connect to ${where}: ${why}`, { enhancedCode: '4.4.1', cause: error })
  }
}
