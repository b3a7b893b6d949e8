import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import { bearer, HttpLab } from '../client.ts'
import { EventReceiver } from './receiver.ts'

const receiver = await EventReceiver.ofTests()
const providers = [
  { provider: 'resend' as const, webhooks: [{ url: receiver.url, events: ['sent', 'delivered'] as const }] },
  'sendgrid' as const,
  'mailgun' as const,
  'brevo' as const,
]
const config = (lmdb?: string) => ({
  ...(lmdb === undefined ? {} : { store: { lmdb } }),
  directory: { accounts: [{ user: 'alice', password: 'secret' }] },
  virtualServers: [
    { protocol: 'smtp' as const },
    { protocol: 'imap4' as const },
    {
      protocol: 'http' as const,
      providers: providers.map((one) =>
        typeof one === 'string'
          ? one
          : { ...one, webhooks: one.webhooks.map((hook) => ({ ...hook, events: [...hook.events] })) },
      ),
    },
  ],
})

const http = HttpLab.ofTests(config())
beforeEach(() => http.request('reset', { method: 'POST', json: {} }))

const at = (hours: number, { lab } = http): string => new Date(lab.clock.now() + hours * 3_600_000).toISOString()
const queue = async (one = http) => (await one.request('queue')).body.items
const subjects = async (one = http): Promise<string[]> => (await one.lab.messages()).map(({ subject }) => subject)

const RESEND = bearer('re_key')
const email = (more: object) => ({
  from: 'shop@lab.test',
  to: 'alice@lab.test',
  subject: 'Later',
  text: 'Hello',
  ...more,
})
const toResend = (path: string, json: object, method = 'POST', one = http) =>
  one.request(`/resend${path}`, { method, json, headers: RESEND })

describe('scheduled mail', () => {
  it('waits in the queue of the lab, and arrives with its events when its time comes', async () => {
    const { body } = await toResend('/emails', email({ scheduled_at: at(1), tags: [{ name: 'order', value: '17' }] }))
    const [waiting] = await queue()
    expect(waiting).toMatchObject({
      connector: 'Scheduled mail',
      destination: 'Default HTTP Virtual Server/resend',
      state: 'waiting',
      subject: 'Later',
      mailFrom: 'shop@lab.test',
      recipients: [{ address: 'alice@lab.test', kind: 'waiting' }],
    })
    expect(waiting.nextAttemptAt).toBe(waiting.scheduledFor)
    expect(await subjects()).toEqual([])
    await http.lab.clock.advance('1h')
    const message = await http.lab.waitForMessage({ to: 'alice', sentBy: 'resend' })
    expect(message.sentBy).toMatchObject({ id: body.id, arguments: { order: '17' } })
    const events = (await receiver.take(2)).map(({ json }) => [json.type, json.data.email_id])
    expect(events).toEqual([
      ['email.sent', body.id],
      ['email.delivered', body.id],
    ])
    await expect.poll(() => queue()).toEqual([])
    expect((await toResend(`/emails/${body.id}/cancel`, {})).status).toBe(404)
  })

  it('is updated and cancelled by Resend', async () => {
    const { body } = await toResend('/emails', email({ scheduled_at: 'in 5 min' }))
    const later = at(3)
    expect((await toResend(`/emails/${body.id}`, { scheduled_at: later }, 'PATCH')).body).toEqual({
      object: 'email',
      id: body.id,
    })
    expect((await queue()).map((one: { scheduledFor: string }) => one.scheduledFor)).toEqual([later])
    await http.lab.clock.advance('1h')
    expect((await toResend(`/emails/${body.id}/cancel`, {})).body).toEqual({ object: 'email', id: body.id })
    await http.lab.clock.advance('3h')
    expect([await queue(), await subjects()]).toEqual([[], []])
    const unknown = await toResend('/emails', email({ scheduled_at: 'soon' }))
    expect([unknown.status, unknown.body.name]).toEqual([422, 'validation_error'])
  })

  it('is paused, resumed and cancelled by the batches of SendGrid', async () => {
    const ask = (path: string, json?: object, method = 'POST') =>
      http.request(`/sendgrid/v3${path}`, { method, headers: bearer('SG.key'), ...(json ? { json } : {}) })
    const { body, status } = await ask('/mail/batch', {})
    expect([status, (await ask(`/mail/batch/${body.batch_id}`, undefined, 'GET')).body]).toEqual([201, body])
    const mail = (subject: string, hours: number) => ({
      personalizations: [{ to: [{ email: 'alice@lab.test' }] }],
      from: { email: 'shop@lab.test' },
      subject,
      content: [{ type: 'text/plain', value: 'Hello' }],
      send_at: Math.floor(http.lab.clock.now() / 1000) + hours * 3600,
      batch_id: body.batch_id,
    })
    expect((await ask('/mail/send', mail('A', 1))).status).toBe(202)
    const wanted = { batch_id: body.batch_id, status: 'pause' }
    expect((await ask('/user/scheduled_sends', wanted)).body).toEqual(wanted)
    expect((await ask('/user/scheduled_sends', undefined, 'GET')).body).toEqual([wanted])
    await http.lab.clock.advance('30m')
    expect((await ask(`/user/scheduled_sends/${body.batch_id}`, undefined, 'DELETE')).status).toBe(204)
    // It keeps its time.
    expect(await subjects()).toEqual([])
    await http.lab.clock.advance('30m')
    expect((await http.lab.waitForMessage({ to: 'alice' })).subject).toBe('A')
    await ask('/mail/send', mail('B', 1))
    expect((await ask(`/user/scheduled_sends/${body.batch_id}`, { status: 'cancel' }, 'PATCH')).status).toBe(204)
    expect(await queue()).toEqual([])
    const far = await ask('/mail/send', mail('C', 80))
    expect([far.status, far.body.errors[0].field]).toEqual([400, 'send_at'])
  })

  it('is deleted by Mailgun for a domain, and by Brevo for a batch', async () => {
    const form = new URLSearchParams({ from: 'shop@lab.test', to: 'alice@lab.test', subject: 'M', text: 'Hello' })
    form.set('o:deliverytime', new Date(http.lab.clock.now() + 3_600_000).toUTCString())
    const mailgun = { authorization: `Basic ${btoa('api:key')}`, 'content-type': 'application/x-www-form-urlencoded' }
    const sent = await http.request('/mailgun/v3/lab.test/messages', {
      method: 'POST',
      body: `${form}`,
      headers: mailgun,
    })
    expect(sent.status).toBe(200)
    const headers = { 'api-key': 'xkeysib-key' }
    const json = {
      sender: { email: 'shop@lab.test' },
      to: [{ email: 'alice@lab.test' }],
      subject: 'B',
      textContent: 'Hello',
      scheduledAt: at(2),
    }
    const { status, body } = await http.request('/brevo/v3/smtp/email', { json, headers })
    expect([status, body]).toEqual([202, { messageId: expect.any(String), batchId: expect.any(String) }])
    expect(await queue()).toHaveLength(2)
    const emptied = await http.request('/mailgun/v3/lab.test/envelopes', { method: 'DELETE', headers: mailgun })
    expect([emptied.body, (await queue()).length]).toEqual([{ message: 'done' }, 1])
    const remove = (id: string) =>
      http.request(`/brevo/v3/smtp/email/${encodeURIComponent(id)}`, { method: 'DELETE', headers })
    expect((await remove(body.messageId)).status).toBe(204)
    const again = await remove(body.batchId)
    expect([again.status, again.body.code, await queue()]).toEqual([404, 'document_not_found', []])
  })

  it('is sent earlier and deleted in the queue of the lab', async () => {
    await toResend('/emails', email({ subject: 'Flushed', scheduled_at: at(5) }))
    await toResend('/emails', email({ subject: 'Deleted', scheduled_at: at(5) }))
    const [deleted, flushed] = await queue()
    await http.request('queue/delete', { json: { ids: [deleted.id] } })
    await http.request('queue/flush', { json: { ids: [flushed.id] } })
    expect((await http.lab.waitForMessage({ to: 'alice' })).subject).toBe('Flushed')
    await receiver.take(2)
    await expect.poll(() => queue()).toEqual([])
  })

  it('survives a restart of a lab with a store on disk', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'sealpost-scheduled-'))
    try {
      await using first = await HttpLab.start(config(folder))
      await toResend('/emails', email({ scheduled_at: at(2, first) }), 'POST', first)
      await first.lab.stop()
      await using second = await HttpLab.start(config(folder))
      expect(await queue(second)).toMatchObject([{ subject: 'Later', state: 'waiting' }])
      await second.lab.clock.advance('2h')
      expect((await second.lab.waitForMessage({ to: 'alice' })).sentBy?.provider).toBe('resend')
      await receiver.take(2)
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })
})
