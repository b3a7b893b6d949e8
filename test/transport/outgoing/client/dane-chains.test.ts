import type { KeyObject, X509Certificate } from 'node:crypto'
import { expect, it } from 'vitest'
import { certificatePem, createCertificate, type Issuer } from '../../../../src/tls/pki/certificate/certificate.ts'
import * as ext from '../../../../src/tls/pki/certificate/extensions.ts'
import { generalName } from '../../../../src/tls/pki/certificate/names.ts'
import { generateKey, privateKeyPem } from '../../../../src/tls/pki/keys.ts'
import { startHost } from './hosts.ts'
import { hopTo, Sender } from './sender.ts'

const DAY_MS = 86_400_000

interface Made {
  readonly key: KeyObject
  readonly certificate: X509Certificate
}

/** Issues a certificate that is valid for a day before and `days` days after now. */
function issue(name: string, key: KeyObject, issuer: Issuer, { isAuthority = false, days = 1 } = {}): Made {
  const certificate = createCertificate(
    {
      subject: [{ type: 'CN', value: name }],
      publicKey: ext.publicKeyInfo(key),
      notBefore: new Date(Date.now() - 10 * DAY_MS),
      notAfter: new Date(Date.now() + days * DAY_MS),
      // No key usage: it would keep OpenSSL from taking a host for an issuer.
      extensions: [
        isAuthority ? ext.authorityConstraints() : ext.endEntityConstraints(),
        ext.subjectAltName([generalName(name)]),
      ],
    },
    issuer,
  )
  return { key, certificate }
}

const [anchorKey, hostKey, otherKey] = await Promise.all([
  generateKey('p256'),
  generateKey('p256'),
  generateKey('p256'),
])
const anchor = issue('anchor.test', anchorKey, { key: anchorKey, certificate: 'self' }, { isAuthority: true })

/** Sends a message to a host with a chain, whose TLSA record 2 0 0 names the last certificate of it. */
async function outcome(chain: readonly [Made, ...Made[]]) {
  const cert = chain.map(({ certificate }) => certificatePem(certificate)).join('')
  await using host = await startHost({}, { key: privateKeyPem(chain[0].key), cert })
  await using sender = new Sender()
  const data = (chain.at(-1) as Made).certificate.raw
  const tlsa = [{ usage: 2, selector: 0, matchingType: 0, data }]
  const result = await sender.sendOne(hopTo(host.port, { tls: 'dane', policy: 'dane', tlsa }))
  return { ...result, received: host.received.length }
}

it('takes a certificate that the trust anchor issued', async () => {
  expect(await outcome([issue('localhost', hostKey, anchor), anchor])).toMatchObject({ kind: 'sent', received: 1 })
})

const refused = { kind: 'deferred', enhancedCode: '4.7.5', received: 0 }

it('refuses a certificate that only names the trust anchor as its issuer', async () => {
  const forged = issue('localhost', hostKey, { key: otherKey, certificate: anchor.certificate })
  expect(await outcome([forged, anchor])).toMatchObject(refused)
})

it('refuses a certificate that another host issued with its own', async () => {
  const elsewhere = issue('elsewhere.test', otherKey, anchor)
  expect(await outcome([issue('localhost', hostKey, elsewhere), elsewhere, anchor])).toMatchObject(refused)
})

it('refuses a trust anchor that has expired', async () => {
  const self = { key: otherKey, certificate: 'self' } as const
  const expired = issue('old.test', otherKey, self, { isAuthority: true, days: -1 })
  expect(await outcome([issue('localhost', hostKey, expired), expired])).toMatchObject(refused)
})
