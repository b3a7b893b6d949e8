import type { VirtualServerConfig } from '../config/schema.ts'
import { type SaslMechanism, saslMechanisms } from './sasl/mechanisms.ts'
import type { Directory } from './types.ts'

/** Whether something may be done on a connection: yes, only after STARTTLS, or not on this virtual server. */
type Verdict = 'yes' | 'needs-tls' | 'no'

/** What a connection is allowed in matters of log-on, as all four protocols ask for it. */
export interface LogonPolicy {
  /** Anything but the greeting's neighbours and STARTTLS: `needs-tls` where a secure channel is required. */
  readonly channel: 'yes' | 'needs-tls'
  /** A log-on by name and password, whichever command carries it. Ask before looking at the password. */
  readonly logon: Verdict
  /** Whether a client that has not logged on may send, read or post. */
  readonly anonymous: boolean
  /** Names of the SASL mechanisms to announce; empty where none may be used now. */
  readonly mechanisms: readonly string[]
  /** Whether APOP and the like can be checked: they need the password in clear. */
  readonly clearPasswords: boolean
}

export interface ChannelState {
  readonly secure: boolean
  /** The account that the client's certificate names. */
  readonly externalIdentity?: string | undefined
}

/** The policy of a virtual server (`authentication`, `requireSecureChannel`) for a connection as it is now. */
export function logonPolicy(
  config: Pick<VirtualServerConfig, 'authentication' | 'requireSecureChannel'>,
  directory: Pick<Directory, 'mode'>,
  state: ChannelState,
): LogonPolicy {
  const has = (method: VirtualServerConfig['authentication'][number]): boolean => config.authentication.includes(method)
  const channel = config.requireSecureChannel && !state.secure ? 'needs-tls' : 'yes'
  const password = passwordVerdict(has('basic'), has('basic-over-tls'), state.secure)
  const logon = channel === 'needs-tls' && password === 'yes' ? 'needs-tls' : password
  const clearPasswords = directory.mode === 'listed'
  const usable: Record<SaslMechanism['needs'], boolean> = {
    password: logon === 'yes',
    'clear-password': logon === 'yes' && clearPasswords,
    certificate: channel === 'yes' && state.secure && state.externalIdentity !== undefined,
  }
  const mechanisms = saslMechanisms.filter(({ needs }) => usable[needs]).map(({ name }) => name)
  return { channel, logon, anonymous: has('anonymous'), mechanisms, clearPasswords }
}

function passwordVerdict(basic: boolean, basicOverTls: boolean, secure: boolean): Verdict {
  if (basic || (basicOverTls && secure)) return 'yes'
  return basicOverTls ? 'needs-tls' : 'no'
}
