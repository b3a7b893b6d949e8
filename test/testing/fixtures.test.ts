import { ImapFlow } from 'imapflow'
import nodemailer from 'nodemailer'
import { expectTypeOf } from 'vitest'
import type { LabMessage, Tenant, TestLab } from '../../src/testing/index.ts'
import { expect, labTest, test } from '../../src/testing/runners/vitest.ts'

const send = async (tenant: Tenant, subject: string): Promise<void> => {
  const transport = nodemailer.createTransport(tenant.nodemailer('alice'))
  await transport.sendMail({ from: tenant.address('alice'), to: tenant.address('bob'), subject, text: 'hello' })
  transport.close()
}

for (const n of Array.from({ length: 8 }, (_, index) => index)) {
  test.concurrent(`concurrent tenants of one lab do not see each other: ${n}`, async ({ tenant }) => {
    await send(tenant, `number ${n}`)
    const mail = await tenant.waitForMessage({ to: 'bob' })
    expect(mail.subject).toBe(`number ${n}`)
    expect(await tenant.messages()).toHaveLength(1)
    const client = new ImapFlow(tenant.imapflow('bob'))
    await client.connect()
    expect(await client.status('INBOX', { messages: true })).toMatchObject({ messages: 1 })
    await client.logout()
  })
}

test('a tenant has its own newsgroups and its own mail to other domains', async ({ lab, tenant }) => {
  expect(await tenant.createNewsgroup('general')).toBe(`${tenant.name}.general`)
  expect(await tenant.articles('general')).toEqual([])
  const transport = nodemailer.createTransport(tenant.nodemailer('alice'))
  await transport.sendMail({ from: tenant.address('alice'), to: 'far@example.org', subject: 'far', text: 'hello' })
  transport.close()
  expect((await tenant.messages()).map(({ subject }) => subject)).toEqual(['far'])
  expect(await lab.tenant().messages()).toEqual([])
  await tenant.clear()
  await expect(tenant.articles('general')).rejects.toThrow('no newsgroup')
})

test('matchers', async ({ tenant }) => {
  await expect(tenant).not.toHaveReceived({ subject: 'welcome' })
  await send(tenant, 'welcome')
  await expect(tenant).toHaveReceived({ to: 'bob', subject: 'welcome' })
  const mail = await tenant.waitForMessage()
  expect(mail).toHaveBeenEncrypted({ version: 'TLSv1.3', bits: 256 })
  expect(() => expect(mail).not.toHaveBeenEncrypted()).toThrow('expected less than TLS with 128 bits')
  await expect(async () => expect(tenant).toHaveReceived({ subject: 'other' }, { timeout: 1 })).rejects.toThrow(
    /no message with subject "other"[^]*messages that arrived:[^]*"welcome"/,
  )
  await tenant.deliver({ subject: 'without a session' }, 'bob')
  const other = await tenant.waitForMessage({ subject: 'without a session' })
  expect(() => expect(other).toHaveBeenEncrypted()).toThrow('it was no session')
})

const ports: number[] = []
const each = labTest({}, { scope: 'test' })
each('a lab for each test: the first', ({ lab }) => {
  ports.push(lab.server('smtp').port)
})
each('a lab for each test: the second gets a different lab', async ({ lab }) => {
  ports.push(lab.server('smtp').port)
  expect(ports).toHaveLength(2)
  expect(await lab.messages()).toEqual([])
  expect(lab.sessions()).toEqual([])
})

const listed = labTest({ directory: { accounts: [{ user: 'alice', password: 'secret' }] } }, { scope: 'worker' })
listed('a lab with its own configuration', ({ lab }) => {
  expect(() => lab.tenant()).toThrow('mode: "open"')
})

test('types', async ({ lab, tenant }) => {
  expectTypeOf(lab).toEqualTypeOf<TestLab>()
  expectTypeOf(tenant).toEqualTypeOf<Tenant>()
  expectTypeOf(lab.waitForMessage).returns.resolves.toEqualTypeOf<LabMessage>()
  expectTypeOf(expect(lab).toHaveReceived).parameter(0).not.toBeAny()
  expectTypeOf(expect(lab).toHaveBeenEncrypted).parameter(0).not.toBeAny()
  // @ts-expect-error no such defect
  await expect(lab.useCertificate({ defect: 'perfect' })).rejects.toThrow('no defect "perfect"; there are: expired, ')
})
