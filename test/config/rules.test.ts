import { expect, test } from 'vitest'
import { unknownCertificates } from '../../src/config/certificates.ts'
import { loadObject } from '../../src/config/load.ts'
import { ConfigError, locateByPath } from '../../src/config/mistakes.ts'
import type { LabInput, VirtualServerInput } from '../../src/config/schema.ts'

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
      /^virtualServers\[0\]\.authentication\[1\]: sasl-anonymous works only on smtp and nntp, not on imap4/,
      /^virtualServers\[1\]\.authentication\[1\]: .*add anonymous, or remove sasl-anonymous/,
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
    [/^virtualServers\[0\]\.tls\.legacy: .*clientCertificates: accept, or legacy: false$/],
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
    servers({ protocol: 'pop3', port: 995 }),
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
      /^newsgroups\[0\]\.aliasOf: lab\.none is not one of newsgroups/,
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

test.each(contradictory)('%s is a mistake', (_, input, lines) => {
  const found = mistakes(input)
  expect(found).toHaveLength(lines.length)
  for (const [index, line] of lines.entries()) expect(found[index]).toMatch(line)
})

const valid: [string, LabInput][] = [
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
