import { afterEach, beforeEach, expect, it } from 'vitest'
import { deprecations } from '../../../src/core/config/deprecated-keys.ts'
import { isRemoved, nextMinor } from '../../../src/core/config/deprecations.ts'
import { readEnvironment } from '../../../src/core/config/environment.ts'
import { loadObject } from '../../../src/core/config/load.ts'
import { ConfigError } from '../../../src/core/config/mistakes.ts'
import type { LabInput } from '../../../src/core/config/schema.ts'
import { loadText } from '../../../src/core/config/yaml.ts'
import { version } from '../../../src/core/text/version.ts'

/** The lines about a configuration: its warnings, or the mistakes if it is refused. */
function linesAbout(load: () => { readonly warnings: readonly string[] }): readonly string[] {
  try {
    return load().warnings.filter((line) => !line.includes('no accounts are listed'))
  } catch (error) {
    if (error instanceof ConfigError) return error.mistakes
    throw error
  }
}

const base = '/nonexistent/lab'
const hint = ' (sealpost config migrate FILE does it)'
const row = {
  mappings: [
    'certificates.default',
    'certificates.default.*',
    'virtualServers.*.certificate',
    'virtualServers.*.certificate.*',
  ],
  from: 'kind',
  to: 'variant',
  since: version,
}

const isDeprecated = `is deprecated since ${version} and will not work in ${nextMinor(version)}; write variant`
const text = `# the certificate
certificates: { default: { "kind": p256, hostname: a.test } }
virtualServers:
  - { protocol: smtp, port: 0 }
  - protocol: imap4
    certificate: [auto, &rsa { kind: rsa }, { defect: expired }]
  - { protocol: pop3, certificate: *rsa }
`

const rows = deprecations as unknown as (typeof row)[]
beforeEach(() => void rows.push(row))
afterEach(() => void rows.pop())

it('names each deprecated key with its place and its present form', () => {
  expect(linesAbout(() => loadText(text, 'lab.yaml', base))).toEqual([
    `lab.yaml:2:28: certificates.default.kind: ${isDeprecated}${hint}`,
    `lab.yaml:6:32: virtualServers[2].certificate.kind: ${isDeprecated}${hint}`,
    `lab.yaml:6:32: virtualServers[1].certificate[1].kind: ${isDeprecated}${hint}`,
  ])
})

it('reads a deprecated key as its present form', () => {
  const { lab, input } = loadText(text, 'lab.yaml', base)
  expect(lab.virtualServers.map(({ certificate }) => certificate)).toMatchObject([
    { kind: 'variant', variant: 'p256', hostname: 'a.test' },
    { kind: 'list', choices: [{ kind: 'auto' }, { kind: 'variant' }, { kind: 'defect', defect: 'expired' }] },
    { kind: 'variant', variant: 'rsa' },
  ])
  expect(input).toMatchObject({ certificates: { default: { variant: 'p256', hostname: 'a.test' } } })
})

it('refuses a key whose time is over', () => {
  rows.splice(-1, 1, { ...row, since: '0.0.1' })
  const lines = linesAbout(() => loadText('certificates: { default: { kind: p256 } }\n', 'lab.yaml', base))
  expect(lines).toEqual([`lab.yaml:1:28: certificates.default.kind: does not work since 0.1.0; write variant${hint}`])
})

it('names the path in an object, and the variable that has the key', () => {
  const input = { certificates: { default: { kind: 'p256' } } } as unknown as LabInput
  expect(linesAbout(() => loadObject(input, base))).toEqual([`certificates.default.kind: ${isDeprecated}`])
  const { overrides } = readEnvironment({ SEALPOST_CERTIFICATES_DEFAULT: '{ kind: ed25519 }' }, base)
  expect(linesAbout(() => loadText('domain: a.test\n', 'lab.yaml', base, overrides))).toEqual([
    `SEALPOST_CERTIFICATES_DEFAULT: kind: ${isDeprecated}`,
  ])
})

it('shows mistakes below a deprecated key where the user has written it', () => {
  const lines = linesAbout(() =>
    loadText('certificates:\n  default:\n    kind: p256\n    host: a.test\n', 'lab.yaml', base),
  )
  expect(lines).toContainEqual(expect.stringMatching(/^lab\.yaml:4:5: certificates\.default\.host: unknown key/))
})

it.each([
  ['0.1.0', false],
  ['0.1.9', false],
  ['0.2.0-rc.1', true],
  ['0.2.0', true],
  ['1.0.0', true],
])('a key that is deprecated since 0.1.0 no longer works in %s: %s', (program, over) => {
  expect(isRemoved({ since: '0.1.0' }, program)).toBe(over)
})

it('refuses a newer version with one line, whatever else the file contains', () => {
  const newer = `version: 2\nunknown: 1\nvirtualServers: []\n`
  const line = `is 2, but Sealpost ${version} supports only version 1; use a newer Sealpost`
  expect(linesAbout(() => loadText(newer, 'lab.yaml', base))).toEqual([`lab.yaml:1:10: version: ${line}`])
  expect(linesAbout(() => loadObject({ version: 2 } as unknown as LabInput, base))).toEqual([`version: ${line}`])
})

it.each([
  ['version: 1', []],
  ['version: "1"', ['lab.yaml:1:10: version: is "1"; must be 1']],
  ['version: 0', ['lab.yaml:1:10: version: is 0; must be 1']],
  ['version: 1.5', ['lab.yaml:1:10: version: is 1.5; must be 1']],
  ['version:', ['lab.yaml:1:9: version: is empty; must be 1']],
])('%s: %j', (line, expected) => {
  expect(linesAbout(() => loadText(`${line}\n`, 'lab.yaml', base))).toEqual(expected)
})

it('SEALPOST_VERSION is not a key of the configuration', () => {
  expect(readEnvironment({ SEALPOST_VERSION: '0.1.0' }, base)).toEqual({ overrides: [], deprecated: [], warnings: [] })
})
