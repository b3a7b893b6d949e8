import { inspect } from 'node:util'
import { describe, expect, test } from 'vitest'
import { parseDocument } from 'yaml'
import { loadObject } from '../../../src/core/config/load.ts'
import { ConfigError } from '../../../src/core/config/mistakes.ts'
import { loadText } from '../../../src/core/config/yaml.ts'
import { seededRandom } from '../../../src/core/values/random.ts'

/** Returns the mistakes in a YAML text, one line each. */
function mistakes(yaml: string): readonly string[] {
  return caught(() => loadText(yaml, 'lab.yaml', '/labs'))
}

function thrown(run: () => unknown): unknown {
  try {
    return run()
  } catch (error) {
    return error
  }
}

function caught(run: () => unknown): readonly string[] {
  try {
    run()
  } catch (error) {
    if (error instanceof ConfigError) return error.mistakes
    throw error
  }
  return []
}

test('a valid file has no mistakes', () => {
  expect(mistakes('virtualServers: [{ protocol: smtp }]')).toEqual([])
  expect(mistakes('')).toEqual([])
})

test('an error prints no secret of the configuration that it is about', () => {
  const input = {
    directory: { accounts: [{ user: 'alice', password: 's3cret' }] },
    webhooks: [{ url: 'not a url' }],
  }
  const error = thrown(() => loadObject(input, '/labs'))
  expect(error).toBeInstanceOf(ConfigError)
  expect(inspect(error, { depth: 20 })).toContain('webhooks[0].url')
  expect(inspect(error, { depth: 20 })).not.toContain('s3cret')
  expect(JSON.stringify(error)).not.toContain('s3cret')
})

test('shows no secret that is not valid', () => {
  const found = mistakes(`directory: { accounts: [{ user: alice, password: 271828 }] }
access:
  tokens: [{ name: ci, token: s3cret }]
webhooks: [{ url: "http://127.0.0.1:9/", secret: s3cret }]
oauth2: { clients: [{ clientId: shop, clientSecret: { s3cret } }] }
`).join('\n')
  expect(found).toMatch(/password: is a number; must be text/)
  expect(found).toMatch(/token: is too short; write at least 16 characters/)
  expect(found).toMatch(/oauth2\.clients\[0\]\.clientSecret: is a mapping; must be text/)
  expect(found).toMatch(/secret: is not valid: write at least 24 octets in base64/)
  expect(found).not.toMatch(/s3cret|271828/)
})

test('reports all mistakes together, in the order of the file, each with its place and a correction', () => {
  const yaml = `hostnam: x
portOffset: many
directory:
  mode: opn
  accounts:
    - user: alice
    - { user: bob, password: 3 }
virtualServers:
  - protocol: smtpp
  - protocol: smtp
  - protocol: smtp
    port: 99999
    requireSecureChannel: true
    certificate: none
    limits: { idleTimeout: 10 minutes, messageSize: true }
`
  expect(mistakes(yaml)).toEqual([
    'lab.yaml:1:1: hostnam: unknown key; did you mean hostname?',
    'lab.yaml:2:13: portOffset: is "many"; must be a whole number from 0 to 60000',
    'lab.yaml:4:9: directory.mode: is "opn"; must be listed or open; did you mean open?',
    'lab.yaml:6:7: directory.accounts[0].password: is missing; write password: TEXT, passwordFile: FILE or passwordHash: HASH',
    'lab.yaml:7:30: directory.accounts[1].password: is a number; must be text',
    'lab.yaml:9:15: virtualServers[0].protocol: is "smtpp"; must be smtp, pop3, imap4, nntp, lmtp, managesieve or http; did you mean smtp?',
    'lab.yaml:11:5: virtualServers[2].name: is missing, and the default "Default SMTP Virtual Server" is already the name of virtualServers[1]; name one of the two',
    'lab.yaml:12:11: virtualServers[2].port: is 99999; must be off or a whole number from 0 to 65535',
    'lab.yaml:13:27: virtualServers[2].requireSecureChannel: is true, but certificate: none makes TLS impossible; write certificate: auto (or assigned, or a name), or requireSecureChannel: false',
    'lab.yaml:15:28: virtualServers[2].limits.idleTimeout: is "10 minutes": write a time such as 500ms, 30s, 10m, 1h or 2d',
    'lab.yaml:15:53: virtualServers[2].limits.messageSize: is true: write a size as 4096KB, 25MiB or 1GB',
  ])
})

test('reports clients of the authorization server that are wrong', () => {
  const yaml = `directory: { accounts: [{ user: alice, password: secret }] }
oauth2:
  clients:
    - { clientId: robot, clientSecret: secret, user: nobody }
    - { clientId: robot }
    - { clientId: open, user: alice }
    - { clientId: "käse", redirectUris: [callback, "javascript:x", "http://127.0.0.1/#here"] }`
  const form = 'write a URI without a fragment, such as http://127.0.0.1/callback'
  expect(mistakes(yaml)).toEqual([
    'lab.yaml:4:54: oauth2.clients[0].user: nobody is not one of directory.accounts; add the account',
    'lab.yaml:5:7: oauth2.clients[1]: robot is listed twice; remove one',
    'lab.yaml:6:31: oauth2.clients[2].user: has no effect without clientSecret; add one, or remove it',
    'lab.yaml:7:19: oauth2.clients[3].clientId: is "käse": write it in ASCII',
    `lab.yaml:7:42: oauth2.clients[3].redirectUris[0]: is "callback": ${form}`,
    `lab.yaml:7:52: oauth2.clients[3].redirectUris[1]: is "javascript:x": ${form}`,
    `lab.yaml:7:68: oauth2.clients[3].redirectUris[2]: is "http://127.0.0.1/#here": ${form}`,
  ])
})

test('reports lists of proxies that are wrong', () => {
  const yaml = `virtualServers:
  - { protocol: smtp, proxyProtocol: { from: [10.0.0.300, haproxy.test, 10.0.0.0/33] } }
  - { protocol: pop3, proxyProtocol: { from: [] } }
  - { protocol: nntp, proxyProtocol: { form: [10.0.0.1] } }
  - { protocol: imap4, proxyProtocol: true, forwarded: { from: [10.0.0.1] } }
`
  const form = 'write an IP address or network like 192.0.2.7 or 172.16.0.0/12'
  expect(mistakes(yaml)).toEqual([
    `lab.yaml:2:47: virtualServers[0].proxyProtocol.from[0]: is "10.0.0.300": ${form}`,
    `lab.yaml:2:59: virtualServers[0].proxyProtocol.from[1]: is "haproxy.test": ${form}`,
    `lab.yaml:2:73: virtualServers[0].proxyProtocol.from[2]: is "10.0.0.0/33": ${form}`,
    'lab.yaml:3:46: virtualServers[1].proxyProtocol.from: is an empty list; name at least one',
    'lab.yaml:4:38: virtualServers[2].proxyProtocol.from: is missing; must be a list',
    'lab.yaml:4:40: virtualServers[2].proxyProtocol.form: unknown key; did you mean from?',
    'lab.yaml:5:39: virtualServers[3].proxyProtocol: is true; must be a mapping of from, timeout; for example { from: [10.0.0.1] }',
    'lab.yaml:5:64: virtualServers[3].forwarded.from: only http requests say who the client is; on imap4, let the proxy use the PROXY protocol, and write proxyProtocol: { from: [10.0.0.1] }',
  ])
})

test('reports a mistake inside an alternative at its place', () => {
  expect(mistakes('certificates: { store: 3, kay: p256 }')).toEqual([
    'lab.yaml:1:24: certificates.store: is 3; must be text',
    'lab.yaml:1:27: certificates.kay: unknown key; did you mean key?',
  ])
  expect(mistakes('store: disk')).toEqual([
    'lab.yaml:1:8: store: is "disk"; must be memory, a mapping of memory, messages, whenFull, a mapping of lmdb, size, messages, whenFull or a mapping of postgres, password, passwordFile, pool, bodies, messages, whenFull',
  ])
})

test.each<[unknown, string]>([
  [/x/, 'an object of the class RegExp'],
  [new Map(), 'an object of the class Map'],
  [Object.create(null), 'a mapping'],
  [{ pem: '' }, 'a mapping of pem'],
  [10n, '10'],
])('names %o, which only programs can give', (value, words) => {
  const found = caught(() => loadObject({ virtualServers: [{ protocol: 'smtp', name: value as string }] }, '/labs'))
  expect(found.join('\n')).toContain(`is ${words}; must be`)
})

test('names the keys of a mapping that fits none of the forms', () => {
  const forms =
    'memory, a mapping of memory, messages, whenFull, a mapping of lmdb, size, messages, whenFull or a mapping of postgres, password, passwordFile, pool, bodies, messages, whenFull'
  expect(mistakes('store: { whenFull: refuse }')).toEqual([
    `lab.yaml:1:8: store: is a mapping of whenFull; must be ${forms}`,
  ])
  expect(mistakes('store: { memory: auto, lmdb: data }')).toEqual([
    `lab.yaml:1:8: store: is a mapping of memory, lmdb; must be ${forms}`,
  ])
})

test('refuses an address of a database that could be read in two ways, without showing it', () => {
  for (const address of ['lab:12/secret@db/lab', 'lab:12#secret@db/lab', 'lab:12?secret@db/lab']) {
    const [message = ''] = mistakes(`store: { postgres: "postgres://${address}" }`)
    expect(message).toContain(
      'write an address like postgres://lab@db/sealpost, with / ? # of a password as %2F %3F %23',
    )
    expect(message).not.toContain('secret')
  }
})

test('says in which form of a mapping a key can be used', () => {
  expect(mistakes('store: { memory: auto, size: 3MiB }')).toEqual([
    'lab.yaml:1:24: store.size: cannot be used here, only in a mapping of lmdb, size, messages, whenFull',
  ])
})

test('reports a key that no alternative knows, and still checks the rest', () => {
  const yaml = `store: { lmbd: data }
virtualServers: [{ protocol: smtp, certificate: none, requireSecureChannel: true }]`
  expect(mistakes(yaml)).toEqual([
    'lab.yaml:1:10: store.lmbd: unknown key; did you mean lmdb?',
    expect.stringMatching(
      /^lab\.yaml:2:\d+: virtualServers\[0\]\.requireSecureChannel: is true, but certificate: none/,
    ),
  ])
})

test('lists the known keys if an unknown key is similar to none', () => {
  expect(mistakes('virtualServers: [{ protocol: smtp, tls: { zzz: 1 } }]')).toEqual([
    'lab.yaml:1:43: virtualServers[0].tls.zzz: unknown key; known here: policy, minVersion, maxVersion, ciphers, groups, ocspStapling, legacy, defect or strength',
  ])
})

test('says where a key belongs that stands at the wrong place', () => {
  const yaml = `accounts: []
packets: x.pcapng
relay: deny
port: 3025
virtualServers: [{ protocol: smtp, ciphers: ALL }]`
  expect(mistakes(yaml)).toEqual([
    'lab.yaml:1:1: accounts: unknown key; it belongs in directory',
    'lab.yaml:2:1: packets: unknown key; it belongs in testing or virtualServers[]',
    'lab.yaml:3:1: relay: unknown key; it belongs in virtualServers[]',
    'lab.yaml:4:1: port: unknown key; it belongs in dns or virtualServers[]',
    'lab.yaml:5:36: virtualServers[0].ciphers: unknown key; it belongs in virtualServers[].tls',
  ])
})

test('reports a list at the top level', () => {
  expect(mistakes('- 1')).toEqual([
    expect.stringMatching(/^lab\.yaml:1:1: is a list; must be a mapping of version, hostname/),
  ])
})

test.each(['a..b', '.a', 'a..', '..', '.', 'a b', 'a/b'])('refuses %j wherever a host name is read', (name) => {
  const yaml = `hostname: ${JSON.stringify(name)}
alternativeNames: [mail.lab.test, 192.0.2.7, '2001:db8::1', '*.lab.test', lab.test., ${JSON.stringify(name)}]
domain: ${JSON.stringify(name)}
directory: { accounts: [{ user: a, password: b, addresses: ['a@${name}'] }] }
virtualServers:
  - { protocol: http, hosts: [lab.test, ${JSON.stringify(name)}] }
  - { protocol: smtp, certificate: { defect: expired, hostname: ${JSON.stringify(name)} } }
  - { protocol: nntp, feeds: [{ peer: ${JSON.stringify(name)}, direction: out, host: ${JSON.stringify(name)} }] }
`
  const wrong = mistakes(yaml).map(
    (line) => /^lab\.yaml:\d+:\d+: (\S+): is ".*": write (?:a name|an address) like/.exec(line)?.[1],
  )
  expect(wrong.toSorted()).toEqual([
    'alternativeNames[5]',
    ...(/[/]/.test(name) ? [] : ['directory.accounts[0].addresses[0]']),
    'domain',
    'hostname',
    'virtualServers[0].hosts[1]',
    'virtualServers[1].certificate.hostname',
    'virtualServers[2].feeds[0].host',
    'virtualServers[2].feeds[0].peer',
  ])
})

test('reports what is neither an address nor a network', () => {
  const wrong = ['10.0.0.0/33', '::/129', '10.0.0/8', 'lab.test', '10.0.0.0/8/8', '10.0.0.0/', 'fe80::1%lo']
  const found = mistakes(
    `certificates: { service: { acme: { from: [${['10.0.0.1', '::/0', ...wrong].join(', ')}] } } }`,
  )
  expect(found.map((line) => /from\[(\d)\]: .*write an IP address or network/.exec(line)?.[1])).toEqual(
    wrong.map((_, i) => String(i + 2)),
  )
})

describe('syntax errors', () => {
  test.each([
    [
      'an unclosed quote, where it opens',
      'hostname: "a\ndomain: b\n',
      '1:11: YAML: the quoted text that starts here has no closing "; add it',
    ],
    [
      'an unclosed single quote',
      "a: 1\nhostname: 'a\n",
      "2:11: YAML: the quoted text that starts here has no closing '; add it",
    ],
    ['an unclosed list', 'alternativeNames: [a,\ndomain: b\n', '1:19: YAML: the [ here has no closing ]; add it'],
    ['an unclosed mapping', 'store: { lmdb: x\n', '1:8: YAML: the { here has no closing }; add it'],
    [
      'a second document',
      'hostname: a\n---\nhostname: b',
      '2:1: YAML: a second document starts here; put the whole configuration into one document',
    ],
    [
      'an unknown alias',
      'hostname: *nowhere',
      '1:11: YAML: the anchor &nowhere is not defined before this; define it above, or put *nowhere in quotes',
    ],
    ['a tab', 'directory:\n\tmode: open\n', '2:1: YAML: a tab cannot be used for indentation; use spaces'],
    [
      'a second key on a line',
      'hostname: a: b\n',
      '1:11: YAML: a second key on the same line; start a new line for it, or put the text in quotes if it is not a key',
    ],
    [
      'a key without a value',
      'hostname: a\ndomain\nstore: memory\n',
      '2:1: YAML: expected a colon after this key; add it, or indent the line like the keys above',
    ],
    ['a reserved character', 'hostname: @a\n', '1:11: YAML: a text cannot start with @; put it in quotes'],
    [
      'a wrong escape sequence',
      'hostname: "a\\q"\n',
      '1:13: YAML: \\q is not an escape sequence; write \\\\ for a backslash, or use single quotes',
    ],
    ['text after a quoted value', 'hostname: "a" b\n', '1:15: YAML: unexpected b'],
    ['a bracket too many', 'hostname: ]\n', '1:11: YAML: unexpected ]'],
    [
      'a wrong indentation',
      'hostname: a # b\n  c: d\n',
      '2:3: YAML: keys of one mapping must start in the same column',
    ],
    ['a tag', 'hostname: !name a\n', '1:11: YAML: tags (!name) are not supported'],
    [
      'a merge of a text',
      'virtualServers: [{ <<: a, protocol: smtp }]',
      '1:20: YAML: a merge key (<<) needs an alias of a mapping: <<: *name',
    ],
  ])('%s', (_, yaml, expected) => {
    expect(mistakes(yaml)[0]).toBe(`lab.yaml:${expected}`)
  })

  test('are reported in the order of the file, one for each line', () => {
    expect(mistakes('hostname: @a\nstore: !x\n  - !y z\n')).toEqual([
      'lab.yaml:1:11: YAML: a text cannot start with @; put it in quotes',
      'lab.yaml:2:8: YAML: tags (!name) are not supported',
      'lab.yaml:3:5: YAML: tags (!name) are not supported',
    ])
    expect(mistakes('a: [1\nb: {').map((line) => line.slice(0, 12))).toEqual(['lab.yaml:1:4', 'lab.yaml:2:4'])
  })

  test('a duplicate key is named with both lines', () => {
    const yaml = 'hostname: a\ndirectory:\n  accounts: [{ user: a,\n    password: b, user: c }]\nhostname: b\n'
    expect(mistakes(yaml)).toEqual([
      'lab.yaml:4:18: YAML: directory.accounts[0].user: duplicate key, also set in line 3; remove one of the two',
      'lab.yaml:5:1: YAML: hostname: duplicate key, also set in line 1; remove one of the two',
    ])
  })

  test('never show the messages of the YAML library', () => {
    const random = seededRandom(7)
    const characters = [...'ab:- "\'[]{}&*!|>%@`#,?\n\t\\<']
    const texts = Array.from({ length: 2_000 }, () =>
      Array.from({ length: 12 }, () => characters[Math.floor(random() * characters.length)]).join(''),
    )
    const library = new Set<string>()
    const ours = texts.flatMap((text) => {
      for (const { message } of parseDocument(text, { prettyErrors: false }).errors) library.add(message)
      return mistakes(text)
    })
    expect(library.size).toBeGreaterThan(20)
    const shown = ours.filter((line) => [...library].some((message) => line.includes(message)))
    expect(shown).toEqual([])
  })
})

test('anchors, aliases and merge keys work, with anchors under a key that starts with x-', () => {
  const yaml = `x-mail: &mail
  requireSecureChannel: true
  authentication: [basic]
virtualServers:
  - { <<: *mail, protocol: smtp }
  - { <<: [*mail], protocol: pop3, authentication: [basic-over-tls] }
`
  expect(loadText(yaml, 'lab.yaml', '/labs').lab.virtualServers).toMatchObject([
    { protocol: 'smtp', requireSecureChannel: true, authentication: ['basic'] },
    { protocol: 'pop3', requireSecureChannel: true, authentication: ['basic-over-tls'] },
  ])
  expect(mistakes(yaml.replace('true', 'maybe'))).toEqual([
    'lab.yaml:2:25: virtualServers[0].requireSecureChannel: is "maybe"; must be true or false',
    'lab.yaml:2:25: virtualServers[1].requireSecureChannel: is "maybe"; must be true or false',
  ])
})

test('aliases of aliases cannot fill the memory', () => {
  const levels = Array.from(
    { length: 20 },
    (_, n) => `x-${n}: &a${n} [${n === 0 ? '1' : `*a${n - 1}, *a${n - 1}, *a${n - 1}`}]`,
  )
  expect(mistakes(levels.join('\n'))).toEqual(['lab.yaml:1:1: YAML: the aliases of this file expand to too much data'])
})

test('reports a mistake behind an alias at the anchor', () => {
  const yaml = `virtualServers:
  - protocol: pop3
    tls: &old
      minVersion: TLSv0
  - protocol: imap4
    tls: *old
`
  const wrong = 'is "TLSv0"; must be TLSv1, TLSv1.1, TLSv1.2 or TLSv1.3; did you mean TLSv1?'
  expect(mistakes(yaml)).toEqual([
    `lab.yaml:4:19: virtualServers[0].tls.minVersion: ${wrong}`,
    `lab.yaml:4:19: virtualServers[1].tls.minVersion: ${wrong}`,
  ])
})

test('checks objects in the same way and reports the path only', () => {
  const wrong = { virtualServers: [{ protocol: 'nntp' as const, requireSecureChannel: true }], portOfset: 1 }
  expect(caught(() => loadObject(wrong, '/'))).toEqual([
    'portOfset: unknown key; did you mean portOffset?',
    'virtualServers[0].requireSecureChannel: NNTP virtual servers do not have this setting; close the clear-text port instead: port: off',
  ])
})
