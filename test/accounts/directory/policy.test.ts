import { describe, expect, test } from 'vitest'
import { type LogonPolicy, logonPolicy } from '../../../src/accounts/directory/policy.ts'
import { saslMechanisms } from '../../../src/accounts/directory/sasl/mechanisms.ts'
import type { AuthenticationMethod } from '../../../src/core/config/schema/authentication.ts'
import { passwordFormOf } from '../../../src/core/config/schema/authentication.ts'
import { basicMechanisms } from '../../support/basic-mechanisms.ts'

const policy = (
  authentication: AuthenticationMethod[],
  requireSecureChannel: boolean,
  secure: boolean,
  mode: 'listed' | 'open' = 'listed',
  externalIdentity?: string,
): LogonPolicy =>
  logonPolicy(
    { authentication, requireSecureChannel },
    { knowsPasswords: () => mode === 'listed' },
    { secure, externalIdentity },
  )

const passwordMechanisms = basicMechanisms(false)

describe('what a connection may do', () => {
  test.each([
    // authentication, secure channel required, under TLS → channel, log-on
    [['anonymous', 'basic'], false, false, 'yes', 'yes'],
    [['anonymous', 'basic'], true, false, 'needs-tls', 'needs-tls'],
    [['anonymous', 'basic'], true, true, 'yes', 'yes'],
    [['basic-over-tls'], false, false, 'yes', 'needs-tls'],
    [['basic-over-tls'], false, true, 'yes', 'yes'],
    [['basic-over-tls'], true, false, 'needs-tls', 'needs-tls'],
    [['anonymous'], false, true, 'yes', 'no'],
    [['anonymous'], true, false, 'needs-tls', 'no'],
    [['basic', 'basic-over-tls'], false, false, 'yes', 'yes'],
  ] as const)('%j, required %s, secure %s: channel %s, log-on %s', (methods, required, secure, channel, logon) => {
    const found = policy([...methods], required, secure)
    expect(found).toMatchObject({ channel, logon })
    expect(found.mechanisms).toEqual(logon === 'yes' ? passwordMechanisms : [])
  })

  test('a mechanism that is named is offered beside the others, or alone', () => {
    expect(policy(['cram-md5'], false, false)).toMatchObject({ logon: 'no', mechanisms: ['CRAM-MD5'] })
    expect(policy(['basic-over-tls', 'cram-md5'], false, false)).toMatchObject({
      logon: 'needs-tls',
      mechanisms: ['CRAM-MD5'],
      mechanismsOverTls: expect.arrayContaining(['PLAIN', 'LOGIN', 'SCRAM-SHA-256']),
    })
  })

  test('where a secure channel is required, a named mechanism is offered only over TLS', () => {
    expect(policy(['cram-md5'], true, false)).toMatchObject({ mechanisms: [], mechanismsOverTls: ['CRAM-MD5'] })
  })
})

test('the configuration knows what each mechanism needs to know of passwords', () => {
  const named = saslMechanisms.filter(({ method }) => method !== undefined)
  const found = named.map(({ name, method, needs }) => [name, passwordFormOf(method as string) ?? needs])
  expect(found).toEqual(named.map(({ name, needs }) => [name, needs]))
})
