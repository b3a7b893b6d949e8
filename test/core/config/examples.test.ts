import { cpSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { referenceYaml } from '../../../src/core/config/reference.ts'
import { loadText, readConfigFile } from '../../../src/core/config/yaml.ts'
import { newFolder } from '../../support/folder.ts'

const folder = new URL('../../../config/', import.meta.url)
const examples = readdirSync(folder).filter((name) => name.endsWith('.yaml'))
/** Alone: `npm start` makes the folder `certs` beside that of the project, which is a warning for other files. */
const place = newFolder()
cpSync(fileURLToPath(folder), join(place, 'config'), { recursive: true })
const loadFile = async (file: string) => loadText(await readConfigFile(file), file, dirname(file))

test('finds the example files', () => {
  const named = ['default.yaml', 'outlook-express.yaml', 'reference.yaml', 'strict.yaml', 'two-smtp.yaml']
  expect(examples).toEqual(expect.arrayContaining(named))
})

test.each(examples)('%s is valid, has only expected warnings and names the JSON Schema', async (name) => {
  const file = join(place, 'config', name)
  const { warnings } = await loadFile(file)
  if (name === 'outlook-express.yaml') expect(warnings).toHaveLength(4)
  for (const warning of warnings)
    expect(warning).toMatch(/outlook-express\.yaml:\d+:\d+: .*tls\.legacy: accepts SSL 3\.0/)
  expect(readFileSync(file, 'utf8')).toMatch(/^# yaml-language-server: \$schema=\.\/sealpost\.schema\.json$/m)
})

test('the reference is up to date (npm run config:reference)', () => {
  expect(readFileSync(new URL('reference.yaml', folder), 'utf8')).toBe(referenceYaml())
})

test('the reference is valid with its example keys enabled', () => {
  const active = referenceYaml().replaceAll(
    /^( *)# ((?:\w+): (?!.*[.;]$)\S.*)$/gm,
    (line, indent: string, key: string) =>
      /^(addresses|moderator|port|tlsPort|ciphers|idleTimeout):/.test(key) ? indent + key : line,
  )
  expect(active).toMatch(/^ {4}port: 25$/m)
  expect(active).toMatch(/^ {6}idleTimeout: 10m$/m)
  expect(() => loadText(active, 'reference.yaml', '/')).not.toThrow()
})

test('default.yaml uses the ports that GreenMail users know', async () => {
  const { lab } = await loadFile(fileURLToPath(new URL('default.yaml', folder)))
  expect(lab.virtualServers.map(({ address, port, tlsPort }) => [address, port, tlsPort])).toEqual([
    ['127.0.0.1', 3025, 'off'],
    ['127.0.0.1', 3110, 3995],
    ['127.0.0.1', 3143, 3993],
    ['127.0.0.1', 3119, 3563],
    ['127.0.0.1', 8025, 8443],
  ])
})

test.each(['config/default.yaml', 'docker/config.yaml'])('%s limits single clients', async (name) => {
  const { lab } = await loadFile(fileURLToPath(new URL(`../../../${name}`, import.meta.url)))
  const limits = {
    connectionsPerAddress: 100,
    handshakeTimeout: 10_000,
    logonTimeout: 180_000,
    failedLogonDelay: 'auto',
  }
  for (const server of lab.virtualServers) expect(server.limits).toMatchObject(limits)
})
