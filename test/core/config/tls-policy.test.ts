import { describe, expect, test } from 'vitest'
import { loadObject } from '../../../src/core/config/load.ts'
import { supportsGroup, unknownCiphers } from '../../../src/core/config/openssl.ts'
import type { VirtualServerInput } from '../../../src/core/config/schema.ts'
import { isBelow128Bits } from '../../../src/core/config/tls-names.ts'
import { tlsPolicies } from '../../../src/core/config/tls-policies.ts'
import { countedBits, legacySuites } from '../../../src/tls/legacy/suites.ts'

type TlsInput = NonNullable<VirtualServerInput['tls']>

function load(tls: TlsInput) {
  const { lab, warnings } = loadObject({ virtualServers: [{ protocol: 'smtp', tls }] }, '.')
  return { tls: lab.virtualServers[0]?.tls, warnings: warnings.filter((line) => line.includes('.tls')) }
}

describe('a named policy', () => {
  test('sets the keys that the configuration does not', () => {
    expect(load({})).toMatchObject({ tls: { minVersion: 'TLSv1.2', maxVersion: 'TLSv1.3', legacy: 'off' } })
    expect(load({}).tls).toMatchObject({ ciphers: undefined, groups: undefined })
    expect(load({ policy: 'modern' }).tls).toMatchObject({ minVersion: 'TLSv1.3', maxVersion: 'TLSv1.3' })
    expect(load({ policy: 'outlook-express' }).tls).toMatchObject({ minVersion: 'TLSv1.2', legacy: true })
    expect(load({ policy: 'old', minVersion: 'TLSv1.1', groups: ['P-384'] }).tls).toMatchObject({
      minVersion: 'TLSv1.1',
      ciphers: expect.stringMatching(/AES256-SHA$/),
      groups: ['P-384'],
    })
    expect(load({ policy: 'outlook-express', legacy: 'off' }).tls).toMatchObject({ legacy: 'off' })
  })

  test('leaves out the groups that this Node.js lacks', () => {
    const expected = ['X25519', 'prime256v1', 'secp384r1']
    const hybrid = supportsGroup('X25519MLKEM768') ? ['X25519MLKEM768'] : []
    expect(load({ policy: 'intermediate' }).tls?.groups).toEqual([...hybrid, ...expected])
    expect(load({ policy: 'old' }).tls?.groups).toEqual(expected)
  })

  test.each(Object.entries(tlsPolicies))('%s names only suites that exist', (_, policy) => {
    const ciphers = 'ciphers' in policy ? policy.ciphers : []
    expect(ciphers.flatMap(unknownCiphers)).toEqual([])
    expect(new Set(ciphers).size).toBe(ciphers.length)
  })
})

describe('warnings', () => {
  test('name the parts of a cipher string that have no effect', () => {
    expect(load({ ciphers: 'AES128-SHA:RC4-SHA:!MD5:DES-CBC3-SHA@SECLEVEL=0' }).warnings).toEqual([
      expect.stringMatching(
        /^virtualServers\[0\]\.tls\.ciphers: RC4-SHA, DES-CBC3-SHA: Node\.js .* has no such suites/,
      ),
    ])
    expect(load({ ciphers: 'ECDHE+AESGCM:HIGH:@STRENGTH:-AES128-SHA' }).warnings).toEqual([])
  })

  test.skipIf(!supportsGroup('X25519MLKEM768'))('say that TLS 1.2 has no post-quantum groups', () => {
    const groups = ['X25519MLKEM768']
    expect(load({ groups }).warnings).toEqual([expect.stringMatching(/tls\.groups: only TLS 1\.3 has these groups/)])
    expect(load({ groups, minVersion: 'TLSv1.3' }).warnings).toEqual([])
  })
})

test('the strength of a suite for old clients is that of the engine', () => {
  for (const suite of legacySuites) {
    for (const strength of ['nominal', 'effective'] as const) {
      expect([suite.name, strength, isBelow128Bits(suite.name, strength)]).toEqual([
        suite.name,
        strength,
        countedBits(suite, strength) < 128,
      ])
    }
  }
})
