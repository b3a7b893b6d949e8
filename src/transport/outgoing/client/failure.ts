import type { HostResult, TlsFailure } from '../types.ts'

interface FailureFacts extends ErrorOptions {
  readonly code?: number
  readonly enhancedCode: string
  readonly tls?: TlsFailure
}

/** Why a host did not take mail, before or between its replies. */
export class PeerFailure extends Error {
  override readonly name = 'PeerFailure'
  /** The code of the reply, if there was one. */
  readonly code: number | undefined
  /** RFC 3463; its first digit tells whether another attempt is useless. */
  readonly enhancedCode: string
  /** The id of the session, if there was one. */
  session: string | undefined
  /** For TLS reports: why TLS failed, and at which host. */
  readonly tls: TlsFailure | undefined
  host: HostResult | undefined

  constructor(message: string, { code, enhancedCode, tls, ...options }: FailureFacts) {
    super(message, options)
    this.code = code
    this.enhancedCode = enhancedCode
    this.tls = tls
  }

  get isPermanent(): boolean {
    return this.enhancedCode.startsWith('5')
  }
}

/** The connection was lost, or the host did not answer in time. RFC 3463 section 3.5: X.4.2. */
export const connectionLost = (message: string, cause?: unknown): PeerFailure =>
  new PeerFailure(message, { enhancedCode: '4.4.2', cause })

/** The attempt was stopped. */
export const attemptStopped = (): PeerFailure => connectionLost('the lab is stopping')

/** A TLS level was not fulfilled. RFC 3463 section 3.8: X.7.5, cryptographic failure. */
export const notSecured = (message: string, tls: TlsFailure = 'validation-failure', cause?: unknown): PeerFailure =>
  new PeerFailure(message, { enhancedCode: '4.7.5', tls, cause })

/** A mistake on the lab's side, such as an authority that does not exist: the mail waits until it is repaired. */
export const unusable = (error: unknown): PeerFailure =>
  new PeerFailure((error as Error).message, { enhancedCode: '4.3.5', cause: error })
