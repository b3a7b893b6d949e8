import { describe, expect, test } from 'vitest'
import { startLab } from '../../../src/testing/start-lab.ts'
import type { TestLab } from '../../../src/testing/test-lab.ts'
import { needs } from '../../support/programs.ts'
import { type Endpoint, gnutls, openssl } from './clients.ts'
import { type Offer, offers, outcome, type Policy, policies, tableText } from './table.ts'

const protocols = ['smtp', 'pop3', 'imap4', 'nntp'] as const
const forms = ['implicit', 'STARTTLS'] as const
const clients = { openssl, gnutls }
const isLong = process.env.SEALPOST_LONG === '1'
const hasGnutls = needs('gnutls-cli')

interface Cell {
  readonly offer: Offer
  readonly client: keyof typeof clients
  readonly protocol: Endpoint['protocol']
  readonly form: Endpoint['form']
}

/** Every combination. The short form takes each offer once per policy, with another client, protocol and form each time. */
function cells(shift: number): Cell[] {
  const ways = protocols.flatMap((protocol) => forms.map((form) => ({ protocol, form })))
  return offers.flatMap((offer, index) => {
    const able = (['openssl', 'gnutls'] as const).filter((name) => offer[name] && (name === 'openssl' || hasGnutls))
    const all = able.flatMap((client) => ways.map((way) => ({ offer, client, ...way })))
    const one = all[(index * 5 + shift * 3) % Math.max(all.length, 1)]
    return isLong ? all : one ? [one] : []
  })
}

async function check(lab: TestLab, policy: Policy, { offer, client, protocol, form }: Cell): Promise<void> {
  const server = lab.server(protocol)
  const port = (form === 'implicit' ? server.tlsPort : server.port) as number
  const known = lab.sessions().length
  const completed = await clients[client](offer, { protocol, port, form })
  await expect.poll(() => lab.sessions()[known]?.endedAt).toBeDefined()
  const record = lab.sessions()[known]
  const expected = outcome(policy, offer)
  const where = `${client} ${protocol} ${form} ${offer.version} ${offer.suite}`
  if (expected === 'served') {
    expect([where, record?.refusals, record?.tls?.version, record?.tls?.cipher]).toEqual([
      where,
      [],
      offer.version,
      offer.suite,
    ])
    expect([where, completed]).toEqual([where, true])
  } else {
    expect([where, record?.refusals.join(), completed]).toEqual([where, expect.stringContaining(expected), false])
  }
}

describe('suite × version × protocol × form × policy', () => {
  test.each(Object.entries(policies).map(([name, policy], shift) => ({ name, policy, shift })))(
    '$name',
    { timeout: isLong ? 300_000 : 60_000 },
    async ({ policy, shift }) => {
      await using lab = await startLab({
        certificates: { store: 'memory', key: 'rsa-2048' },
        virtualServers: protocols.map((protocol) => ({ protocol, tlsPort: 0, ...policy.settings })),
      })
      for (const cell of cells(shift)) await check(lab, policy, cell)
    },
  )

  test('the expected outcomes are those of the table', async () => {
    await expect(tableText()).toMatchFileSnapshot('table.txt')
  })
})
