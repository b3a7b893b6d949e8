import { AddressList } from '../../network/address-list.ts'
import { isLoopback } from '../../network/ip-address.ts'
import { isKnown } from '../accounts/known-passwords.ts'
import { needsAdministratorToken, remoteAccessKey } from '../http-access.ts'
import type { Mistake, Path } from '../mistakes.ts'
import { opensslName, unknownCiphers } from '../openssl.ts'
import { IMAP_IDLE_TIMEOUT_MS, isShared } from '../resolve.ts'
import { passwordFormOf } from '../schema/authentication.ts'
import { DATABASE } from '../schema/certificates.ts'
import { hasTransactions, type LabConfig, tlsDefects, type VirtualServerConfig } from '../schema.ts'

/** Returns warnings about a valid configuration. */
export function warnings(config: LabConfig): Mistake[] {
  const found = config.virtualServers.flatMap((server, index) => [...serverWarnings(server, ['virtualServers', index])])
  found.push(...openAddresses(config), ...openRelays(config), ...methodsWithoutPasswords(config))
  const takesLogOns = config.virtualServers.some(({ authentication }) =>
    authentication.some((method) => method !== 'anonymous'),
  )
  if (takesLogOns && config.directory.mode === 'listed' && config.directory.accounts.length === 0) {
    found.push({ path: ['directory', 'accounts'], message: 'no accounts are listed, so no client can log on' })
  }
  found.push(...certificatesOfOneNode(config))
  if (needsAdministratorToken(config)) {
    const keys = config.virtualServers.map(remoteAccessKey)
    const index = keys.findIndex((key) => key !== undefined)
    found.push({ path: ['virtualServers', index, keys[index] ?? ''], message: generatedToken })
  }
  return found
}

/** Warns of certificates that each node of a lab would have for itself. */
function* certificatesOfOneNode({ certificates, store, cluster }: LabConfig): Iterable<Mistake> {
  const { store: place } = certificates
  if (!isShared(store) || cluster === undefined || place === undefined || place === DATABASE) return
  const message = `is ${place}, which other nodes of the cluster do not have, so that each node has a root of its own; write ${DATABASE}`
  yield { path: ['certificates', 'store'], message }
}

const generatedToken =
  'other machines can reach the HTTP API, and access names neither administrators nor tokens: `start` generates a token of an administrator and prints it; to keep the same token, add access: { tokens: [{ name: ci, tokenFile: FILE }] }'

function* serverWarnings(server: VirtualServerConfig, at: Path): Iterable<Mistake> {
  const { idleTimeout } = server.limits
  if (server.protocol === 'imap4' && idleTimeout !== undefined && idleTimeout < IMAP_IDLE_TIMEOUT_MS) {
    yield {
      path: [...at, 'limits', 'idleTimeout'],
      message: 'is less than 30 minutes, the minimum for IMAP (RFC 9051 section 5.4)',
    }
  }
  yield* tlsWarnings(server, [...at, 'tls'])
  yield* proxyWarnings(server, at)
}

/** Warns of methods that are not offered because passwords are not known. The methods of a personality are its own defaults. */
function* methodsWithoutPasswords({ directory: { mode, accounts }, virtualServers }: LabConfig): Iterable<Mistake> {
  for (const [index, { authentication, personality }] of virtualServers.entries()) {
    const methods = personality === 'sealpost' ? authentication.filter(passwordFormOf) : []
    const hashed = accounts.filter(({ passwordHash }) => passwordHash !== undefined)
    const missing = (method: string) => hashed.find((account) => !isKnown(account, passwordFormOf(method) ?? 'clear'))
    const unused = mode === 'open' ? methods : methods.filter(missing)
    if (unused.length === 0) continue
    const why =
      mode === 'open'
        ? 'an open directory knows no passwords; write directory.mode: listed'
        : `only a hash of the password of ${missing(unused[0] as string)?.user} is known; remove the methods, or give its password`
    const message = `${unused.join(', ')}: not offered, because ${why}`
    yield { path: ['virtualServers', index, 'authentication'], message }
  }
}

/** Warns once for each address that other machines can reach, at the first virtual server that has it. */
function* openAddresses({ virtualServers }: LabConfig): Iterable<Mistake> {
  const addresses = virtualServers.map(({ address }) => address)
  for (const [index, address] of addresses.entries()) {
    if (isLoopback(address) || addresses.indexOf(address) !== index) continue
    const more = addresses.filter((one) => one === address).length - 1
    const others = more === 0 ? '' : ` and ${more} more with this address`
    yield {
      path: ['virtualServers', index, 'address'],
      message: `${address} is not a loopback address: other machines can reach this virtual server${others}`,
    }
  }
}

/** Warns of virtual servers from which other machines can send mail anywhere. */
function* openRelays({ outgoing: { connectors }, virtualServers }: LabConfig): Iterable<Mistake> {
  const automatic = connectors.find(({ when, filters }) => when === 'automatic' && filters?.account === undefined)
  if (!automatic) return
  for (const [index, { protocol, address, relay, authentication }] of virtualServers.entries()) {
    const isOpen = hasTransactions(protocol) && relay === 'capture' && authentication.includes('anonymous')
    if (!isOpen || isLoopback(address)) continue
    const message = `is capture, and the connector ${automatic.name} is automatic: other machines can send mail anywhere without a log-on; write relay: deny`
    yield { path: ['virtualServers', index, 'relay'], message }
  }
}

function* proxyWarnings(server: VirtualServerConfig, at: Path): Iterable<Mistake> {
  yield* listWarnings(server.proxyProtocol?.from ?? [], server, [...at, 'proxyProtocol', 'from'])
  yield* listWarnings(server.xclient?.from ?? [], server, [...at, 'xclient', 'from'])
  yield* listWarnings(server.forwarded?.from ?? [], server, [...at, 'forwarded', 'from'])
}

function* listWarnings(listed: readonly string[], { address }: VirtualServerConfig, path: Path): Iterable<Mistake> {
  for (const [index, text] of listed.entries()) {
    if (!/\/0+$/.test(text)) continue
    const message = `${text} is every address: any client can then appear under any address; list only the addresses of your proxies`
    yield { path: [...path, index], message }
  }
  if (listed.length > 0 && isLoopback(address) && !listed.some(canBeLoopback)) {
    yield {
      path,
      message: `no listed proxy can connect, because the virtual server listens on ${address} only; list a loopback address, or change address`,
    }
  }
}

/** Returns whether connections to a loopback address can come from an address or network. */
function canBeLoopback(listed: string): boolean {
  const proxies = new AddressList([listed])
  return isLoopback(listed) || proxies.has('127.0.0.1') || proxies.has('::1')
}

function* tlsWarnings({ tls }: VirtualServerConfig, at: Path): Iterable<Mistake> {
  const { ciphers, defect, groups, legacy, minVersion } = tls
  if (defect !== undefined) {
    yield { path: [...at, 'defect'], message: `the virtual server is vulnerable on purpose: it ${tlsDefects[defect]}` }
  }
  if (legacy !== 'off') {
    yield {
      path: [...at, 'legacy'],
      message: 'accepts SSL 3.0, TLS 1.0 and ciphers that are broken; use it for old clients in a lab only',
    }
  }
  const unknown = ciphers === undefined ? [] : unknownCiphers(ciphers)
  if (unknown.length > 0) {
    yield {
      path: [...at, 'ciphers'],
      message: `${unknown.join(', ')}: ${opensslName} has no such suites and ignores them`,
    }
  }
  if (groups?.every((group) => /MLKEM/i.test(group)) && minVersion !== 'TLSv1.3') {
    yield {
      path: [...at, 'groups'],
      message: 'only TLS 1.3 has these groups, so clients with TLS 1.2 connect without them; write minVersion: TLSv1.3',
    }
  }
}
