import type { Duplex } from 'node:stream'
import type { SessionRecorder } from '../../core/sessions/types.ts'
import { delay as sleep } from '../../core/time/real-timers.ts'
import { peekClientHello } from '../../tls/negotiation/client-hello-reader.ts'
import { explainNoHello } from '../../tls/negotiation/failure.ts'
import { HandshakeFailure } from '../errors.ts'
import { handshakeFailed } from '../tls-acceptor.ts'
import type { TlsSettings } from '../virtual-server-settings.ts'
import type { FaultOutcome } from './apply-faults.ts'
import type { ConnectionFaults, DueFault } from './fault-rules.ts'

/** Injects the faults that are due before a handshake. @throws HandshakeFailure when a fault ends the connection */
export async function faultsBeforeHandshake(
  faults: ConnectionFaults,
  due: readonly DueFault[],
  raw: Duplex,
  record: SessionRecorder,
  { policy, handshakeTimeoutMs: timeoutMs }: Pick<TlsSettings, 'policy' | 'handshakeTimeoutMs'>,
): Promise<void> {
  // The ClientHello is read first, so that the record contains it.
  const first = await peekClientHello(raw, timeoutMs)
  if (first.kind === 'gone')
    throw handshakeFailed(raw, record, explainNoHello(first, { first: undefined, policy, timeoutMs }))
  if (first.kind === 'hello') record.hello(first.facts)
  const outcome = await applyHandshakeFaults(faults, due, raw, record)
  if (outcome === 'gone') throw new HandshakeFailure('a fault ended the handshake')
}

/** Injects faults on the raw stream. */
async function applyHandshakeFaults(
  faults: ConnectionFaults,
  due: readonly DueFault[],
  raw: Duplex,
  record: SessionRecorder,
): Promise<FaultOutcome> {
  const closed = new Promise<void>((resolve) => raw.once('close', resolve))
  // A stream without a reader does not notice its end.
  const readToEnd = (): Promise<void> => {
    raw.resume()
    return closed
  }
  for (const { name, action, confirm, reportFired } of due) {
    if (confirm && !(await confirm())) continue
    record.note(`fault: ${name}`)
    reportFired()
    if (action.delay !== undefined) await Promise.race([sleep(action.delay, undefined, { ref: false }), closed])
    if (action.silence) {
      raw.once('end', () => raw.destroy())
      await readToEnd()
      return 'gone'
    }
    const octets =
      action.abortHandshake === undefined
        ? action.garbage && faults.octets(action.garbage)
        : fatalAlert(action.abortHandshake)
    if (octets) {
      raw.end(octets)
      await readToEnd()
    } else if (action.drop === 'rst') faults.reset()
    else if (action.drop) raw.destroy()
    if (octets || action.drop) return 'gone'
  }
  return 'pass'
}

/** Returns a TLS record with a fatal alert. RFC 5246 section 7.2; RFC 8446 section 6. */
const fatalAlert = (description: number): Buffer => Buffer.from([21, 3, 3, 0, 2, 2, description])
