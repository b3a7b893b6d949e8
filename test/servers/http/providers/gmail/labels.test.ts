import { beforeEach, describe, expect, it } from 'vitest'
import { HttpLab } from '../../client.ts'
import { GmailClient, gmailLab, mime } from './gmail-lab.ts'

const http = HttpLab.ofTests(gmailLab())
beforeEach(() => http.request('reset', { method: 'POST', json: {} }))
const alice = new GmailClient(http)
const bob = new GmailClient(http, 'bob')
const references = (id: string, to?: string): string =>
  `Message-ID: <${id}@lab.test>\r\n${to === undefined ? '' : `References: <${to}@lab.test>\r\n`}`

describe('labels', () => {
  it('are folders of IMAP, with counts', async () => {
    const label = await alice.post('labels', { name: 'Projects/2026' })
    expect(label).toMatchObject({ name: 'Projects/2026', type: 'user', labelListVisibility: 'labelShow' })
    await alice.insert('One', ['INBOX', label.id, 'UNREAD'], references('1'))
    await alice.insert('Two', [label.id], references('2', '1'))
    expect(await alice.get(`labels/${label.id}`)).toEqual({
      id: label.id,
      name: 'Projects/2026',
      type: 'user',
      messageListVisibility: 'show',
      labelListVisibility: 'labelShow',
      messagesTotal: 2,
      messagesUnread: 1,
      threadsTotal: 1,
      threadsUnread: 1,
    })
    expect(await alice.subjects('q=label:projects-2026')).toEqual(['Two', 'One'])
    await using imap = await alice.imap()
    expect(await imap.status('Projects/2026', { messages: true })).toMatchObject({ messages: 2 })
    await imap.mailboxCreate('By IMAP')
    const names = (await alice.get('labels')).labels.map(({ name }: { name: string }) => name)
    expect(names).toEqual(expect.arrayContaining(['INBOX', 'SENT', 'TRASH', 'UNREAD', 'By IMAP', 'Projects/2026']))
    expect(names).not.toContain('Archive')
  })

  it('update, patch and delete keep the messages', async () => {
    const { id } = await alice.post('labels', { name: 'Old' })
    const mail = await alice.insert('Mail', [id])
    expect((await alice.ask('PATCH', `labels/${id}`, { name: 'New' })).body).toMatchObject({ id, name: 'New' })
    expect((await alice.ask('PUT', `labels/${id}`, { id, name: 'Newer' })).body.name).toBe('Newer')
    expect(await alice.labels(mail)).toEqual([id])
    expect((await alice.ask('DELETE', `labels/${id}`)).status).toBe(204)
    expect(await alice.labels(mail)).toEqual([])
    expect((await alice.ask('GET', `labels/${id}`)).status).toBe(404)
  })

  it('refuses names that are taken or not valid, system labels, and labels of other accounts', async () => {
    const { id } = await alice.post('labels', { name: 'Mine' })
    const taken = await alice.ask('POST', 'labels', { name: 'Mine' })
    expect([taken.status, taken.body.error.message]).toEqual([409, 'Label name exists or conflicts'])
    for (const name of ['', 'a//b', 'Public Folders/x', 'x'.repeat(300), '\ud800', 'a\0b', 'a\r\nb'])
      expect([name, (await alice.ask('POST', 'labels', { name })).status]).toEqual([name, 400])
    expect((await alice.ask('DELETE', 'labels/INBOX')).status).toBe(400)
    expect((await bob.ask('GET', `labels/${id}`)).status).toBe(404)
    expect((await bob.ask('DELETE', `labels/${id}`)).status).toBe(404)
    const mail = await bob.insert('Mail')
    expect((await bob.ask('POST', `messages/${mail}/modify`, { addLabelIds: [id] })).status).toBe(400)
  })
})

describe('threads', () => {
  it('list, get, modify, trash and delete', async () => {
    const one = await alice.insert('Plan', ['INBOX', 'UNREAD'], references('1'))
    await http.lab.clock.advance('1s')
    const other = await alice.insert('Other', ['INBOX'], references('9'))
    await http.lab.clock.advance('1s')
    const two = await alice.insert('Re: Plan', ['INBOX'], references('2', '1'))
    const { threads, resultSizeEstimate } = await alice.get('threads?q=in:inbox')
    expect([threads.map(({ snippet }: { snippet: string }) => snippet), resultSizeEstimate]).toEqual([
      ['Text of Re: Plan', 'Text of Other'],
      2,
    ])
    const [{ id }] = threads
    const messages = async () =>
      (await alice.get(`threads/${id}?format=minimal`)).messages.map((message: { id: string; labelIds: string[] }) => [
        message.id,
        message.labelIds,
      ])
    expect((await messages()).map(([message]: string[]) => message)).toEqual([one, two])
    await alice.post(`threads/${id}/modify`, { addLabelIds: ['STARRED'], removeLabelIds: ['INBOX', 'UNREAD'] })
    expect(await messages()).toEqual([
      [one, ['STARRED']],
      [two, ['STARRED']],
    ])
    await alice.post(`threads/${id}/trash`)
    await alice.post(`threads/${id}/untrash`)
    expect((await bob.ask('DELETE', `threads/${id}`)).status).toBe(404)
    expect((await alice.ask('DELETE', `threads/${id}`)).status).toBe(204)
    expect((await alice.ask('GET', `threads/${id}`)).status).toBe(404)
    expect((await alice.get('messages')).messages.map((message: { id: string }) => message.id)).toEqual([other])
  })
})

describe('drafts', () => {
  const raw = (subject: string) => ({ message: { raw: Buffer.from(mime(subject)).toString('base64url') } })

  it('keep their id when they are updated, and are sent', async () => {
    const { id, message } = await alice.post('drafts', raw('First'))
    expect(await alice.labels(message.id)).toEqual(['DRAFT'])
    const updated = (await alice.ask('PUT', `drafts/${id}`, raw('Second'))).body
    expect([updated.id, updated.message.id === message.id]).toEqual([id, false])
    expect((await alice.get('drafts')).drafts).toEqual([
      { id, message: { id: updated.message.id, threadId: updated.message.threadId } },
    ])
    const found = await alice.get(`drafts/${id}?format=metadata`)
    expect(found.message.payload.headers).toContainEqual({ name: 'Subject', value: 'Second' })
    expect((await bob.ask('GET', `drafts/${id}`)).status).toBe(404)
    expect((await alice.post('drafts/send', { id })).labelIds).toEqual(['SENT'])
    expect(await alice.subjects('q=in:inbox')).toEqual(['Second'])
    expect((await alice.get('drafts')).drafts).toBeUndefined()
    expect((await alice.ask('GET', `drafts/${id}`)).status).toBe(404)
    const second = await alice.post('drafts', raw('Third'))
    expect((await alice.ask('DELETE', `drafts/${second.id}`)).status).toBe(204)
    expect((await alice.ask('DELETE', `drafts/${second.id}`)).status).toBe(404)
  })
})
