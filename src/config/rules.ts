import { isIPv4 } from 'node:net'
import { isLoopback } from '../common/ip-address.ts'
import { mlDsaProblem } from '../common/ml-dsa-support.ts'
import { needsAdministratorToken } from './http-access.ts'
import type { Mistake, Path } from './mistakes.ts'
import { atLeast128Bits, cipherStringError, isTls13Only, opensslName, unknownCiphers } from './openssl.ts'
import { addressesOf, IMAP_IDLE_TIMEOUT_MS, type Port, portsOf, virtualServerName } from './resolve.ts'
import { type CertificateChoice, certificateText, choicesOf } from './schema/certificate.ts'
import { isBelow128Bits } from './schema/tls.ts'
import { type LabConfig, tlsDefects, tlsVersions, type VirtualServerConfig } from './schema.ts'

/** Finds values that are valid alone and wrong together. */
type Rule = (config: LabConfig) => Iterable<Mistake>

/** Returns every contradiction between keys; each message says how to resolve it. */
export function contradictions(config: LabConfig): Mistake[] {
  return rules.flatMap((rule) => [...rule(config)])
}

/** Creates a rule that checks each virtual server. */
const eachServer = (find: (server: VirtualServerConfig, at: Path, config: LabConfig) => Iterable<Mistake>): Rule =>
  function* (config) {
    for (const [index, server] of config.virtualServers.entries())
      yield* find(server, ['virtualServers', index], config)
  }

const rules: readonly Rule[] = [
  function* mlDsaKeys({ certificates }) {
    const { key } = typeof certificates === 'string' ? { key: '' } : certificates
    const why = key.startsWith('ml-dsa-') ? mlDsaProblem() : undefined
    if (why) yield { path: ['certificates', 'key'], message: `is ${key}, but ${why}` }
  },

  eachServer(function* mlDsaVariants(server, at) {
    const asked = choicesOf(server.certificate).some(
      (one) => one.kind === 'variant' && one.variant.startsWith('ml-dsa-'),
    )
    const why = asked ? mlDsaProblem() : undefined
    if (why) yield { path: [...at, 'certificate'], message: `is ${certificateText(server.certificate)}, but ${why}` }
  }),

  function* noServers({ virtualServers }) {
    if (virtualServers.length > 0) return
    yield {
      path: ['virtualServers'],
      message:
        'is an empty list, so nothing would listen; add virtual servers, or remove the key to get one for each protocol',
    }
  },

  eachServer(function* requiredTlsWithoutCertificate(server, at) {
    if (server.certificate.kind !== 'none') return
    for (const key of ['requireSecureChannel', 'require128BitEncryption'] as const) {
      if (server[key]) yield { path: [...at, key], message: `is true, but ${needsCertificate}, or ${key}: false` }
    }
    if (typeof server.tlsPort === 'number') {
      yield { path: [...at, 'tlsPort'], message: `is ${server.tlsPort}, but ${needsCertificate}, or tlsPort: off` }
    }
    if (server.authentication.includes('basic-over-tls')) {
      yield { path: [...at, 'authentication'], message: `has basic-over-tls, but ${needsCertificate}, or basic` }
    }
  }),

  eachServer(function* secureChannelOnNntp(server, at) {
    if (server.protocol !== 'nntp' || !server.requireSecureChannel) return
    yield {
      path: [...at, 'requireSecureChannel'],
      message: 'NNTP virtual servers do not have this setting; close the clear-text port instead: port: off',
    }
  }),

  function* unknownAdministrators({ administrators, directory }) {
    const known = new Set(directory.accounts.map(({ user }) => user.toLowerCase()))
    for (const [index, name] of administrators.entries()) {
      if (directory.mode === 'open' || known.has(name.toLowerCase())) continue
      yield { path: ['administrators', index], message: `${name} is not one of directory.accounts; add the account` }
    }
  },

  function* tokenValues({ tokens }) {
    for (const [index, { token, tokenFile }] of tokens.entries()) {
      if ((token === undefined) !== (tokenFile === undefined)) continue
      const message =
        token === undefined ? 'has no value; add token: TEXT or tokenFile: FILE' : 'has token and tokenFile; keep one'
      yield { path: ['tokens', index], message }
    }
    yield* repeated(tokens.map(({ name }, index) => ({ text: name, path: ['tokens', index, 'name'] })))
  },

  eachServer(function* unknownPeers(server, at) {
    for (const [index, { direction, addresses, account }] of server.feeds.entries()) {
      if (direction === 'out' || direction === 'pull' || addresses.length > 0 || account !== undefined) continue
      yield {
        path: [...at, 'feeds', index, 'direction'],
        message: `is ${direction}, but nothing identifies the peer; add addresses: [ADDRESS] or account: NAME`,
      }
    }
  }),

  eachServer(function* basicTwice(server, at) {
    if (!server.authentication.includes('basic') || !server.authentication.includes('basic-over-tls')) return
    yield {
      path: [...at, 'authentication'],
      message: 'has both basic and basic-over-tls; keep basic (clear text too) or basic-over-tls (only under TLS)',
    }
  }),

  eachServer(function* legacyWithClientCertificates(server, at) {
    if (server.tls.legacy === false || server.clientCertificates !== 'require') return
    yield {
      path: [...at, 'tls', 'legacy'],
      message:
        'accepts old clients, which cannot send a certificate, but clientCertificates requires one; write clientCertificates: accept, or legacy: false',
    }
  }),

  eachServer(function* defectOffLoopback(server, at) {
    const { defect } = server.tls
    if (defect === undefined || isLoopback(server.address)) return
    yield {
      path: [...at, 'tls', 'defect'],
      message: `${defect} is allowed only on a loopback address, and address is ${server.address}; write address: 127.0.0.1, or remove defect`,
    }
  }),

  eachServer(function* defectWithoutEffect(server, at) {
    const { defect, minVersion } = server.tls
    if (defect === undefined) return
    const path = [...at, 'tls', 'defect']
    if (server.certificate.kind === 'none') {
      yield { path, message: `${defect} has no effect without TLS: ${needsCertificate}` }
    }
    if (minVersion === 'TLSv1.3') {
      yield { path, message: `${defect} has no effect in TLS 1.3; write minVersion: TLSv1.2, or remove defect` }
    }
    if (server.clientCertificates === 'require') {
      yield {
        path,
        message: `${defect} has no effect, because the engine with defects cannot ask for client certificates; write clientCertificates: accept, or remove defect`,
      }
    }
  }),

  eachServer(function* noneInList(server, at) {
    if (server.certificate.kind !== 'list') return
    const index = server.certificate.choices.findIndex(({ kind }) => kind === 'none')
    if (index !== -1) {
      yield {
        path: [...at, 'certificate', index],
        message: 'none cannot be one of several certificates; write certificate: none',
      }
    }
  }),

  eachServer(function* minVersionAboveMaxVersion(server, at) {
    const { minVersion, maxVersion } = server.tls
    if (tlsVersions.indexOf(minVersion) <= tlsVersions.indexOf(maxVersion)) return
    yield {
      path: [...at, 'tls', 'minVersion'],
      message: `${minVersion} is higher than maxVersion, ${maxVersion}; no client could connect: lower minVersion or raise maxVersion`,
    }
  }),

  eachServer(function* noSuiteOf128Bits({ require128BitEncryption, tls: { ciphers, legacy, strength } }, at) {
    if (!require128BitEncryption) return
    const only = 'only cipher suites below 128 bits, but require128BitEncryption is true'
    const cure = 'allow stronger ones, or write require128BitEncryption: false'
    if (ciphers !== undefined && cipherStringError(atLeast128Bits(ciphers)) !== undefined) {
      yield { path: [...at, 'tls', 'ciphers'], message: `allows ${only}; ${cure}` }
    }
    if (Array.isArray(legacy) && legacy.every((name) => isBelow128Bits(name, strength))) {
      const measure = strength === 'effective' ? ' (with strength: effective, 3DES has 112)' : ''
      yield { path: [...at, 'tls', 'legacy'], message: `lists ${only}${measure}; ${cure}` }
    }
  }),

  eachServer(function* suitesOfTls13Only({ tls: { ciphers, maxVersion } }, at) {
    if (ciphers === undefined || maxVersion === 'TLSv1.3' || !isTls13Only(ciphers)) return
    yield {
      path: [...at, 'tls', 'ciphers'],
      message: `names only suites of TLS 1.3, but maxVersion is ${maxVersion}; add suites of TLS 1.2, or write maxVersion: TLSv1.3`,
    }
  }),

  eachServer(function* nothingOpen(server, at, config) {
    const { port, tlsPort } = portsOf(server, config.portOffset)
    if (port !== 'off' || tlsPort !== 'off') return
    const key = server.port === 'off' ? 'port' : 'tlsPort'
    yield {
      path: [...at, key],
      message: 'port and tlsPort are both off; give one of them a number, or remove the virtual server',
    }
  }),

  eachServer(function* portAbove65535(server, at, config) {
    for (const [key, port] of Object.entries(portsOf(server, config.portOffset))) {
      if (port !== 'off' && port > 65535) {
        yield { path: [...at, key], message: `with portOffset ${config.portOffset} is ${port}; ports end at 65535` }
      }
    }
  }),

  function* sameNames({ virtualServers }) {
    const seen = new Map<string, number>()
    for (const [index, server] of virtualServers.entries()) {
      const name = virtualServerName(server)
      const first = seen.get(name.toLowerCase())
      if (first === undefined) seen.set(name.toLowerCase(), index)
      else yield { path: ['virtualServers', index, 'name'], ...sameName(server, name, first) }
    }
  },

  function* samePorts(config) {
    const taken: Taken[] = []
    for (const mine of config.virtualServers.flatMap((server, index) => listening(server, index, config.portOffset))) {
      const other = taken.find((it) => it.port === mine.port && overlap(it.address, mine.address))
      if (other) {
        yield {
          path: ['virtualServers', mine.index, mine.key],
          message: `${mine.address} port ${mine.port} is taken by {other}; choose another port or address`,
          other: ['virtualServers', other.index, other.key],
        }
      }
      taken.push(mine)
    }
  },

  function* noModerator({ newsgroups }) {
    for (const [index, group] of newsgroups.entries()) {
      if (group.posting === 'moderated' && group.moderator === undefined) {
        yield {
          path: ['newsgroups', index, 'posting'],
          message:
            'is moderated, but the newsgroup has no moderator; add moderator: ADDRESS, or write posting: yes or no',
        }
      }
    }
  },

  function* sameGroups({ newsgroups }) {
    yield* repeated(newsgroups.map(({ name }, index) => ({ text: name, path: ['newsgroups', index, 'name'] })))
  },

  function* sameAccounts({ directory, domain }) {
    const at = (index: number, ...more: (string | number)[]): Path => ['directory', 'accounts', index, ...more]
    yield* repeated(directory.accounts.map(({ user }, index) => ({ text: user, path: at(index, 'user') })))
    yield* repeated(
      directory.accounts.flatMap((account, index) =>
        addressesOf(account, domain).map((text, n) => ({
          text,
          path: account.addresses ? at(index, 'addresses', n) : at(index, 'user'),
          owner: account.user.toLowerCase(),
        })),
      ),
    )
  },
]

const needsCertificate = 'certificate: none makes TLS impossible; write certificate: auto (or assigned, or a name)'

function sameName(server: VirtualServerConfig, name: string, first: number): Omit<Mistake, 'path'> {
  const clash = `"${name}" is already the name of {other}`
  const other = ['virtualServers', first]
  if (server.name !== undefined) return { message: `${clash}; names must differ`, other }
  return { message: `is missing, and the default ${clash}; name one of the two`, onKey: true, other }
}

interface Taken {
  readonly index: number
  readonly key: string
  readonly address: string
  readonly port: number
}

function listening(server: VirtualServerConfig, index: number, portOffset: number): Taken[] {
  const ports: [string, Port][] = Object.entries(portsOf(server, portOffset))
  return ports.flatMap(([key, port]) =>
    typeof port === 'number' && port !== 0 ? [{ index, key, address: server.address, port }] : [],
  )
}

/** Returns whether two addresses overlap, so that only one socket can listen on both with the same port. */
function overlap(a: string, b: string): boolean {
  const [x, y] = [a, b].map((address) => (address === 'localhost' ? '127.0.0.1' : address)) as [string, string]
  const covers = (all: string, one: string): boolean => all === '::' || (all === '0.0.0.0' && isIPv4(one))
  return x === y || covers(x, y) || covers(y, x)
}

interface Entry {
  readonly text: string
  readonly path: Path
  /** Duplicates of the same owner are not reported: another rule reports them. */
  readonly owner?: string
}

function* repeated(entries: readonly Entry[]): Iterable<Mistake> {
  const seen = new Map<string, Entry>()
  for (const entry of entries) {
    const key = entry.text.toLowerCase()
    const first = seen.get(key)
    if (first === undefined) seen.set(key, entry)
    else if (entry.owner === undefined || entry.owner !== first.owner) {
      yield { path: entry.path, message: `${entry.text} is listed twice; remove one` }
    }
  }
}

/** Returns warnings about a valid configuration. */
export function warnings(config: LabConfig): Mistake[] {
  const found = config.virtualServers.flatMap((server, index) => {
    const at = ['virtualServers', index]
    // A virtual server without a certificate key uses the one of the lab, which is checked once.
    const own =
      server.certificate === config.certificate ? [] : deprecatedDefects(server.certificate, [...at, 'certificate'])
    return [...own, ...serverWarnings(server, at)]
  })
  found.push(...deprecatedDefects(config.certificate, ['certificate']))
  if (config.directory.mode === 'listed' && config.directory.accounts.length === 0) {
    found.push({ path: ['directory', 'accounts'], message: 'no accounts are listed, so no client can log on' })
  }
  if (needsAdministratorToken(config)) {
    const index = config.virtualServers.findIndex(
      ({ protocol, address }) => protocol === 'http' && !isLoopback(address),
    )
    found.push({ path: ['virtualServers', index, 'address'], message: generatedToken })
  }
  return found
}

const generatedToken =
  'other machines can reach the HTTP API, and neither administrators nor tokens is set: `start` generates a token of an administrator and prints it; to keep the same token, add tokens: [{ name: ci, tokenFile: FILE }]'

function* serverWarnings(server: VirtualServerConfig, at: Path): Iterable<Mistake> {
  const { idleTimeout } = server.limits
  if (server.protocol === 'imap4' && idleTimeout !== undefined && idleTimeout < IMAP_IDLE_TIMEOUT_MS) {
    yield {
      path: [...at, 'limits', 'idleTimeout'],
      message: 'is less than 30 minutes, the minimum for IMAP (RFC 9051 section 5.4)',
    }
  }
  yield* tlsWarnings(server, [...at, 'tls'])
  if (!isLoopback(server.address)) {
    yield {
      path: [...at, 'address'],
      message: `${server.address} is not a loopback address: other machines can reach this virtual server`,
    }
  }
}

function* tlsWarnings({ tls }: VirtualServerConfig, at: Path): Iterable<Mistake> {
  const { ciphers, defect, groups, legacy, minVersion } = tls
  if (defect !== undefined) {
    yield { path: [...at, 'defect'], message: `the virtual server is vulnerable on purpose: it ${tlsDefects[defect]}` }
  }
  if (legacy !== false) {
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

function* deprecatedDefects(certificate: CertificateChoice, at: Path): Iterable<Mistake> {
  for (const [index, choice] of choicesOf(certificate).entries()) {
    if (choice.kind !== 'variant' || !choice.deprecatedKey) continue
    const path = certificate.kind === 'list' ? [...at, index] : at
    yield {
      path,
      message: `${choice.variant} is not a defect but a variant of a good certificate; write ${certificateText(choice)}`,
    }
  }
}
