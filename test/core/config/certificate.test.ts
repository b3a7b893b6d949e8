import { describe, expect, it } from 'vitest'
import { loadObject } from '../../../src/core/config/load.ts'
import { ConfigError } from '../../../src/core/config/mistakes.ts'
import { certificateText } from '../../../src/core/config/schema/certificate.ts'
import type { LabInput } from '../../../src/core/config/schema.ts'

const accounts = { accounts: [{ user: 'alice', password: 'secret' }] }
const load = (input: LabInput) => loadObject({ directory: accounts, ...input }, '/')
const choicesOf = (input: LabInput) => load(input).lab.virtualServers.map(({ certificate }) => certificate)

describe('certificate:', () => {
  it.each([
    ['auto', { kind: 'auto' }, 'auto'],
    ['assigned', { kind: 'assigned' }, 'assigned'],
    ['none', { kind: 'none' }, 'none'],
    ['Mail 2026', { kind: 'named', name: 'Mail 2026' }, 'Mail 2026'],
    [{ defect: 'expired' }, { kind: 'defect', defect: 'expired' }, '{ defect: expired }'],
    [
      { variant: 'p384', hostname: 'a.test' },
      { kind: 'variant', variant: 'p384', hostname: 'a.test' },
      '{ variant: p384, hostname: a.test }',
    ],
    [
      ['First', { variant: 'rsa' }],
      {
        kind: 'list',
        choices: [
          { kind: 'named', name: 'First' },
          { kind: 'variant', variant: 'rsa' },
        ],
      },
      '[First, { variant: rsa }]',
    ],
  ] as const)('%j is %j', (certificate, choice, text) => {
    const input = { virtualServers: [{ protocol: 'pop3', certificate }] } as LabInput
    expect(choicesOf(input)).toEqual([choice])
    expect(choicesOf(input).map(certificateText)).toEqual([text])
  })

  it('of the lab is used by every virtual server without a certificate key', () => {
    expect(
      choicesOf({
        certificate: { defect: 'expired' },
        virtualServers: [{ protocol: 'smtp' }, { protocol: 'pop3', certificate: 'auto' }],
      }),
    ).toEqual([{ kind: 'defect', defect: 'expired' }, { kind: 'auto' }])
  })

  it.each([
    [{ defect: 'expried' }, /^certificate\.defect: is "expried"; must be .*; did you mean expired\?$/],
    [{ variant: 'p265' }, /^certificate\.variant: is "p265"; must be .*; did you mean p256\?$/],
    [{ defect: 'expired', variant: 'p384' }, /^certificate: is a mapping of defect, variant; must be /],
    [{ variant: 'expired' }, /^certificate\.variant: is "expired"; must be rsa, /],
    [
      { defect: 'expired', host: 'a.test' },
      /^certificate\.host: unknown key; known here: defect, hostname, variant, file or keyFile$/,
    ],
  ])('explains what is wrong with %j', (certificate, words) => {
    const mistakes = (): unknown => {
      try {
        return load({ certificate } as unknown as LabInput)
      } catch (error) {
        return error instanceof ConfigError ? error.message : error
      }
    }
    expect(mistakes()).toMatch(words)
  })
})
