import { expect, test } from 'vitest'
import { loadObject } from '../../../src/core/config/load.ts'
import { loadText } from '../../../src/core/config/yaml.ts'

test('an empty file gives one virtual server for each protocol on the standard ports', () => {
  const { lab } = loadText('', 'lab.yaml', '/labs')
  expect(
    lab.virtualServers.map(({ name, port, tlsPort, idleTimeoutMs }) => [name, port, tlsPort, idleTimeoutMs]),
  ).toEqual([
    ['Default SMTP Virtual Server', 25, 'off', 600_000],
    ['Default POP3 Virtual Server', 110, 995, 600_000],
    ['Default IMAP4 Virtual Server', 143, 993, 1_800_000],
    ['Default NNTP Virtual Server', 119, 563, 600_000],
  ])
})

test('a port that is not the default one has no second port, unless it is named', () => {
  const portsOf = (...virtualServers: object[]) =>
    loadObject({ virtualServers: virtualServers as never }, '/').lab.virtualServers.map(({ port, tlsPort }) => [
      port,
      tlsPort,
    ])
  expect(portsOf({ protocol: 'http', port: 28_080 }, { protocol: 'imap4', port: 1143, tlsPort: 1993 })).toEqual([
    [28_080, 'off'],
    [1143, 1993],
  ])
  expect(portsOf({ protocol: 'pop3', port: 110 }, { protocol: 'imap4', port: 'off' })).toEqual([
    [110, 995],
    ['off', 993],
  ])
})

test('adds the offset to every port except 0 and off', () => {
  const { lab } = loadObject(
    {
      portOffset: 3000,
      virtualServers: [
        { protocol: 'smtp', tlsPort: 0 },
        { protocol: 'imap4', certificate: 'none' },
      ],
    },
    '/',
  )
  expect(lab.virtualServers.map(({ port, tlsPort }) => [port, tlsPort])).toEqual([
    [3025, 0],
    [3143, 'off'],
  ])
})

test('finds the program that reads TXT records beside the file if it has a slash', () => {
  const program = (dns: string) => {
    const { lab } = loadText(`certificates: { service: { acme: { dns: ${dns} } } }`, 'lab.yaml', '/labs/config')
    return lab.certificates.service?.acme.dns
  }
  expect(program('[./txt, --all]')).toEqual(['/labs/config/txt', '--all'])
  expect(program('[dig, +short]')).toEqual(['dig', '+short'])
  expect(program('127.0.0.1:8053')).toBe('127.0.0.1:8053')
})

test('makes folders absolute, relative to the file', () => {
  const { lab } = loadText('{ certificates: ../certs, store: { lmdb: data } }', 'lab.yaml', '/labs/config')
  expect(lab.certificates).toEqual({ store: '/labs/certs', key: 'rsa-2048', profiles: {}, renew: true })
  expect(lab.store).toEqual({ lmdb: '/labs/config/data' })
  expect(loadText('certificates: { store: memory, key: p256 }', 'f', '/').lab.certificates).toEqual({
    store: 'memory',
    key: 'p256',
    profiles: {},
    renew: true,
  })
})

test('certificates that no key places are in the folder certs beside the file', () => {
  const { lab } = loadText('directory: { mode: open }', 'lab.yaml', '/labs/config')
  expect(lab.certificates.store).toBe('/labs/config/certs')
})

test('accounts without addresses get user@domain', () => {
  const yaml = `domain: lab.test
directory:
  accounts:
    - { user: alice, password: x }
    - { user: bob, password: x, addresses: [robert@lab.test, bob@other.test] }
    - { user: carol@other.test, password: x }`
  expect(loadText(yaml, 'f', '/').lab.directory.accounts.map(({ addresses }) => addresses)).toEqual([
    ['alice@lab.test'],
    ['robert@lab.test', 'bob@other.test'],
    ['carol@other.test'],
  ])
})

test('reads times and sizes with units', () => {
  const yaml = 'virtualServers: [{ protocol: pop3, limits: { idleTimeout: 90s, messageSize: 4096KB } }]'
  const [server] = loadText(yaml, 'f', '/').lab.virtualServers
  expect([server?.idleTimeoutMs, server?.limits.messageSize]).toEqual([90_000, 4_096_000])
})

test('warns about valid settings with side effects', () => {
  const yaml = `virtualServers:
  - { protocol: imap4, limits: { idleTimeout: 10m } }
  - { protocol: smtp, address: 0.0.0.0 }`
  expect(loadText(yaml, 'lab.yaml', '/').warnings).toEqual([
    'lab.yaml:1:1: directory.accounts: no accounts are listed, so no client can log on',
    'lab.yaml:2:47: virtualServers[0].limits.idleTimeout: is less than 30 minutes, the minimum for IMAP (RFC 9051 section 5.4)',
    'lab.yaml:3:32: virtualServers[1].address: 0.0.0.0 is not a loopback address: other machines can reach this virtual server',
  ])
})

test('a personality without a certificate offers only what works without TLS', () => {
  const yaml = `directory: { mode: open }
certificates:
  default: none
personality: gmail
virtualServers:
  - { protocol: smtp }
  - { protocol: imap4, personality: microsoft365 }
  - { protocol: pop3, certificate: auto }`
  expect(loadText(yaml, 'lab.yaml', '/').lab.virtualServers.map(({ authentication }) => authentication)).toEqual([
    ['anonymous', 'basic'],
    ['anonymous', 'basic'],
    ['anonymous', 'basic', 'xoauth2', 'oauthbearer'],
  ])
  const written = yaml.replace('imap4,', 'imap4, authentication: [basic, xoauth2],')
  expect(() => loadText(written, 'lab.yaml', '/')).toThrow('authentication: has xoauth2, but certificate: none')
})

test('warns about methods that an open directory does not offer', () => {
  const yaml = `directory: { mode: open }
virtualServers:
  - { protocol: pop3, authentication: [basic, ntlm, digest-md5] }
  - { protocol: imap4, authentication: [basic, xoauth2] }
  - { protocol: smtp, personality: exchange2003 }`
  expect(loadText(yaml, 'lab.yaml', '/').warnings).toEqual([
    'lab.yaml:3:39: virtualServers[0].authentication: ntlm, digest-md5: not offered, because an open directory knows no passwords; write directory.mode: listed',
  ])
})

test('warns once about each address that other machines can reach', () => {
  const server = (protocol: string, address: string): string => `\n  - { protocol: ${protocol}, address: ${address} }`
  const servers = [
    server('smtp', '0.0.0.0'),
    server('pop3', '127.0.0.1'),
    server('imap4', '0.0.0.0'),
    server('nntp', '192.0.2.1'),
  ]
  expect(loadText(`directory: { mode: open }\nvirtualServers:${servers.join('')}`, 'lab.yaml', '/').warnings).toEqual([
    'lab.yaml:3:32: virtualServers[0].address: 0.0.0.0 is not a loopback address: other machines can reach this virtual server and 1 more with this address',
    'lab.yaml:6:32: virtualServers[3].address: 192.0.2.1 is not a loopback address: other machines can reach this virtual server',
  ])
})

test('warns about lists of proxies that make no sense', () => {
  const yaml = `directory: { mode: open }
virtualServers:
  - { protocol: imap4, proxyProtocol: { from: [127.0.0.1, 0.0.0.0/0] } }
  - { protocol: smtp, proxyProtocol: { from: [10.0.0.1, 172.16.0.0/12] } }
  - { protocol: pop3, proxyProtocol: { from: ['::1', 10.0.0.1] } }
  - { protocol: http, forwarded: { from: [127.0.0.1, '::/0'] } }`
  expect(loadText(yaml, 'lab.yaml', '/').warnings).toEqual([
    'lab.yaml:3:59: virtualServers[0].proxyProtocol.from[1]: 0.0.0.0/0 is every address: any client can then appear under any address; list only the addresses of your proxies',
    'lab.yaml:4:46: virtualServers[1].proxyProtocol.from: no listed proxy can connect, because the virtual server listens on 127.0.0.1 only; list a loopback address, or change address',
    'lab.yaml:6:34: virtualServers[3].forwarded: other machines can reach the HTTP API, and access names neither administrators nor tokens: `start` generates a token of an administrator and prints it; to keep the same token, add access: { tokens: [{ name: ci, tokenFile: FILE }] }',
    'lab.yaml:6:54: virtualServers[3].forwarded.from[1]: ::/0 is every address: any client can then appear under any address; list only the addresses of your proxies',
  ])
})

test('warns about open relays', () => {
  const yaml = (server: string, connector: string): string => `directory: { mode: open }
outgoing:
  connectors: [{ name: Out, smartHost: { host: relay.test }, ${connector} }]
virtualServers: [{ protocol: smtp, address: 0.0.0.0${server} }]`
  const openRelays = (server: string, connector: string): string[] =>
    loadText(yaml(server, connector), 'lab.yaml', '/').warnings.filter((line) => line.includes('without a log-on'))
  expect(openRelays('', 'when: automatic')).toEqual([
    expect.stringContaining(
      'virtualServers[0].relay: is capture, and the connector Out is automatic: other machines can',
    ),
  ])
  expect(openRelays('', 'when: release')).toEqual([])
  expect(openRelays('', 'when: automatic, filters: { account: [alice] }')).toEqual([])
  expect(openRelays(', relay: deny', 'when: automatic')).toEqual([])
  expect(openRelays(', authentication: [basic]', 'when: automatic')).toEqual([])
})
