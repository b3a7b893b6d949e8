import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import type { DnsDefectInput } from '../../../src/core/config/schema/dns.ts'
import type { MtaStsDefect } from '../../../src/core/config/schema/mta-sts.ts'
import type { LabInput } from '../../../src/core/config/schema.ts'
import { startLab } from '../../../src/testing/index.ts'
import type { QueueEvent } from '../../../src/transport/outgoing/types.ts'
import type { TlsPolicyReport } from '../../../src/transport/tls-reports/types.ts'
import { newFolder } from '../../support/folder.ts'
import type { MailLab } from '../../support/mail-lab.ts'
import { send, startOutgoingLab } from './support.ts'

/** The other organization: its mail host, its DNS and its policy host are one lab. */
const configuration = (more: LabInput = {}): LabInput => ({
  hostname: 'mx.example.test',
  domain: 'example.test',
  directory: { mode: 'open' },
  dns: { port: 0 },
  virtualServers: [{ protocol: 'smtp' }, { protocol: 'http' }],
  ...more,
})
const folder = newFolder()
const authority = join(folder, 'root.pem')

const other = await startLab(configuration())
writeFileSync(authority, other.ca)
afterAll(() => other.stop())

/** Starts a lab that sends mail by DNS, with no policies in its memory. */
const sender = (tls?: 'dane'): Promise<MailLab> =>
  startOutgoingLab([
    {
      name: 'DNS',
      route: 'dns',
      when: 'automatic',
      resolver: other.dns.server,
      port: other.server('smtp').port,
      policyPort: Number(other.server('http').tlsPort),
      authority,
      ...(tls && { tls }),
    },
  ])

interface Outcome {
  readonly type: QueueEvent['type']
  readonly text: string | undefined
  readonly policies: readonly TlsPolicyReport[]
}

/** Sends a message to the other organization, and returns what became of it and what a TLS report would say. */
async function outcome(lab: MailLab): Promise<Outcome> {
  const { queue, policies } = lab.lab.outgoing
  const settled = new Promise<QueueEvent>((resolve) => {
    queue.watch((event) => {
      if (event.type === 'sent' || event.type === 'deferred' || event.type === 'failed') resolve(event)
    })
  })
  await send(lab, { to: ['bob@example.test'] })
  const { type, results } = await settled
  const [day] = await policies.results.list('example.test')
  return { type, text: results?.[0]?.text, policies: day?.policies ?? [] }
}

/** Changes the other organization, and sends it a message. */
async function outcomeWith(more: LabInput, defect?: DnsDefectInput): Promise<Outcome> {
  await other.reload(configuration(more))
  using _ = defect === undefined ? undefined : other.dns.addDefect(defect)
  await using lab = await sender()
  return await outcome(lab)
}

type Server = Partial<NonNullable<LabInput['virtualServers']>[number]>

const servers = (smtp: Server, http: Server = {}): LabInput => ({
  virtualServers: [
    { ...smtp, protocol: 'smtp' },
    { ...http, protocol: 'http' },
  ],
})

const failed = (policyType: string, resultType: string) => ({
  type: 'deferred',
  policies: [{ policyType, successfulSessions: 0, failedSessions: 1, failures: [{ resultType }] }],
})

/** The other organization serves good certificates, DNS with DNSSEC, and no MTA-STS policy. */
const dane: LabInput = { dns: { port: 0, dnssec: true } }

describe('DANE', () => {
  it.each<[string, DnsDefectInput | undefined, LabInput, object]>([
    [
      'a certificate that TLSA records name',
      undefined,
      {},
      { type: 'sent', policies: [{ policyType: 'tlsa', successfulSessions: 1 }] },
    ],
    [
      'an expired certificate that TLSA records name',
      undefined,
      servers({ certificate: { defect: 'expired' } }),
      { type: 'sent' },
    ],
    ['TLSA records of another certificate', 'mismatching-tlsa', {}, failed('tlsa', 'validation-failure')],
    ['unusable TLSA records', 'unusable-tlsa', {}, { type: 'sent' }],
    [
      'no TLSA records',
      'missing-tlsa',
      {},
      { type: 'sent', policies: [{ policyType: 'no-policy-found', successfulSessions: 1 }] },
    ],
    [
      'TLSA records that cannot be looked up',
      { defect: 'servfail', types: ['TLSA'] },
      {},
      failed('tlsa', 'dnssec-invalid'),
    ],
  ])('%s', async (_, defect, more, expected) => {
    expect(await outcomeWith({ ...dane, ...more }, defect)).toMatchObject(expected)
  })
})

describe('MTA-STS', () => {
  const sent = (failure?: string) => ({
    type: 'sent',
    policies: [
      failure === undefined ? { successfulSessions: 1, failedSessions: 0 } : { failures: [{ resultType: failure }] },
    ],
  })

  it.each<[string, LabInput, object]>([
    ['a good certificate', {}, sent()],
    [
      'an MX that the policy does not name',
      { outgoing: { mtaSts: { mode: 'enforce', mx: ['mx.else.test'] } } },
      failed('sts', 'validation-failure'),
    ],
    ['an expired certificate', servers({ certificate: { defect: 'expired' } }), failed('sts', 'certificate-expired')],
    [
      'a certificate for another host',
      servers({ certificate: { defect: 'wrong-host' } }),
      failed('sts', 'certificate-host-mismatch'),
    ],
    [
      'a certificate of an unknown authority',
      servers({ certificate: { defect: 'untrusted-root' } }),
      failed('sts', 'certificate-not-trusted'),
    ],
    ['no STARTTLS', servers({ certificate: 'none' }), failed('sts', 'starttls-not-supported')],
  ])('enforced: %s', async (_, more, expected) => {
    expect(await outcomeWith({ outgoing: { mtaSts: { mode: 'enforce' } }, ...more })).toMatchObject(expected)
  })

  it('testing: sends in spite of an expired certificate, and counts it', async () => {
    const more = {
      outgoing: { mtaSts: { mode: 'testing' as const } },
      ...servers({ certificate: { defect: 'expired' } }),
    }
    expect(await outcomeWith(more)).toMatchObject(sent('certificate-expired'))
  })

  it.each<[MtaStsDefect, string]>([
    ['not-found', 'sts-policy-fetch-error'],
    ['redirect', 'sts-policy-fetch-error'],
    ['too-large', 'sts-policy-fetch-error'],
    ['wrong-content-type', 'sts-policy-fetch-error'],
    ['missing-mode', 'sts-policy-invalid'],
  ])('a policy with the defect %s is no policy', async (defect, failure) => {
    const { type, policies } = await outcomeWith({ outgoing: { mtaSts: { mode: 'enforce', defect } } })
    expect([type, policies[0]?.failures[0]?.resultType]).toEqual(['sent', failure])
  })

  it('a policy from a host with an expired certificate is no policy', async () => {
    const more = servers({}, { certificate: { defect: 'expired' } })
    const { type, policies } = await outcomeWith({ outgoing: { mtaSts: { mode: 'enforce' } }, ...more })
    expect([type, policies[0]?.failures[0]?.resultType]).toEqual(['sent', 'sts-webpki-invalid'])
  })

  it('a policy that was kept holds when the policy host fails', async () => {
    await other.reload(configuration({ outgoing: { mtaSts: { mode: 'enforce' } } }))
    await using lab = await sender()
    expect((await outcome(lab)).type).toBe('sent')
    const broken = servers({ certificate: { defect: 'expired' } })
    await other.reload(
      configuration({ outgoing: { mtaSts: { mode: 'enforce', maxAge: '1h', defect: 'not-found' } }, ...broken }),
    )
    // Connections are kept for further messages.
    await other.disconnect()
    expect((await outcome(lab)).type).toBe('deferred')
  })
})
