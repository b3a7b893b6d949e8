import type { Duplex } from 'node:stream'
import type { SessionRecorder } from '../core/sessions/types.ts'
import { peekClientHello } from '../tls/negotiation/client-hello-reader.ts'
import { explainNoHello } from '../tls/negotiation/failure.ts'
import type { KeyLog } from '../tls/negotiation/policy.ts'
import type { SecuredSocket, Securer } from './connection.ts'
import { HandshakeFailure } from './errors.ts'
import type { ConnectionFaults, DueFault } from './faults/fault-rules.ts'
import { applyHandshakeFaults } from './faults/handshake-faults.ts'
import { handshakeFailed, type TlsSettings } from './tls-acceptor.ts'

/** Performs the TLS handshakes of a virtual server. */
interface HandshakeServer {
  readonly canSecure: boolean
  /** Performs a handshake. @throws HandshakeFailure */
  secure(
    raw: Duplex,
    record: SessionRecorder,
    keyLog: KeyLog | undefined,
    faults: ConnectionFaults | undefined,
  ): Promise<SecuredSocket>
}

/** The TLS handshakes of one connection, with the faults that are injected before them. */
export class HandshakeSecurer implements Securer {
  readonly #server: HandshakeServer
  readonly #record: SessionRecorder
  readonly #faults: ConnectionFaults | undefined
  readonly #keyLog: KeyLog | undefined

  constructor(
    server: HandshakeServer,
    record: SessionRecorder,
    faults: ConnectionFaults | undefined,
    keyLog: KeyLog | undefined,
  ) {
    this.#server = server
    this.#record = record
    this.#faults = faults
    this.#keyLog = keyLog
  }

  get available(): boolean {
    return this.#server.canSecure
  }

  secure(raw: Duplex): Promise<SecuredSocket> {
    return this.#server.secure(raw, this.#record, this.#keyLog, this.#faults)
  }
}

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
