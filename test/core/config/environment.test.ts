import { expect, test } from 'vitest'
import { readEnvironment } from '../../../src/core/config/environment.ts'
import { loadText } from '../../../src/core/config/yaml.ts'

const file = `portOffset: 3000
certificates: ../certs
virtualServers: [{ protocol: smtp }, { protocol: pop3 }]`

const load = (environment: Record<string, string>) =>
  loadText(file, 'lab.yaml', '/labs', readEnvironment(environment, '/cwd').overrides)

test('variables override the file', () => {
  const { lab } = load({
    SEALPOST_PORT_OFFSET: '4000',
    SEALPOST_STORE: '{ lmdb: data }',
    SEALPOST_HOSTNAME: '12345',
    SEALPOST_DOMAIN: 'example.test',
    SEALPOST_LOG_LEVEL: 'debug',
    SEALPOST_CERTIFICATES: '/certs',
    SEALPOST_ADDRESS: '::1',
    SEALPOST_ALTERNATIVE_NAMES: '[mail, 192.0.2.7]',
    PATH: '/bin',
  })
  expect(lab).toMatchObject({
    store: { lmdb: '/cwd/data' },
    hostname: '12345',
    domain: 'example.test',
    logLevel: 'debug',
    certificates: { store: '/certs', key: 'rsa-2048' },
    alternativeNames: ['mail', '192.0.2.7'],
    virtualServers: [
      { address: '::1', port: 4025 },
      { address: '::1', port: 4110, tlsPort: 4995 },
    ],
  })
})

test('reports mistakes with the name of the variable, once', () => {
  expect(() => load({ SEALPOST_PORT_OFFSET: '-3', SEALPOST_ADDRESS: 'nowhere' })).toThrow(
    [
      'SEALPOST_PORT_OFFSET: is -3; must be a whole number from 0 to 60000',
      'SEALPOST_ADDRESS: is "nowhere": write an IP address like 127.0.0.1 or ::1',
    ].join('\n'),
  )
})

test('SEALPOST_ADDRESS also applies to default virtual servers', () => {
  const { overrides } = readEnvironment({ SEALPOST_ADDRESS: '0.0.0.0' }, '/')
  const { lab } = loadText('', 'lab.yaml', '/', overrides)
  expect(lab.virtualServers.map(({ address }) => address)).toEqual(Array(4).fill('0.0.0.0'))
})

test('warns about unknown variables but not about those that a container runtime sets', () => {
  const ofKubernetes = { SEALPOST_SERVICE_HOST: 'x', SEALPOST_HTTP_PORT: 'tcp://x', SEALPOST_PORT_25_TCP_ADDR: 'x' }
  const { warnings } = readEnvironment(
    { SEALPOST_PORT_OFSET: '1', SEALPOST_FOO: 'x', SEALPOST_CI: '1', ...ofKubernetes },
    '/',
  )
  expect(warnings).toEqual([
    'SEALPOST_PORT_OFSET: unknown variable, ignored; did you mean SEALPOST_PORT_OFFSET?',
    'SEALPOST_FOO: unknown variable, ignored',
  ])
})

test('reports mistakes inside a value with their path in the value', () => {
  const directory = '{ accounts: [{ user: alice }, { user: bob, password: 3 }] }'
  expect(() => load({ SEALPOST_DIRECTORY: directory })).toThrow(
    [
      'SEALPOST_DIRECTORY: accounts[1].password: is a number; must be text',
      'SEALPOST_DIRECTORY: accounts[0].password: is missing; write password: TEXT, passwordFile: FILE or passwordHash: HASH',
    ].join('\n'),
  )
  expect(() => load({ SEALPOST_STORE: '{ lmbd: /data }' })).toThrow(
    /^SEALPOST_STORE: lmbd: unknown key; did you mean lmdb\?$/,
  )
  expect(() => load({ SEALPOST_STORE: '{ folder: /data, limit: 1 }' })).toThrow(
    [
      'SEALPOST_STORE: folder: unknown key; known here: memory, messages, whenFull, lmdb, size, postgres, password, passwordFile, pool or bodies',
      'SEALPOST_STORE: limit: unknown key; known here: memory, messages, whenFull, lmdb, size, postgres, password, passwordFile, pool or bodies',
    ].join('\n'),
  )
  const certificates = '{ store: certs, key: p255 }'
  expect(() => load({ SEALPOST_CERTIFICATES: certificates })).toThrow(
    'SEALPOST_CERTIFICATES: key: is "p255"; must be rsa-2048',
  )
})
