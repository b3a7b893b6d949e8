import { AssertionError } from 'node:assert'
import { expect } from 'vitest'
import { type LabInput, startLab } from '../../../src/testing/index.ts'
import { assertPassesDkim, assertPassesDmarc, assertPassesSpf } from '../../../src/testing/runners/assertions.ts'
import { labTest } from '../../../src/testing/runners/vitest.ts'
import { sendFrom } from './smtp-client.ts'

const configuration: LabInput = {
  mail: {
    authentication: {
      records: {
        'example.test': { txt: ['v=spf1 ip4:192.0.2.7 -all'] },
        '_dmarc.example.test': { txt: ['v=DMARC1; p=reject'] },
      },
    },
  },
  virtualServers: [{ protocol: 'smtp', certificate: 'none', xclient: { from: ['127.0.0.1'] } }],
}
const test = labTest(configuration)

const message = 'From: shop@example.test\r\nTo: alice@lab.test\r\nSubject: Hi\r\n\r\nHello'

test('waits return messages with the results, which matchers read', async ({ lab }) => {
  await lab.reset()
  const port = lab.server('smtp').port ?? 0
  await sendFrom({ port, address: '192.0.2.7', from: 'bounce@example.test', message })
  const mail = await lab.waitForMessage()
  expect(mail.authentication).toMatchObject({ spf: { result: 'pass' }, dkim: [], dmarc: { result: 'pass' } })
  expect(mail.toJSON().authentication).toEqual(mail.authentication)
  expect((await lab.messages())[0]?.authentication).toEqual(mail.authentication)
  expect(mail).toPassDmarc()
  expect(mail).toPassSpf()
  expect(mail).not.toPassDkim()
  assertPassesDmarc(mail)
  assertPassesSpf(mail)
  expect(() => expect(mail).toPassDkim({ domain: 'example.test' })).toThrow(
    'expected a valid DKIM signature of example.test: no DKIM signature',
  )
  expect(() => assertPassesDkim(mail)).toThrow(AssertionError)
  expect(() => expect(Promise.resolve(mail) as never).toPassDmarc()).toThrow('is an await missing?')
})

test('a failure says what SPF and DKIM found', async ({ lab }) => {
  await lab.reset()
  const port = lab.server('smtp').port ?? 0
  await sendFrom({ port, address: '192.0.2.9', from: 'bounce@example.test', message })
  const mail = await lab.waitForMessage()
  expect(() => expect(mail).toPassDmarc()).toThrow(
    'expected DMARC to pass: dmarc=fail (neither SPF nor DKIM passes for example.test) for example.test; spf=fail (domain of ' +
      'bounce@example.test does not designate 192.0.2.9 as permitted sender) for example.test; no DKIM signature',
  )
})

test('a message without a client has no SPF result', async () => {
  await using lab = await startLab(configuration)
  await lab.deliver(message, 'alice')
  const mail = await lab.waitForMessage()
  expect(mail.authentication).toMatchObject({ spf: { result: 'none' }, dmarc: { result: 'fail' } })
  await lab.reload({ mail: { authentication: { check: 'off' } } })
  const [unchecked] = await lab.messages()
  expect(unchecked?.authentication).toBeUndefined()
  expect(() => expect(unchecked as never).toPassDmarc()).toThrow('was not checked')
})
