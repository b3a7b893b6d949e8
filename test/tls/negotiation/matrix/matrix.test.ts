import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { serverProtocols } from '../../../../src/core/config/schema.ts'
import { startLab } from '../../../../src/testing/start-lab.ts'
import type { TestLab } from '../../../../src/testing/test-lab.ts'
import { newFolder } from '../../../support/folder.ts'
import { needs } from '../../../support/programs.ts'
import { some } from '../../../support/thorough.ts'
import { clients, type Endpoint } from './clients.ts'
import { type Offer, offers, outcome, type Policy, policies, tableText } from './table.ts'

const isLong = process.env.SEALPOST_LONG === '1'
const available = { openssl: true, node: true, gnutls: needs('gnutls-cli'), curl: needs('curl') }
const folder = newFolder()

/** Every protocol with the ways to start TLS in it. */
const ways = serverProtocols.flatMap((protocol): Pick<Cell, 'protocol' | 'form'>[] => [
  { protocol, form: 'implicit' },
  ...(protocol === 'http' ? [] : [{ protocol, form: 'STARTTLS' } as const]),
])

interface Cell {
  readonly offer: Offer
  readonly client: keyof typeof clients
  readonly protocol: Endpoint['protocol']
  readonly form: Endpoint['form']
}

/** Every combination. The short form takes each offer once per policy, with another client, protocol and form each time. */
function cells(shift: number): Cell[] {
  const names = (Object.keys(clients) as (keyof typeof clients)[]).filter((name) => available[name])
  return offers.flatMap((offer, index) => {
    const all = ways.flatMap((way) =>
      names.filter((name) => clients[name].can(offer, way.protocol)).map((client) => ({ offer, client, ...way })),
    )
    const one = all[(index * 5 + shift * 3) % Math.max(all.length, 1)]
    return isLong ? all : one ? [one] : []
  })
}

async function check(
  lab: TestLab,
  caFile: string,
  policy: Policy,
  { offer, client, protocol, form }: Cell,
): Promise<void> {
  const server = lab.server(protocol)
  const port = (form === 'implicit' ? server.tlsPort : server.port) as number
  const known = lab.sessions().length
  const where = `${client} ${protocol} ${form} ${offer.version} ${offer.suite}`
  const completed = await clients[client].connect(offer, { protocol, port, form, caFile, ca: lab.ca })
  await expect.poll(() => lab.sessions()[known]?.endedAt, { message: where }).toBeDefined()
  const record = lab.sessions()[known]
  const expected = outcome(policy, offer)
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
  test.each(
    some(
      Object.entries(policies).map(([name, policy], shift) => ({ name, policy, shift })),
      5,
    ),
  )('$name', { timeout: isLong ? 300_000 : 60_000 }, async ({ policy, shift }) => {
    await using lab = await startLab({
      certificates: { store: 'memory', key: 'rsa-2048' },
      virtualServers: serverProtocols.map((protocol) => ({ protocol, tlsPort: 0, ...policy.settings })),
    })
    const caFile = join(folder, `${shift}.pem`)
    writeFileSync(caFile, lab.ca)
    for (const cell of cells(shift)) await check(lab, caFile, policy, cell)
  })

  test('the expected outcomes are those of the table', async () => {
    await expect(tableText()).toMatchFileSnapshot('table.txt')
  })
})
