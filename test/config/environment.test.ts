import { expect, test } from 'vitest'
import { readEnvironment } from '../../src/config/environment.ts'
import { inlineConfiguration } from '../../src/config/inline.ts'
import { loadText } from '../../src/config/yaml.ts'

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

test('mistakes in them are told by the name of the variable, once', () => {
  expect(() => load({ SEALPOST_PORT_OFFSET: '-3', SEALPOST_ADDRESS: 'nowhere' })).toThrow(
    [
      'SEALPOST_PORT_OFFSET: is -3; must be a whole number from 0 to 60000',
      'SEALPOST_ADDRESS: is "nowhere": write an IP address like 127.0.0.1 or ::1',
    ].join('\n'),
  )
})

test('an address applies to the virtual servers a file does not name', () => {
  const { overrides } = readEnvironment({ SEALPOST_ADDRESS: '0.0.0.0' }, '/')
  const { lab } = loadText('', 'lab.yaml', '/', overrides)
  expect(lab.virtualServers.map(({ address }) => address)).toEqual(Array(4).fill('0.0.0.0'))
})

test('misspelt variables are warned of, what a container runtime sets is not', () => {
  const { warnings } = readEnvironment({ SEALPOST_PORT_OFSET: '1', SEALPOST_SERVICE_HOST: 'x', SEALPOST_CI: '1' }, '/')
  expect(warnings).toEqual(['SEALPOST_PORT_OFSET: unknown variable, ignored; did you mean SEALPOST_PORT_OFFSET?'])
})

test('a whole configuration comes as YAML or as base64 of it', () => {
  const inline = (text: string) => inlineConfiguration({ SEALPOST_CONFIG: text })
  expect(inline(file)).toBe(file)
  expect(inline(Buffer.from(file).toString('base64'))).toBe(file)
})
