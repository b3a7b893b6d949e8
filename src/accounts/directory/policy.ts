import { isPasswordForm } from '../../core/config/accounts/known-passwords.ts'
import { isBasicMethod, isOnlyOverTls } from '../../core/config/schema/authentication.ts'
import type { VirtualServerConfig } from '../../core/config/schema.ts'
import type { ChannelBindings } from '../../tls/negotiation/binding-types.ts'
import type { SaslMechanism } from './sasl/exchange.ts'
import { saslMechanisms } from './sasl/mechanisms.ts'
import type { Directory } from './types.ts'

/** Whether a connection may do something: yes, only after STARTTLS, or never on this virtual server. */
type Permission = 'yes' | 'needs-tls' | 'no'

/** The rights of a connection before log-on, and its ways to log on. All four protocols use it. */
export interface LogonPolicy {
  /** `needs-tls` if a secure channel is required: only greeting commands and STARTTLS work before TLS. */
  readonly channel: 'yes' | 'needs-tls'
  /** Log-on by name and password, by any command. Check this before reading the password. */
  readonly logon: Permission
  /** Whether a client may send, read or post without logging on. */
  readonly anonymous: boolean
  /** Names of the SASL mechanisms to announce. Empty if none may be used now. */
  readonly mechanisms: readonly string[]
  /** Names of the SASL mechanisms that are not offered now, but would be over TLS. */
  readonly mechanismsOverTls: readonly string[]
  /** Whether the directory knows passwords in clear text, as APOP and CRAM-MD5 need. */
  readonly clearPasswords: boolean
}

/** The facts about a connection that decide how a client may log on. */
export interface ChannelState {
  readonly secure: boolean
  /** The account named by the client certificate. */
  readonly externalIdentity?: string | undefined
  /** The channel bindings of the connection. */
  readonly channelBindings?: ChannelBindings
}

/** Returns what a virtual server (`authentication`, `requireSecureChannel`) allows a connection in its current state. */
export function logonPolicy(
  config: Pick<VirtualServerConfig, 'authentication' | 'requireSecureChannel'>,
  directory: Pick<Directory, 'knowsPasswords'>,
  state: ChannelState,
): LogonPolicy {
  const has = (method: VirtualServerConfig['authentication'][number]): boolean => config.authentication.includes(method)
  const channel = config.requireSecureChannel && !state.secure ? 'needs-tls' : 'yes'
  const permissionOfBasic = (overTls: boolean): Permission => {
    if (has('basic') || (has('basic-over-tls') && overTls)) return 'yes'
    return has('basic-over-tls') ? 'needs-tls' : 'no'
  }
  const basic = permissionOfBasic(state.secure)
  const logon = channel === 'needs-tls' && basic === 'yes' ? 'needs-tls' : basic
  const clearPasswords = directory.knowsPasswords('clear')
  const isOffered = (mechanism: SaslMechanism, overTls: boolean): boolean => {
    const { method, needs, bindsChannel } = mechanism
    if (method === undefined) return overTls && state.secure && state.externalIdentity !== undefined
    const isBasic = isBasicMethod(method) && permissionOfBasic(overTls) === 'yes'
    if (!has(method) && !isBasic) return false
    if ((isOnlyOverTls(method) || config.requireSecureChannel) && !overTls) return false
    if (isPasswordForm(needs) && !directory.knowsPasswords(needs)) return false
    if (needs === 'anonymous' && !has('anonymous')) return false
    return !bindsChannel || !state.secure || (state.channelBindings?.size ?? 0) > 0
  }
  const offered = (overTls: boolean): string[] =>
    saslMechanisms.filter((mechanism) => isOffered(mechanism, overTls)).map(({ name }) => name)
  const mechanisms = offered(state.secure)
  const mechanismsOverTls = state.secure ? [] : offered(true).filter((name) => !mechanisms.includes(name))
  return { channel, logon, anonymous: has('anonymous'), mechanisms, mechanismsOverTls, clearPasswords }
}
