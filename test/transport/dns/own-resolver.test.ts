import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { parsePart } from '../../../src/core/config/issues.ts'
import { resolveLab } from '../../../src/core/config/resolve.ts'
import { labSchema } from '../../../src/core/config/schema.ts'
import { openQuietLab } from '../../../src/lab/create-lab.ts'
import type { Lab } from '../../../src/lab/lab.ts'
import { remoteResolver } from '../../../src/transport/dns/remote.ts'
import type { Resolver } from '../../../src/transport/dns/resolver.ts'

let lab: Lab
beforeAll(async () => {
  const config = parsePart(labSchema, {
    hostname: 'mail.lab.test',
    certificates: 'memory',
    virtualServers: [{ protocol: 'smtp', port: 0 }],
    dns: {
      port: 0,
      dnssec: true,
      zones: {
        'example.test': {
          records: ['@ MX 10 alias', 'alias CNAME mx', 'mx A 127.0.0.1', 'mx AAAA ::1', 'null MX 0 .'],
        },
        'plain.test': { dnssec: false, records: ['@ A 127.0.0.1', 'signed CNAME mx.example.test.'] },
      },
    },
  })
  lab = await openQuietLab(resolveLab(config, '/'))
})
afterEach(() => lab.reset())
afterAll(() => lab.stop())

const OWN = 'the resolver of the lab'

describe.each([OWN, 'a resolver that asks the server'])('%s', (kind) => {
  const resolver = (timeoutMs = 5000): Resolver => {
    if (kind === OWN) return lab.dns.resolver as Resolver
    const { address: host = '', port = 0 } = lab.dns.endpoint ?? {}
    return remoteResolver({ host, port, timeoutMs, attempts: 1 })
  }

  test('finds the host of a domain, its addresses and TLSA records, all authenticated', async () => {
    expect(await resolver().mx('lab.test')).toMatchObject({
      records: [{ preference: 10, exchange: 'mail.lab.test' }],
      authenticated: true,
    })
    expect(await resolver().addresses('mail.lab.test')).toMatchObject({ records: ['127.0.0.1'], authenticated: true })
    expect(await resolver().tlsa('_25._tcp.mail.lab.test')).toMatchObject({
      records: [{ usage: 3, selector: 1, matchingType: 1 }],
      authenticated: true,
    })
  })

  test('follows aliases, and says to which name they lead', async () => {
    expect(await resolver().addresses('alias.example.test')).toMatchObject({
      records: ['127.0.0.1', '::1'],
      canonicalName: 'mx.example.test',
      authenticated: true,
    })
  })

  test('authenticates nothing that a zone without signatures leads to', async () => {
    expect(await resolver().addresses('plain.test')).toMatchObject({ authenticated: false })
    expect(await resolver().addresses('signed.plain.test')).toMatchObject({
      authenticated: false,
      canonicalName: 'mx.example.test',
    })
  })

  test('tells a null MX, NXDOMAIN and NODATA apart', async () => {
    expect((await resolver().mx('null.example.test')).records).toEqual([{ preference: 0, exchange: '' }])
    const denied = { authenticated: true, isPermanent: true }
    await expect(resolver().mx('no.example.test')).rejects.toMatchObject({ code: 'NXDOMAIN', ...denied })
    await expect(resolver().mx('mx.example.test')).rejects.toMatchObject({ code: 'NODATA', ...denied })
    await expect(resolver().mx('elsewhere.invalid')).rejects.toMatchObject({ code: 'REFUSED', isPermanent: false })
  })

  test.each([
    ['servfail', 'SERVFAIL'],
    ['refused', 'REFUSED'],
    ['lame', 'BADRESPONSE'],
    ['bogus-signature', 'SERVFAIL'],
    ['expired-signature', 'SERVFAIL'],
  ] as const)('%s: %s', async (defect, code) => {
    lab.dns.names?.addDefect('lab.test', { defect })
    await expect(resolver().mx('lab.test')).rejects.toMatchObject({ code })
  })

  test('silent: TIMEOUT', async () => {
    lab.dns.names?.addDefect('lab.test', { defect: 'silent' })
    await expect(resolver(200).mx('lab.test')).rejects.toMatchObject({ code: 'TIMEOUT' })
  })

  test('truncated: the answer, by TCP', async () => {
    lab.dns.names?.addDefect('lab.test', { defect: 'truncated' })
    expect((await resolver().mx('lab.test')).records).toHaveLength(1)
  })
})
