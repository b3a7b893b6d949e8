import type { SessionRecord } from '../../../core/sessions/types.ts'
import type { ConnectorTest, ConnectorTestStep, NextHop, ResolvedConnector } from '../types.ts'
import { hopAddresses } from './addresses.ts'
import { PeerFailure } from './failure.ts'
import { type OpenedPeer, openPeer } from './opening.ts'
import { PeerConnection } from './peer-connection.ts'
import { requirementText } from './secure.ts'
import type { ClientServices } from './services.ts'

type Step = ConnectorTestStep['step']

const passedStep = (step: Step, text: string): ConnectorTestStep => ({ step, ok: true, text })

/** Opens a session to the first host that can be reached: connection, EHLO, TLS, log-on and QUIT. Sends no mail. */
export async function testHost(
  { name, protocol, certificate }: ResolvedConnector,
  hops: readonly NextHop[],
  services: ClientServices,
  signal: AbortSignal,
): Promise<ConnectorTest> {
  let last: ConnectorTest = { ok: false, steps: [{ step: 'route', ok: false, text: 'no host is known' }] }
  for (const hop of hops) {
    const { host, port } = hop
    try {
      for (const address of await hopAddresses(hop)) {
        last = await testAddress({ hop, address, connector: name, protocol, certificate }, services, signal)
        // Another address, or the next host, only helps where nothing answers.
        if (last.steps.length > 1) return last
      }
    } catch (error) {
      last = { ok: false, host, port, steps: [{ step: 'connect', ok: false, text: (error as Error).message }] }
    }
  }
  return last
}

async function testAddress(
  to: Parameters<typeof openPeer>[0],
  services: ClientServices,
  signal: AbortSignal,
): Promise<ConnectorTest> {
  const { hop } = to
  const { host, port } = hop
  let session: string | undefined
  let steps: readonly ConnectorTestStep[] = []
  const result = (ok: boolean, more: readonly ConnectorTestStep[]): ConnectorTest => ({
    ok,
    host,
    port,
    ...(session !== undefined && { session }),
    steps: [...steps, ...more],
  })
  try {
    const peer = await openPeer(to, services, signal)
    session = peer.session
    steps = openedSteps(peer, hop, services.sessions.get(session))
    const connection = await PeerConnection.begin(peer, hop.tls === 'none', signal)
    connection.quit()
    const logOn = hop.user === undefined ? [] : [passedStep('AUTH', `logged on as ${hop.user}`)]
    return result(true, [...logOn, passedStep('QUIT', 'the session is closed')])
  } catch (error) {
    if (!(error instanceof PeerFailure)) throw error
    const { message, session: failed = session } = error
    session = failed
    if (steps.length > 0) return result(false, [{ step: 'AUTH', ok: false, text: message }])
    const record = failed === undefined ? undefined : services.sessions.get(failed)
    return result(false, failedSteps(hop, record, message))
  }
}

const connectedStep = ({ host, port }: NextHop): ConnectorTestStep =>
  passedStep('connect', `${host} answers on port ${port}`)

/** Returns the steps of a session that is ready for mail. */
function openedSteps(peer: OpenedPeer, hop: NextHop, record: SessionRecord | undefined): ConnectorTestStep[] {
  const { extensions, host, dialog } = peer
  const offered = [...extensions.keys()].join(', ')
  const hello = passedStep('EHLO', offered === '' ? 'the host offers no extensions' : `the host offers ${offered}`)
  if (!dialog.isSecure || !record?.tls) {
    return [connectedStep(hop), hello, passedStep('STARTTLS', `no TLS; ${requirementText(hop)} allows that`)]
  }
  const { version, cipher } = record.tls
  const problem =
    host.text === undefined ? 'the certificate is valid' : `${host.text}; ${requirementText(hop)} allows that`
  return [
    connectedStep(hop),
    hello,
    passedStep('STARTTLS', `${version}, ${cipher}`),
    passedStep('certificate', problem),
  ]
}

/** Returns the steps of a session that failed before it was ready for mail, by what its record has. */
function failedSteps(hop: NextHop, record: SessionRecord | undefined, text: string): ConnectorTestStep[] {
  const failed = (step: Step): ConnectorTestStep => ({ step, ok: false, text })
  const { transcript = [], tls } = record ?? {}
  const sent = transcript.flatMap((entry) => (entry.kind === 'line' && entry.direction === 'out' ? [entry.text] : []))
  const isAnswered = transcript.some((entry) => entry.kind === 'line' && entry.direction === 'in')
  if (tls) return [connectedStep(hop), passedStep('STARTTLS', `${tls.version}, ${tls.cipher}`), failed('certificate')]
  if (hop.implicitTls && record?.endCause === 'handshake failed') return [connectedStep(hop), failed('STARTTLS')]
  if (!isAnswered) return [failed('connect')]
  // After EHLO, the next command is STARTTLS; a host that does not offer it is left there.
  const isAtTls = sent.some((line) => line === 'STARTTLS') || /does not offer STARTTLS/.test(text)
  return isAtTls
    ? [connectedStep(hop), passedStep('EHLO', 'the host answers'), failed('STARTTLS')]
    : [connectedStep(hop), failed('EHLO')]
}
