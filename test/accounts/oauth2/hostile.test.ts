import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseOAuthBearer, parseXOAuth2 } from '../../../src/accounts/directory/sasl/oauth-messages.ts'
import { openQuietLab } from '../../../src/lab/create-lab.ts'
import { resolveForTests } from '../../../src/testing/open-test-lab.ts'

const name = fc.string({ minLength: 1, unit: 'grapheme-ascii' }).filter((text) => !/[\x01\r\n]/.test(text))
const token = fc.stringMatching(/^[A-Za-z0-9._~+/-]{1,40}$/)

test('both messages are read as clients write them, whatever the name', () => {
  fc.assert(
    fc.property(name, token, (user, given) => {
      expect(parseXOAuth2(`user=${user}\x01auth=Bearer ${given}\x01\x01`)).toEqual({ user, token: given })
      const saslName = user.replaceAll('=', '=3D').replaceAll(',', '=2C')
      expect(parseOAuthBearer(`n,a=${saslName},\x01auth=Bearer ${given}\x01\x01`)).toEqual({ user, token: given })
    }),
  )
})

test('headers and claims of other types than a token has are refused', async () => {
  await using lab = await openQuietLab(await resolveForTests({ virtualServers: [{ protocol: 'imap4' }] }))
  const part = (json: string): string => Buffer.from(json).toString('base64url')
  const tokenOf = (header: string, claims: string): string => `${part(header)}.${part(claims)}.AAAA`
  const ownIssuer = `{"iss":${JSON.stringify(lab.oauth2.settings.issuer)}}`
  const nested = `{"iss":${'['.repeat(5500)}${']'.repeat(5500)}}`
  for (const alg of ['5', 'null', '{}', '["none"]']) {
    expect((await lab.oauth2.tokens.verify(tokenOf(`{"alg":${alg}}`, ownIssuer))).kind).toBe('refused')
  }
  expect(await lab.oauth2.tokens.verify(tokenOf('{"alg":"RS256"}', nested))).toMatchObject({
    refusal: { reason: 'wrong-issuer' },
  })
})

test('no message and no token makes the lab fail', async () => {
  await using lab = await openQuietLab(await resolveForTests({ virtualServers: [{ protocol: 'imap4' }] }))
  const { accessToken } = await lab.oauth2.tokens.issue({ user: 'alice' })
  const [header = '', payload = '', signature = ''] = accessToken.split('.')
  const json = fc.json().map((text) => Buffer.from(text).toString('base64url'))
  const part = fc.oneof(json, fc.string(), fc.constantFrom(header, payload, signature))
  await fc.assert(
    fc.asyncProperty(fc.array(part, { maxLength: 5 }), fc.string(), async (parts, text) => {
      const made = parts.join('.')
      const { kind } = await lab.oauth2.tokens.verify(made)
      expect(kind).toBe(made === accessToken ? 'valid' : 'refused')
      for (const parse of [parseXOAuth2, parseOAuthBearer]) expect(() => parse(text)).not.toThrow()
    }),
  )
  await fc.assert(
    fc.asyncProperty(fc.nat(accessToken.length - 2), fc.constantFrom('A', '.', '_', ' ', '\0'), async (at, other) => {
      fc.pre(accessToken[at] !== other)
      const changed = accessToken.slice(0, at) + other + accessToken.slice(at + 1)
      expect((await lab.oauth2.tokens.verify(changed)).kind).toBe('refused')
    }),
  )
})
