import { afterAll, expect, it } from 'vitest'
import { Workplace } from '../support/sealpost.ts'

const place = new Workplace()

place.write(
  'lab.yaml',
  `hostname: mail.lab.test
certificates: { store: certs, key: p256 }
virtualServers: [{ protocol: smtp, port: 0 }]
dns: { port: 0, dnssec: true, zones: { example.test: { file: example.zone, dnssec: false, defects: [slow] } } }
`,
)
place.write('example.zone', '$TTL 5m\n@ IN MX 10 mx ; the host\nmx A 127.0.0.5\n')
const lab = await place.start(['--config', 'lab.yaml'])
afterAll(() => lab.end())

const dns = (...args: readonly string[]) => place.run(['dns', ...args, '--config', 'lab.yaml'])

it('lists the zones and the records of one', async () => {
  const { stdout } = await dns('list')
  expect(stdout).toMatch(/^lab\.test +\d+ +yes$/m)
  expect(stdout).toMatch(/^example\.test +5 +no +slow$/m)
  const records = (await dns('list', 'example.test')).stdout.split('\n')
  expect(records).toContain('example.test. 300 IN MX 10 mx.example.test.')
  expect((await dns('list', 'other.test')).stderr).toContain('the lab has no zone other.test; there are: ')
})

it('adds and removes a record', async () => {
  const { stdout } = await dns('add', '_acme-challenge.lab.test', 'TXT', '"a token"')
  expect(stdout).toBe('_acme-challenge.lab.test. 60 IN TXT "a token" ; added as r1\n')
  expect((await dns('list', 'lab.test')).stdout).toContain('"a token" ; added as r1')
  await dns('remove', 'r1')
  expect((await dns('list', 'lab.test')).stdout).not.toContain('a token')
  expect((await dns('remove', 'r1')).stderr).toContain('there is no added record r1')
  expect((await dns('add', 'lab.test', 'A', 'nowhere')).stderr).toBe(
    'sealpost: <record>: nowhere is not an IPv4 address\n',
  )
})

it('prints a zone file and trust anchors', async () => {
  expect((await dns('zone-file', 'example.test')).stdout).toMatch(/^example\.test\. 60 IN SOA ns\.example\.test\. /)
  const { stdout } = await dns('ds')
  expect(stdout).toMatch(/^lab\.test\. 60 IN DS \d+ 13 2 [\dA-F]{64}$/m)
  expect(stdout).not.toContain('example.test')
  expect((await dns('ds', 'lab.test', '--delv')).stdout).toMatch(
    /^trust-anchors \{\n {2}"lab\.test\." static-ds \d+ 13 2 "[\dA-F]{64}";\n\};\n$/,
  )
})

it('check finds mistakes in records and zone files, and a port that two servers want', async () => {
  const check = async (port: number): Promise<string> => {
    place.write(
      'wrong.yaml',
      `certificates: { store: certs, key: p256 }
virtualServers: [{ protocol: smtp, port: ${port} }]
dns:
  port: ${port}
  zones:
    example.test:
      file: missing.zone
      records: ['www A 127.0.0.1', 'www A 127.0.0']
`,
    )
    const { stdout, stderr } = await place.run(['check', '--config', 'wrong.yaml'])
    return stdout + stderr
  }
  expect(await check(5353)).toContain('wrong.yaml:4:9: dns.port: 127.0.0.1 port 5353 is taken by')
  const text = await check(0)
  expect(text).toContain('wrong.yaml:8:36: dns.zones["example.test"].records[1]: A: 127.0.0 is not an IPv4 address')
  expect(text).toMatch(/wrong\.yaml:7:13: dns\.zones\["example\.test"\]\.file: .*missing\.zone cannot be read/)
})
