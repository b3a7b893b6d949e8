import dns from 'node:dns'
import net from 'node:net'
import { afterEach, expect, test, vi } from 'vitest'
import { authenticationWith } from './authentication.ts'

afterEach(() => vi.restoreAllMocks())

test('nobody outside is asked, whatever the message and the records name', async () => {
  const asked = [
    vi.spyOn(net.Socket.prototype, 'connect'),
    vi.spyOn(dns, 'lookup'),
    vi.spyOn(dns, 'resolve'),
    vi.spyOn(dns.promises, 'resolve'),
    vi.spyOn(dns.promises, 'resolveTxt'),
  ]
  const lab = authenticationWith({
    records: {
      'example.test': {
        txt: [
          'v=spf1 a:outside.example mx:outside.example include:outside.example ptr exists:%{i}.outside.example ip4:192.0.2.7 -all',
        ],
      },
      '_dmarc.example.test': { txt: ['v=DMARC1; p=reject; rua=mailto:a@outside.example'] },
      'default._bimi.example.test': {
        txt: ['v=BIMI1; l=https://outside.example/logo.svg; a=https://outside.example/vmc.pem'],
      },
    },
    dkim: [{ domain: 'example.test', algorithm: 'ed25519' }],
    arc: { domain: 'relay.test' },
  })
  const client = { address: '192.0.2.7', helo: 'outside.example' }
  const own = Buffer.from('From: a@example.test\r\n\r\nHello\r\n')
  const signed = Buffer.concat([await lab.signOutgoing([own]), own])
  const foreign = Buffer.from(
    'DKIM-Signature: v=1; a=rsa-sha256; d=outside.example; s=a; h=from; bh=eA==; b=eA==\r\nFrom: a@outside.example\r\n\r\nHello\r\n',
  )
  const sealed = Buffer.concat([await lab.signOutgoing([foreign], { mailFrom: '', client }), foreign])
  const results = await lab.check([signed], { mailFrom: 'a@example.test', client })
  expect(results).toMatchObject({
    dkim: [{ result: 'pass' }],
    dmarc: { result: 'pass' },
    bimi: { result: 'pass', authority: 'https://outside.example/vmc.pem' },
  })
  expect(await lab.check([sealed], { mailFrom: 'a@outside.example', client })).toMatchObject({
    spf: { result: 'none' },
    dkim: [{ result: 'permerror', reason: 'no key at a._domainkey.outside.example' }],
    dmarc: { result: 'none' },
    arc: { result: 'pass', instance: 1 },
  })
  for (const spy of asked) expect(spy).not.toHaveBeenCalled()
})
