import { afterAll, expect, test } from 'vitest'
import { startHost } from '../outgoing/client/hosts.ts'
import { startOutgoingLab } from '../outgoing/support.ts'

const plain = await startHost({ hide8BITMIME: true })
const eightBit = await startHost()
const to = (name: string, port: number) => ({
  name,
  domains: [`${name}.test`],
  smartHost: { host: '127.0.0.1', port },
  when: 'automatic' as const,
})
const own = await startOutgoingLab([to('plain', plain.port), to('eight', eightBit.port)], {
  config: {
    domain: 'lab.test',
    mail: {
      authentication: {
        check: 'on-demand',
        dkim: [{ domain: 'lab.test' }, { domain: 'lab.test', selector: 'simple', canonicalization: 'simple/simple' }],
      },
    },
  },
})
afterAll(async () => {
  for (const one of [own, plain, eightBit]) await one?.[Symbol.asyncDispose]()
})

test.each([
  ['8-bit data for a host without 8BITMIME', 'gr\xc3\xbc\xc3\x9fe =\r\n', '\r\n'],
  ['bare LFs', 'one  two\nthree \n\n', '\n'],
  ['bare LFs and CRs, without a line end at the end', 'one\rtwo\nthr\r\nee', '\n'],
])('the signatures of the lab are those of what is sent: %s', async (name, body, end) => {
  const header = [
    'From: alice@lab.test',
    'To: bob@other.test',
    `Subject: ${name}`,
    'MIME-Version: 1.0',
    'Content-Type: text/plain',
    '',
    '',
  ]
  const raw = Buffer.from(header.join(end) + body, 'latin1')
  await own.lab.deliver({ from: 'alice@lab.test', to: ['bob@plain.test', 'bob@eight.test'], raw })
  for (const host of [plain, eightBit]) {
    const got = () => host.received.find((one) => one.raw.includes(name))?.raw
    await expect.poll(got, { timeout: 20_000 }).toBeDefined()
    const sent = Buffer.from(got() ?? '', 'latin1')
    const { dkim } = (await own.lab.mailAuthentication.check([sent], { mailFrom: 'alice@lab.test' })) ?? {}
    expect(dkim?.map(({ result, reason }) => [result, reason])).toEqual([
      ['pass', undefined],
      ['pass', undefined],
    ])
  }
})
