import { expect, test } from 'vitest'
import { unknownCertificates, unknownConnectorCertificates } from '../../../src/core/config/certificates.ts'
import { loadObject } from '../../../src/core/config/load.ts'
import { ConfigError, locateByPath } from '../../../src/core/config/mistakes.ts'
import type { LabInput, VirtualServerInput } from '../../../src/core/config/schema.ts'

function mistakes(input: LabInput): readonly string[] {
  try {
    loadObject(input, '/labs')
    return []
  } catch (error) {
    if (error instanceof ConfigError) return error.mistakes
    throw error
  }
}

const servers = (...virtualServers: VirtualServerInput[]): LabInput => ({ virtualServers })

type ConnectorInput = NonNullable<LabInput['connectors']>[number]

const connectors = (...list: Partial<ConnectorInput>[]): LabInput => ({
  connectors: list.map((one, index) => ({ name: `C${index}`, smartHost: { host: 'relay.test' }, ...one })),
})
/** A connector without a smart host. */
const byDns: Partial<ConnectorInput> = { smartHost: undefined, route: 'dns', resolver: '127.0.0.1:5300' }

const contradictory: [string, LabInput, RegExp[]][] = [
  [
    'an empty list of virtual servers',
    { virtualServers: [] },
    [/^virtualServers: is an empty list, so nothing would listen/],
  ],
  [
    '128 bits without a certificate',
    servers({ protocol: 'pop3', certificate: 'none', require128BitEncryption: true }),
    [/^virtualServers\[0\]\.require128BitEncryption: .*write certificate: auto .* or require128BitEncryption: false$/],
  ],
  [
    'mailboxes of captured mail without a folder, or for nobody',
    {
      directory: { accounts: [{ user: 'alice', password: 'x' }] },
      mail: {
        captured: {
          mailboxes: [{ name: 'sales', filters: { account: ['alice', 'bob', 'a*'] } }],
          inboxes: { Alice: 'orders', carol: 'sales' },
        },
      },
    },
    [
      /^mail\.captured: mail that no rule matches needs a folder/,
      /^mail\.captured\.mailboxes\[0\]\.filters\.account\[1\]: bob is not one of directory\.accounts/,
      /^mail\.captured\.inboxes\.Alice: orders is no folder of captured mail/,
      /^mail\.captured\.inboxes\.carol: carol is not one of directory\.accounts/,
    ],
  ],
  [
    'keys of accounts that name others, or nobody',
    {
      directory: {
        accounts: [
          { user: 'alice', password: 'x', delegates: ['nobody'] },
          {
            user: 'bob',
            password: 'x',
            appPasswords: [
              { name: 'phone', password: '1' },
              { name: 'Phone', password: '2' },
            ],
          },
        ],
        certificateMapping: [{ account: 'alice' }, { account: 'carol', subject: '*' }],
      },
    },
    [
      /^directory\.accounts\[1\]\.appPasswords\[1\]\.name: Phone is listed twice/,
      /^directory\.accounts\[0\]\.delegates\[0\]: nobody is not one of directory\.accounts/,
      /^directory\.certificateMapping\[1\]\.account: carol is not one of directory\.accounts/,
      /^directory\.certificateMapping\[0\]: matches every certificate/,
    ],
  ],
  [
    'ANONYMOUS where no client can be anonymous',
    servers(
      { protocol: 'imap4', authentication: ['anonymous', 'sasl-anonymous'] },
      { protocol: 'smtp', authentication: ['basic', 'sasl-anonymous'] },
    ),
    [
      /^virtualServers\[0\]\.authentication\[1\]: sasl-anonymous works only on smtp, lmtp and nntp, not on imap4/,
      /^virtualServers\[1\]\.authentication\[1\]: .*add anonymous, or remove sasl-anonymous/,
    ],
  ],
  [
    'a personality without words for the protocol',
    servers({ protocol: 'lmtp', personality: 'gmail' }, { protocol: 'http', personality: 'dovecot' }),
    [
      /^virtualServers\[0\]\.personality: gmail has no words for lmtp, only for smtp, pop3, imap4; remove personality/,
      /^virtualServers\[1\]\.personality: dovecot has no words for http/,
    ],
  ],
  [
    'a secure channel without a certificate',
    servers({ protocol: 'imap4', certificate: 'none', requireSecureChannel: true }),
    [/^virtualServers\[0\]\.requireSecureChannel: .*certificate: none/],
  ],
  [
    'old clients with required client certificates',
    servers({ protocol: 'imap4', clientCertificates: 'require', tls: { legacy: true } }),
    [/^virtualServers\[0\]\.tls\.legacy: .*clientCertificates: accept, or legacy: off$/],
  ],
  [
    'a TLS port without a certificate',
    servers({ protocol: 'imap4', certificate: 'none', tlsPort: 993 }),
    [/^virtualServers\[0\]\.tlsPort: is 993, .*tlsPort: off$/],
  ],
  [
    'log-on over TLS without a certificate',
    servers({ protocol: 'imap4', certificate: 'none', authentication: ['basic-over-tls'] }),
    [/^virtualServers\[0\]\.authentication: has basic-over-tls/],
  ],
  [
    'basic with basic-over-tls',
    servers({ protocol: 'imap4', authentication: ['basic', 'basic-over-tls'] }),
    [/^virtualServers\[0\]\.authentication: has both/],
  ],
  [
    'a secure channel on NNTP',
    servers({ protocol: 'nntp', requireSecureChannel: true }),
    [/^virtualServers\[0\]\.requireSecureChannel: .*port: off$/],
  ],
  [
    'both ports off',
    servers({ protocol: 'pop3', port: 'off', tlsPort: 'off' }),
    [/^virtualServers\[0\]\.port: .*both off/],
  ],
  ['both ports off by default', servers({ protocol: 'smtp', port: 'off' }), [/^virtualServers\[0\]\.port: .*both off/]],
  [
    'one port used twice in one virtual server',
    servers({ protocol: 'pop3', port: 995, tlsPort: 995 }),
    [/^virtualServers\[0\]\.tlsPort: 127\.0\.0\.1 port 995 is taken by virtualServers\[0\]\.port/],
  ],
  [
    'one port used by two virtual servers',
    servers({ protocol: 'pop3', port: 143 }, { protocol: 'imap4', address: 'localhost' }),
    [/^virtualServers\[1\]\.port: localhost port 143 is taken by virtualServers\[0\]\.port/],
  ],
  [
    'the same port on all addresses and on one address',
    servers({ protocol: 'pop3', port: 143, address: '0.0.0.0' }, { protocol: 'imap4', address: '127.0.0.9' }),
    [/^virtualServers\[1\]\.port: 127\.0\.0\.9 port 143 is taken/],
  ],
  [
    'a port above 65535',
    { portOffset: 60000, virtualServers: [{ protocol: 'smtp', port: 6000 }] },
    [/^virtualServers\[0\]\.port: with portOffset 60000 is 66000/],
  ],
  [
    'two virtual servers of one protocol without names',
    servers({ protocol: 'smtp' }, { protocol: 'smtp', port: 26 }),
    [/^virtualServers\[1\]\.name: is missing, and the default "Default SMTP Virtual Server" .*virtualServers\[0\]/],
  ],
  [
    'two virtual servers with one name',
    servers({ protocol: 'smtp', name: 'Mail' }, { protocol: 'pop3', name: 'mail' }),
    [/^virtualServers\[1\]\.name: "mail" is already the name of virtualServers\[0\]; names must differ$/],
  ],
  [
    'a moderated newsgroup without a moderator',
    { newsgroups: [{ name: 'lab.m', posting: 'moderated' }] },
    [/^newsgroups\[0\]\.posting: .*moderator: ADDRESS/],
  ],
  [
    'a newsgroup listed twice',
    { newsgroups: [{ name: 'lab.m' }, { name: 'lab.m' }] },
    [/^newsgroups\[1\]\.name: lab\.m is listed twice/],
  ],
  [
    'aliases of newsgroups that do not exist or are aliases',
    {
      newsgroups: [
        { name: 'lab.a', aliasOf: 'lab.none' },
        { name: 'lab.b', aliasOf: 'lab.a' },
        { name: 'lab.c', peers: 'discard', posting: 'moderated', moderator: 'a@lab.test' },
      ],
    },
    [
      /^newsgroups\[0\]\.aliasOf: lab\.none is not one of news\.groups/,
      /^newsgroups\[1\]\.aliasOf: lab\.a is an alias itself/,
      /^newsgroups\[2\]\.posting: is moderated, but users cannot post/,
    ],
  ],
  [
    'an account listed twice',
    { directory: { accounts: ['a', 'a'].map((user) => ({ user, password: 'x' })) } },
    [/^directory\.accounts\[1\]\.user: a is listed twice/],
  ],
  [
    'an address of two accounts',
    {
      directory: {
        accounts: [
          { user: 'a', password: 'x' },
          { user: 'b', password: 'x', addresses: ['a@lab.test'] },
        ],
      },
    },
    [/^directory\.accounts\[1\]\.addresses\[0\]: a@lab\.test is listed twice/],
  ],
  [
    'a minimum TLS version above the maximum',
    servers({ protocol: 'smtp', tls: { minVersion: 'TLSv1.3', maxVersion: 'TLSv1.2' } }),
    [/^virtualServers\[0\]\.tls\.minVersion: TLSv1\.3 is higher than maxVersion, TLSv1\.2/],
  ],
  [
    'none in a list of certificates',
    servers({ protocol: 'smtp', certificate: ['auto', 'none'] }),
    [/^virtualServers\[0\]\.certificate\[1\]: none cannot be one of several certificates/],
  ],
]

const contradictoryConnectors: [string, LabInput, RegExp[]][] = [
  [
    'a connector with two next hosts, with none, and with a name that is taken',
    connectors({ route: 'dns', resolver: '127.0.0.1' }, { name: 'c0', smartHost: undefined, domains: ['x.test'] }),
    [
      /^connectors\[1\]\.name: c0 is listed twice/,
      /^connectors\[0\]\.route: the connector has a smartHost too; keep one/,
      /^connectors\[0\]\.resolver: has no effect with a smartHost/,
      /^connectors\[1\]: names no next host; add smartHost: { host: HOST }, or route: dns/,
    ],
  ],
  [
    'keys of a route beside a smart host',
    connectors({ tls: 'verify', authority: 'a.pem' }),
    [
      /^connectors\[0\]\.tls: has no effect with a smartHost; write smartHost\.tls/,
      /^connectors\[0\]\.authority: has no effect with a smartHost; write smartHost\.authority/,
    ],
  ],
  [
    'names and authorities that no level verifies',
    connectors({ smartHost: { host: 'h', tls: 'encrypt', authority: 'a.pem', names: ['n.test'] } }),
    [
      /^connectors\[0\]\.smartHost\.authority: has no effect with tls: encrypt.*write tls: verify/,
      /^connectors\[0\]\.smartHost\.names: has no effect with tls: encrypt/,
    ],
  ],
  [
    'implicit TLS without TLS',
    connectors({ smartHost: { host: 'h', tls: 'none', implicitTls: true } }),
    [/^connectors\[0\]\.smartHost\.implicitTls: needs TLS, but tls is none/],
  ],
  [
    'halves of credentials',
    connectors(
      { smartHost: { host: 'h', user: 'u' }, domains: ['a.test'] },
      { smartHost: { host: 'h', password: 'p' }, domains: ['b.test'] },
      { smartHost: { host: 'h', user: 'u', password: 'p', accessToken: 't' }, domains: ['c.test'] },
    ),
    [
      /^connectors\[0\]\.smartHost\.user: needs a password or an accessToken/,
      /^connectors\[1\]\.smartHost\.password: has no effect without user/,
      /^connectors\[2\]\.smartHost\.accessToken: a password is set too/,
    ],
  ],
  [
    'a smart host that is the lab itself',
    {
      ...connectors(
        { smartHost: { host: 'localhost', port: 2526 } },
        { smartHost: { host: '127.0.0.1' }, domains: ['a.test'] },
      ),
      ...servers(
        { protocol: 'smtp', name: 'a', port: 2025, tlsPort: 2026 },
        { protocol: 'smtp', name: 'b', port: 2525, address: '127.0.0.2' },
        { protocol: 'smtp', name: 'c', port: 2725, address: '0.0.0.0' },
      ),
      portOffset: 500,
    },
    [/^connectors\[0\]\.smartHost\.port: is a of this lab, so mail would loop/],
  ],
  [
    'lookups without DNS',
    connectors({ ...byDns, resolver: undefined }, { smartHost: { host: 'h', tls: 'dane' }, domains: ['a.test'] }),
    [
      /^connectors\[0\]\.route: is dns, but there is no DNS server to ask; add resolver/,
      /^connectors\[1\]\.smartHost\.tls: is dane, but there is no DNS server to ask/,
    ],
  ],
  [
    'domains that a connector cannot get',
    connectors(
      { domains: ['Lab.test', 'a.test'] },
      { domains: ['A.test', '*'] },
      { domains: ['*'], filters: { to: ['x@*'] } },
    ),
    [
      /^connectors\[0\]\.domains\[0\]: lab\.test is the domain of the lab/,
      /^connectors\[1\]\.domains\[0\]: a\.test is never used, because the connector C0 above takes all its mail/,
      /^connectors\[2\]\.domains\[0\]: \* is never used, because the connector C1 above/,
    ],
  ],
  [
    'keepCopy without automatic',
    connectors({ keepCopy: false }),
    [/^connectors\[0\]\.keepCopy: has no effect with when: release/],
  ],
  [
    'a certificate of a virtual server without one',
    {
      ...connectors({ certificate: 'Default SMTP Virtual Server' }),
      ...servers({ protocol: 'smtp', certificate: 'none' }),
    },
    [/^connectors\[0\]\.certificate: Default SMTP Virtual Server has no certificate/],
  ],
  [
    'filters without a condition, or with an unknown account',
    {
      ...connectors({ filters: {}, domains: ['a.test'] }, { filters: { account: ['nobody'] } }),
      directory: { accounts: [{ user: 'a', password: 'x' }] },
    },
    [
      /^connectors\[0\]\.filters: is empty; add from, to, header or account, or remove it/,
      /^connectors\[1\]\.filters\.account\[0\]: nobody is not one of directory\.accounts/,
    ],
  ],
  [
    'forward rules that lead nowhere',
    {
      ...connectors({ domains: ['*.example.test'] }),
      mail: {
        forwardRules: [
          { filters: { to: ['a@lab.test'] }, to: ['b@lab.test', 'c@elsewhere.test', 'd@eu.example.test'] },
          { filters: { to: ['a@lab.test'] }, to: ['b@lab.test'], connector: 'Other' },
          { filters: { to: ['a@lab.test'] }, to: ['b@lab.test'], connector: 'C0' },
        ],
      },
    },
    [
      /^mail\.forwardRules\[0\]\.to\[0\]: b@lab\.test is an address of the lab itself; .*name the connector/,
      /^mail\.forwardRules\[0\]\.to\[1\]: no connector sends to elsewhere\.test/,
      /^mail\.forwardRules\[1\]\.connector: Other is not one of outgoing\.connectors/,
    ],
  ],
]

test.each([...contradictory, ...contradictoryConnectors])('%s is a mistake', (_, input, lines) => {
  const found = mistakes(input)
  expect(found).toHaveLength(lines.length)
  for (const [index, line] of lines.entries()) expect(found[index]).toMatch(line)
})

const valid: [string, LabInput][] = [
  [
    'connectors for different mail',
    connectors(
      { filters: { from: ['a@*'] } },
      { smartHost: { host: '::1', tls: 'required', authority: '../outside.pem', user: 'u', password: 'p' } },
      { ...byDns, domains: ['*.example.test'], tls: 'encrypt', schedule: { rate: '100/m', retry: ['1m', 500] } },
    ),
  ],
  ['NNTP with its clear-text port closed', servers({ protocol: 'nntp', port: 'off' })],
  [
    'one port on two addresses',
    servers({ protocol: 'smtp', address: '127.0.0.1' }, { protocol: 'smtp', name: 'b', address: '127.0.0.2' }),
  ],
  ['free ports', servers({ protocol: 'pop3', port: 0, tlsPort: 0 }, { protocol: 'imap4', port: 0, tlsPort: 0 })],
  ['no certificate and no TLS port', servers({ protocol: 'imap4', certificate: 'none' })],
  [
    'a moderated newsgroup with a moderator',
    { newsgroups: [{ name: 'm', posting: 'moderated', moderator: 'a@localhost' }] },
  ],
]

test.each(valid)('%s is valid', (_, input) => {
  expect(mistakes(input)).toEqual([])
})

test('reports certificates that are not in the store, with the most similar name', () => {
  const { lab } = loadObject(
    servers(
      { protocol: 'smtp', certificate: 'Mail 2O26' },
      { protocol: 'pop3', certificate: ['auto', '00:11:22', 'lost'] },
      { protocol: 'imap4', certificate: 'Mail 2026' },
    ),
    '/',
  )
  const known = [{ friendlyName: 'Mail 2026', thumbprint: '001122' }]
  expect(unknownCertificates(lab.virtualServers, known).map((mistake) => locateByPath(mistake).line)).toEqual([
    'virtualServers[0].certificate: no certificate "Mail 2O26" is in the store; did you mean Mail 2026?',
    'virtualServers[1].certificate[2]: no certificate "lost" is in the store; sealpost cert list shows its certificates',
  ])
})

test('reports certificates of connectors that neither a virtual server nor the store has', () => {
  const { lab } = loadObject(
    connectors({ certificate: 'Default POP3 Virtual Server', domains: ['a.test'] }, { certificate: 'Mail 2O26' }),
    '/',
  )
  const known = [{ friendlyName: 'Mail 2026', thumbprint: '001122' }]
  const found = unknownConnectorCertificates(lab.outgoing.connectors, lab.virtualServers, known)
  expect(found.map((mistake) => locateByPath(mistake).line)).toEqual([
    'outgoing.connectors[1].certificate: Mail 2O26 is neither a virtual server nor a certificate of the store; did you mean Mail 2026?',
  ])
})

test.each([
  [{ schedule: { retry: ['10ms'] } }, /retry\[0\]: .*write at least 100ms/],
  [{ schedule: { rate: '0/m' } }, /rate: .*write a rate such as 100\/m/],
  [{ domains: ['*.*.test'] }, /domains\[0\]: .*write a domain/],
  [{ deny: ['a b'] }, /deny\[0\]: .*write an address or a pattern/],
  [{ ...byDns, resolver: 'dns.test' }, /resolver: .*write an IP address/],
  [{ ...byDns, resolver: '127.0.0.1:70000' }, /resolver: .*write an IP address/],
])('connectors refuse %j', (connector, line) => {
  expect(mistakes(connectors(connector)).join('\n')).toMatch(line)
})
