import { expect, test } from 'vitest'
import { deprecations } from '../../../src/core/config/deprecated-keys.ts'
import { editYaml } from '../../../src/core/config/edit/edit-yaml.ts'
import { migrateYaml } from '../../../src/core/config/edit/migrate-yaml.ts'
import { readEnvironment } from '../../../src/core/config/environment.ts'
import { loadObject } from '../../../src/core/config/load.ts'
import { ConfigError } from '../../../src/core/config/mistakes.ts'
import { textWithoutSecrets } from '../../../src/core/config/secrets.ts'
import { loadText } from '../../../src/core/config/yaml.ts'

const base = '/nonexistent/lab'

/** Every deprecated key. */
const old = `# The lab of the payment team.
certificates:
  store: ../certs   # shared
  renewAcme: false
certificate: { variant: p256 }
certificateProfiles: { weekly: { purposes: [serverAuth], lifetime: 7d } }

# The programs of the team get certificates here.
authorityService:
  port: 3080
  acme: { addresses: [192.0.2.7] }

newsgroups:   # two of them
  - { name: lab.old, expireAfter: 2h,   keepLatest: 3 }
  # the second
  - name: lab.new
    expireAfter:   30d   # a month

# What clients may change.
control: [cancel, newgroup]
controlSenders:
  - { from: 'admin@lab.test',   key: ../admin.asc }  # Anna
retention:
  - { folders: 'lab.*', age: 30d }
  - count: 500
    size: 1MiB
directory: { accounts: [{ user: alice, password: secret }] }
captured: { folder: all }
tagging: { header: X-Tags }
reports: { delay: 1s }
mailAuthentication:
  dkim:
    - { domain: lab.test, key: dkim.pem }
  arc: { domain: lab.test, key: arc.pem }
forwardRules:
  - { filters: { to: [alice@lab.test] }, to: [dev@a.test] }
spamFilter: spamd://127.0.0.1:783
connectors:
  - { name: A, domains: [a.test], smartHost: { host: mail.a.test } }
mtaSts: { mode: enforce }
tlsReports: {}
administrators: [alice]
tokens:
  - { name: ci, token: 'a token of the lab' }
faults:
  - { when: { verb: RCPT }, do: { reply: 451 4.7.1 Later } }
faultSeed: 7
capture: lab.pcapng
verify: { targets: [mail.a.test] }
audit: { firstPort: 20000 }
virtualServers:
  - { protocol: smtp, port: 0, capture: memory, tls: { legacy: false } }
  - { protocol: http, port: 0, tlsPort: off, forwardedFrom: [127.0.0.1] }
  - protocol: nntp
    port: 0
    feeds:
      - { peer: a.test, direction: in, addresses: [192.0.2.7] }
# the end
`

const present = `# The lab of the payment team.
certificates:
  store: ../certs   # shared
  renew: false
  default: { variant: p256 }
  profiles: { weekly: { purposes: [serverAuth], lifetime: 7d } }

  # The programs of the team get certificates here.
  service:
    port: 3080
    acme: { from: [192.0.2.7] }

news:
  groups:
    # two of them
    - { name: lab.old, keep: { age: 2h, count: 3 } }
    # the second
    - name: lab.new
      keep: { age: 30d } # a month

  # What clients may change.
  control: [cancel, newgroup]
  senders:
    - { from: 'admin@lab.test',   keyFile: ../admin.asc }  # Anna
retention:
  - { folders: 'lab.*', keep: { age: 30d } }
  - keep: { count: 500, size: 1MiB }
directory: { accounts: [{ user: alice, password: secret }] }
mail:
  captured: { folder: all }
  tagging: { header: X-Tags }
  reports: { delay: 1s }
  authentication:
    dkim:
      - { domain: lab.test, keyFile: dkim.pem }
    arc: { domain: lab.test, keyFile: arc.pem }
  forwardRules:
    - { filters: { to: [alice@lab.test] }, to: [dev@a.test] }
  spamFilter: spamd://127.0.0.1:783
outgoing:
  connectors:
    - { name: A, domains: [a.test], smartHost: { host: mail.a.test } }
  mtaSts: { mode: enforce }
  tlsReports: {}
access:
  administrators: [alice]
  tokens:
    - { name: ci, token: 'a token of the lab' }
testing:
  faults:
    - { when: { verb: RCPT }, do: { reply: 451 4.7.1 Later } }
  seed: 7
  packets: lab.pcapng
  verify: { targets: [mail.a.test] }
  audit: { firstPort: 20000 }
virtualServers:
  - { protocol: smtp, port: 0, packets: memory, tls: { legacy: off } }
  - { protocol: http, port: 0, tlsPort: off, forwarded: { from: [127.0.0.1] } }
  - protocol: nntp
    port: 0
    feeds:
      - { peer: a.test, direction: in, from: [192.0.2.7] }
# the end
`

const load = (text: string) => loadText(text, 'lab.yaml', base)

test('a document with every old key means the same as the migrated one, which has no old key', () => {
  const { text, changes } = migrateYaml(old, 'lab.yaml')
  expect(text).toBe(present)
  const changed = changes.map((line) => line.replaceAll(/\[\d+\]/g, '.*').replace(/: now.*/, ''))
  const listed = deprecations.flatMap(({ mappings, from }) =>
    mappings.map((one) => [one, from].filter(Boolean).join('.')),
  )
  expect(listed.filter((key) => !changed.includes(key))).toEqual([])
  const [before, after] = [load(old), load(text)]
  expect(before.lab).toEqual(after.lab)
  expect(before.input).toEqual(after.input)
  expect(after.warnings.filter((line) => line.includes('deprecated'))).toEqual([])
  expect(migrateYaml(text, 'lab.yaml')).toEqual({ text, changes: [] })
})

test('the short form of a mapping stays with its comment when keys join it', () => {
  expect(migrateYaml('certificates: memory # no folder\ncertificate: none\n', 'lab.yaml').text).toBe(
    'certificates:\n  store: memory # no folder\n  default: none\n',
  )
  expect(migrateYaml('{ certificates: memory, certificate: none, tokens: [] }\n', 'lab.yaml').text).toBe(
    '{ certificates: { store: memory, default: none }, access: { tokens: [] } }\n',
  )
  const { overrides } = readEnvironment({ SEALPOST_CERTIFICATES: 'memory' }, base)
  const { lab } = loadText('certificates: { store: a, key: p256, service: { port: 0 } }', 'lab.yaml', base, overrides)
  expect(lab.certificates).toMatchObject({ store: 'memory', key: 'p256', service: { port: 0 } })
})

test('each old key has a warning with its line and its present form', () => {
  const lines = load(old).warnings.filter((line) => line.includes('deprecated'))
  expect(lines).toHaveLength(migrateYaml(old, 'lab.yaml').changes.length)
  const warning = (place: string, form: string) =>
    `lab.yaml:${place}: is deprecated since 0.1.0 and will not work in 0.2.0; write ${form} (sealpost config migrate FILE does it)`
  expect(lines).toContain(warning('13:1: newsgroups', 'news.groups'))
  expect(lines).toContain(warning('17:5: newsgroups[1].expireAfter', 'keep.age'))
  expect(lines).toContain(warning('22:33: controlSenders[0].key', 'keyFile'))
})

test('an old key beside its present form is one mistake, and is not migrated', () => {
  const both = 'news: { groups: [] }\nnewsgroups: []\n'
  const line = 'lab.yaml:2:1: newsgroups: is the old form of news.groups, which is set too; keep one of them'
  expect(() => load(both)).toThrow(new ConfigError([line]).message)
  expect(() => migrateYaml(both, 'lab.yaml')).toThrow(line)
  expect(() => loadObject({ news: { groups: [] }, newsgroups: [] }, base)).toThrow(/^newsgroups: is the old form/)
})

test('mistakes below an old key have the place in the file', () => {
  expect(() => load('newsgroups:\n  - { name: lab.a, expireAfter: soon }\n')).toThrow(
    /^lab\.yaml:2:33: newsgroups\[0\]\.expireAfter: is "soon"/,
  )
  expect(() => load('news: 5\nnewsgroups: []\n')).toThrow(/^lab\.yaml:1:7: news: is 5/)
})

test('variables of old keys set the present ones', () => {
  const { overrides, warnings, deprecated } = readEnvironment(
    { SEALPOST_NEWSGROUPS: '[{ name: lab.env, expireAfter: 1d }]', SEALPOST_NEWS: '{ control: [] }' },
    base,
  )
  expect(warnings).toEqual(deprecated)
  expect(deprecated).toEqual([
    expect.stringMatching(/^SEALPOST_NEWSGROUPS: is deprecated .*; write SEALPOST_NEWS_GROUPS$/),
  ])
  const found = loadText(
    'news: { groups: [], control: [cancel], senders: [{ from: a@b.test }] }',
    'lab.yaml',
    base,
    overrides,
  )
  expect(found.lab.news).toMatchObject({
    groups: [{ name: 'lab.env', keep: { age: 86_400_000 } }],
    control: [],
    senders: [{ from: 'a@b.test' }],
  })
  expect(found.warnings).toContainEqual(
    expect.stringMatching(/^SEALPOST_NEWSGROUPS: \[0\]\.expireAfter: .*; write keep\.age$/),
  )
})

test('a change by an old path finds the present key, and by a present path the old one', () => {
  const set = (text: string, path: string) => editYaml(text, 'lab.yaml', [{ op: 'set', path, value: 'x' }])
  const [before, after] = ['newsgroups: [{ name: a }]\n', 'news: { groups: [{ name: a }] }\n']
  for (const path of ['/newsgroups/0/description', 'news.groups[0].description']) {
    expect(set(before, path).text).toBe('newsgroups: [{ name: a, description: x }]\n')
    expect(set(after, path).text).toBe('news: { groups: [{ name: a, description: x }] }\n')
  }
})

test('secrets below old keys are masked', () => {
  expect(textWithoutSecrets('tokens: [{ name: a, token: b }]\n', 'lab.yaml')).toBe(
    "tokens: [{ name: a, token: '***' }]\n",
  )
  const both = "tokens: [{ name: a, token: '***' }]\naccess: { tokens: [{ name: a, token: '***' }] }\n"
  expect(textWithoutSecrets(both.replaceAll("'***'", 'b'), 'lab.yaml')).toBe(both)
  const noRoom = "tokens: [{ name: a, token: '***' }]\naccess: 5\n"
  expect(textWithoutSecrets(noRoom.replace("'***'", 'b'), 'lab.yaml')).toBe(noRoom)
})

test('a key that is named like the prototype of objects stays a key', () => {
  const refused = (path: string) => new RegExp(`^lab\\.yaml:2:\\d+: ${path}__proto__: `)
  expect(() => load('certificate: none\n__proto__: { domain: evil.test }\n')).toThrow(refused(''))
  expect(() => load('newsgroups: [{ name: lab.a, expireAfter: 1d,\n  __proto__: { description: evil } }]\n')).toThrow(
    refused('newsgroups\\[0\\]\\.'),
  )
})
