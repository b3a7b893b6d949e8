import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { freePorts } from '../support/free-ports.ts'
import { workplaceOfEach } from '../support/sealpost.ts'
import { withoutPackage } from '../support/without-package.ts'

const place = workplaceOfEach()

const accounts = 'directory: { accounts: [{ user: alice, password: secret }] }\n'
const server = (settings: string): string =>
  `${accounts}virtualServers:\n  - { protocol: smtp, port: 0, ${settings} }\n`

/** Returns the lines of `check` and `start` about a configuration, without warnings, and the statuses. */
async function both(): Promise<{ check: string[]; start: string[]; statuses: unknown[] }> {
  const results = []
  for (const command of ['check', 'start'])
    results.push(await place.runHere([command, '--config', 'lab.yaml', ...(command === 'start' ? ['--json'] : [])]))
  const [check = [], start = []] = results.map(({ stderr }) =>
    stderr
      .trimEnd()
      .split('\n')
      .filter((line) => !/^warning: |^\{/.test(line)),
  )
  return { check, start, statuses: results.map(({ status }) => status) }
}

test('certificates in a database need no folder', async () => {
  // A file where a folder of this name would be.
  place.write('database', '')
  place.write('lab.yaml', `store: { postgres: "postgres://lab@127.0.0.1:1/lab" }\n${server('tlsPort: 0')}`)
  const { check, start } = await both()
  expect(check).toEqual(start)
  expect(start).toEqual([expect.stringMatching(/^PostgreSQL at 127\.0\.0\.1:1\/lab: connect ECONNREFUSED/)])
})

describe('check and start report the same', () => {
  test.each([
    [
      'suites below 128 bits',
      server('require128BitEncryption: true, tls: { ciphers: "NULL-SHA256@SECLEVEL=0" }'),
      /^lab\.yaml:3:\d+: virtualServers\[0\]\.tls\.ciphers: allows only cipher suites below 128 bits, but require128BitEncryption is true; /,
    ],
    [
      'an unknown suite',
      server('tls: { ciphers: FOO-BAR }'),
      /^lab\.yaml:3:\d+: virtualServers\[0\]\.tls\.ciphers: is "FOO-BAR": Node\.js .* has no suite of this name; /,
    ],
    [
      'a text that is not a cipher string',
      server('tls: { ciphers: "AES128-SHA@SECLEVEL=9" }'),
      /tls\.ciphers: is "AES128-SHA@SECLEVEL=9": not an OpenSSL cipher string; /,
    ],
    [
      'old suites below 128 bits',
      server(
        'require128BitEncryption: true, tls: { legacy: [TLS_RSA_WITH_DES_CBC_SHA, TLS_RSA_EXPORT_WITH_RC4_40_MD5] }',
      ),
      /^lab\.yaml:3:\d+: virtualServers\[0\]\.tls\.legacy: lists only cipher suites below 128 bits/,
    ],
    [
      'suites of TLS 1.3 without TLS 1.3',
      server('tls: { ciphers: TLS_AES_128_GCM_SHA256, maxVersion: TLSv1.2 }'),
      /tls\.ciphers: names only suites of TLS 1\.3, but maxVersion is TLSv1\.2; /,
    ],
    [
      'an unknown group',
      server('tls: { groups: [X25519, X25518] }'),
      /^lab\.yaml:3:\d+: virtualServers\[0\]\.tls\.groups\[1\]: is "X25518": Node\.js .* does not support this group; it has .*X25519/,
    ],
    [
      'a missing preload',
      `newsgroups: [{ name: a.b, preload: lost.mbox }]\n${server('certificate: none')}`,
      /^lab\.yaml:1:\d+: newsgroups\[0\]\.preload: cannot read \S+lost\.mbox: no such file or folder; check the path$/,
    ],
    [
      'a capture in a missing folder',
      `capture: lost/x.pcapng\n${server('certificate: none')}`,
      /^lab\.yaml:1:\d+: capture: cannot write the capture \S+x\.pcapng: there is no folder \S+lost$/,
    ],
    [
      'a capture with a long name',
      `capture: ${'x'.repeat(300)}\n${server('certificate: none')}`,
      /^lab\.yaml:1:\d+: capture: cannot write the capture \S+x: the name is too long; choose a shorter one$/,
    ],
    [
      'a store with a long name',
      `store: { lmdb: ${'x'.repeat(300)} }\n${server('certificate: none')}`,
      /^lab\.yaml:1:\d+: store\.lmdb: the folder \S+x cannot be created: the name is too long; choose a shorter one$/,
    ],
    [
      'a store in a file',
      `store: { lmdb: lab.yaml/data }\n${server('certificate: none')}`,
      /^lab\.yaml:1:\d+: store\.lmdb: the folder \S+lab\.yaml cannot be created: a file with this name exists; choose another name/,
    ],
    [
      'an address of another machine',
      server('address: 192.0.2.1').replace('port: 0', 'port: 3025'),
      /^lab\.yaml:3:\d+: virtualServers\[0\]\.(?:port|tlsPort): cannot listen on 192\.0\.2\.1 port \d+: this machine does not have that address$/,
    ],
  ])('%s', async (_, yaml, expected) => {
    place.write(
      'lab.yaml',
      `certificates: memory\n${yaml}`.replace(/^(.*)\n(.*)/, '$2 # $1').replace(/ # certificates.*/, ''),
    )
    const { check, start, statuses } = await both()
    expect(check).toEqual([expect.stringMatching(expected)])
    expect(start).toEqual(check)
    expect(statuses[0]).toBe(statuses[1])
    expect([1, 2]).toContain(statuses[0])
  })

  test.each([
    [
      'Latin-1',
      Buffer.from('# Müll\nhostname: münchen.test\n', 'latin1'),
      /^lab\.yaml:1:4: is not UTF-8 \(octet 0xfc\); /,
    ],
    ['UTF-16', Buffer.from('\ufeffhostname: x', 'utf16le'), /^lab\.yaml: is UTF-16; save it as UTF-8$/],
  ])('a file in %s', async (_, octets, expected) => {
    writeFileSync(join(place.folder, 'lab.yaml'), octets)
    const { check, start, statuses } = await both()
    expect([check, start, statuses]).toEqual([[expect.stringMatching(expected)], check, [2, 2]])
  })

  test('a store that another lab has open', async () => {
    const yaml = (name: string) => `store: { lmdb: data }\n${server(`name: ${name}, certificate: none`)}`
    place.write('first.yaml', yaml('First'))
    place.write('lab.yaml', yaml('Second'))
    await using running = await place.start(['--config', 'first.yaml'])
    const { check, start, statuses } = await both()
    const expected = `lab.yaml:1:16: store.lmdb: ${join(place.folder, 'data')} is in use by process ${running.process.pid}`
    expect([check, start, statuses]).toEqual([[expected], [expected], [1, 1]])
    // The lab that has it open is an obstacle to a second start, but not to itself.
    const second = await place.runHere(['start', '--config', 'first.yaml'])
    expect(second).toMatchObject({
      status: 1,
      stderr: `sealpost: this lab is running already (process ${running.process.pid}); stop it with: sealpost stop --config first.yaml\n`,
    })
    expect(await place.run(['check', '--config', 'first.yaml'])).toMatchObject({ status: 0, stderr: '' })
  })

  test('ports of a running lab, which notices no other start', async () => {
    const [port = 0] = await freePorts(1)
    const yaml = (name: string) =>
      `certificates: memory\n${server(`name: ${name}`).replace('port: 0', `port: ${port}`)}`
    place.write('first.yaml', yaml('First'))
    place.write('lab.yaml', yaml('Second'))
    await using running = await place.start(['--config', 'first.yaml'])
    const same = await place.runHere(['start', '--config', 'first.yaml'])
    expect(same.stderr).toBe(
      `sealpost: this lab is running already (process ${running.process.pid}); stop it with: sealpost stop --config first.yaml\n`,
    )
    // Also no line about a new root authority.
    const other = await place.runHere(['start', '--config', 'lab.yaml'])
    expect(other.stderr).toMatch(
      /^lab\.yaml:4:\d+: virtualServers\[0\]\.port: cannot listen on 127\.0\.0\.1 port \d+: it is in use by another program; .*\n$/,
    )
    const { stdout } = await place.run(['sessions', '--json', '--config', 'first.yaml'])
    expect(stdout).toBe('')
  })

  test('a certificate store that cannot be read', async () => {
    mkdirSync(join(place.folder, 'certs'), { mode: 0o700 })
    place.write('certs/store.json', 'no JSON')
    place.write('lab.yaml', server('name: S'))
    const { check, start } = await both()
    expect(check).toEqual([expect.stringMatching(/certs\/store\.json cannot be read: /)])
    expect(start).toEqual(check)
  })
})

test('reports every mistake and every obstacle together, in an invalid file too', async () => {
  const other = createServer().listen(0, '127.0.0.1')
  await once(other, 'listening')
  const { port } = other.address() as { port: number }
  place.write(
    'lab.yaml',
    `
store: { lmdb: lab.yaml/x }
newsgroups: [{ name: a.b, preload: lost.mbox }]
${accounts}
faults: [{ when: { verb: RCPT }, do: { replly: x } }]
virtualServers:
  - { protocol: smtp, port: ${port}, certificate: Lost }
  - { protocol: pop3, port: 0, certificate: none, requireSecureChannel: true }
  - { protocol: imap4, port: 0, tlsPort: 0, tls: { ciphers: FOO-BAR, policy: modrn } }
  - { protocol: nttp, port: ${port} }
`,
  )
  const { check, start, statuses } = await both()
  other.close()
  expect(check.map((line) => line.replace(/^lab\.yaml:(\d+):\d+: ([\w[\].]+): .*/, '$1 $2'))).toEqual([
    '6 faults[0].do.replly',
    '9 virtualServers[1].requireSecureChannel',
    '10 virtualServers[2].tls.ciphers',
    '10 virtualServers[2].tls.policy',
    '11 virtualServers[3].protocol',
    '8 virtualServers[0].certificate',
    '2 store.lmdb',
    '3 newsgroups[0].preload',
    '8 virtualServers[0].port',
  ])
  expect(start).toEqual(check)
  expect(statuses).toEqual([2, 2])
})

test('start without a package that the configuration needs says how to install it, as check does', async () => {
  place.write('lab.yaml', `store: { lmdb: data } #\ncertificates: memory\n${server('certificate: none')}`)
  const env = withoutPackage(place, 'lmdb')
  for (const command of ['check', 'start']) {
    const { status, stderr } = await place.runProcess([command, '--config', 'lab.yaml', '--log-level', 'error'], {
      env,
    })
    expect([command, status]).toEqual([command, 1])
    expect(stderr).toMatch(
      /^lab\.yaml:1:16: store\.lmdb: the LMDB store needs the package lmdb; run: npm install \S+.* lmdb\n$/,
    )
  }
})
