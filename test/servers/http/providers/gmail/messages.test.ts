import { beforeEach, describe, expect, it } from 'vitest'
import { HttpLab } from '../../client.ts'
import { GmailClient, gmailLab, mime } from './gmail-lab.ts'

const http = HttpLab.ofTests(gmailLab())
beforeEach(() => http.request('reset', { method: 'POST', json: {} }))
const alice = new GmailClient(http)
const bob = new GmailClient(http, 'bob')

const ids = (body: { messages?: { id: string }[] }) => (body.messages ?? []).map(({ id }) => id)

interface Part {
  readonly partId: string
  readonly mimeType: string
  readonly body: { readonly data: string }
}

describe('messages.list', () => {
  it('lists the newest first, in pages that stay right while messages arrive', async () => {
    const all: string[] = []
    for (const subject of ['one', 'two', 'three', 'four', 'five']) {
      all.unshift(await alice.insert(subject))
      await http.lab.clock.advance('1s')
    }
    const first = await alice.get('messages?maxResults=2')
    expect([ids(first), first.resultSizeEstimate]).toEqual([all.slice(0, 2), 5])
    await alice.insert('six')
    const second = await alice.get(`messages?maxResults=2&pageToken=${first.nextPageToken}`)
    const third = await alice.get(`messages?maxResults=2&pageToken=${second.nextPageToken}`)
    expect([...ids(second), ...ids(third), third.nextPageToken]).toEqual([...all.slice(2), undefined])
  })

  it('searches with q and labelIds, and leaves out spam and trash', async () => {
    await alice.insert('Invoice', ['INBOX', 'UNREAD'])
    await alice.insert('Lunch', ['INBOX', 'STARRED', 'IMPORTANT'])
    await alice.insert('Old', [])
    await alice.insert('Cheap', ['SPAM'])
    await alice.insert('Gone', ['TRASH'])
    const searches: Record<string, string[]> = {
      '': ['Invoice', 'Lunch', 'Old'],
      'q=subject:invoice': ['Invoice'],
      'q=from:bob is:unread': ['Invoice'],
      'q="text of lunch"': ['Lunch'],
      'q=-in:inbox': ['Old'],
      'q=is:starred OR subject:old': ['Lunch', 'Old'],
      'q=is:important': ['Lunch'],
      'q=in:trash': ['Gone'],
      'q=in:anywhere subject:{cheap gone}': ['Cheap', 'Gone'],
      'q=larger:1M': [],
      'q=newer_than:1d subject:lunch': ['Lunch'],
      'labelIds=SPAM': ['Cheap'],
      'labelIds=INBOX&labelIds=UNREAD': ['Invoice'],
      'includeSpamTrash=true': ['Cheap', 'Gone', 'Invoice', 'Lunch', 'Old'],
    }
    for (const [query, expected] of Object.entries(searches))
      expect([query, (await alice.subjects(encodeURI(query))).sort()]).toEqual([query, expected])
  })

  it('has the operators that the help of Gmail lists', async () => {
    const header = 'Delivered-To: list@lab.test\r\nList-Id: <dev.lab.test>\r\nMessage-ID: <77@lab.test>\r\n'
    await alice.insert('Plain pdf', ['INBOX', 'CATEGORY_SOCIAL'], header)
    const mixed = 'MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=a\r\n'
    await alice.insert('Mixed report.pdf', ['INBOX'], mixed)
    const file = 'MIME-Version: 1.0\r\nContent-Type: application/pdf; name=report.pdf\r\n'
    await alice.insert('File', ['INBOX'], file)
    const searches: Record<string, string[]> = {
      'has:attachment': ['File'],
      'filename:report.pdf': ['File'],
      'deliveredto:list@lab.test': ['Plain pdf'],
      'list:dev.lab.test': ['Plain pdf'],
      'rfc822msgid:77@lab.test': ['Plain pdf'],
      'rfc822msgid:<77@lab.test>': ['Plain pdf'],
      'category:social': ['Plain pdf'],
      'subject:plain AND category:social': ['Plain pdf'],
      'subject:(plain OR mixed)': ['Mixed report.pdf', 'Plain pdf'],
      'subject:plain after:11/26/2020': ['Plain pdf'],
      'subject:plain before:2020/11/26': [],
      'subject:plain older_than:1y': [],
      'subject:plain size:1': ['Plain pdf'],
      '-{subject:plain subject:mixed}': ['File'],
      '-has:attachment -subject:plain': ['Mixed report.pdf'],
    }
    for (const [q, expected] of Object.entries(searches))
      expect([q, (await alice.subjects(`q=${encodeURIComponent(q)}`)).sort()]).toEqual([q, expected])
  })

  it('refuses parameters that are not valid, and survives a query of 1 MB', async () => {
    for (const query of ['pageToken=x', 'maxResults=0', 'maxResults=-1', 'q=after:yesterday', `q=${'('.repeat(60)}a`]) {
      const { status, body } = await alice.ask('GET', `messages?${query}`)
      expect([query, status, body.error.status]).toEqual([query, 400, 'INVALID_ARGUMENT'])
    }
    expect((await alice.ask('GET', `messages?q=${'a%20'.repeat(101)}`)).status).toBe(400)
    expect((await alice.ask('GET', `messages?q=${'a'.repeat(9_000)}`)).body).toEqual({ resultSizeEstimate: 0 })
    expect((await alice.ask('GET', `messages?q=${'a '.repeat(500_000)}`)).status).toBe(431)
    expect((await alice.ask('GET', 'messages')).status).toBe(200)
  })
})

describe('messages.get', () => {
  const multipart = [
    'From: Bob <bob@lab.test>',
    'To: alice@lab.test',
    'Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=',
    'Date: Thu, 26 Nov 2026 10:00:00 +0000',
    'MIME-Version: 1.0',
    'Content-Type: multipart/mixed; boundary=a',
    '',
    '--a',
    'Content-Type: multipart/alternative; boundary=b',
    '',
    '--b',
    'Content-Type: text/plain; charset=iso-8859-1',
    'Content-Transfer-Encoding: quoted-printable',
    '',
    'Gr=FC=DFe & more',
    '--b',
    'Content-Type: text/html; charset=utf-8',
    '',
    '<p>Grüße</p>',
    '--b--',
    '--a',
    'Content-Type: application/pdf; name=a.pdf',
    'Content-Transfer-Encoding: base64',
    '',
    'cGRm',
    '--a--',
    '',
  ].join('\r\n')

  it('returns every format', async () => {
    const upload = await alice.ask('POST', '/upload/gmail/v1/users/me/messages/import?uploadType=media', multipart, {
      'content-type': 'message/rfc822',
    })
    const { id } = upload.body
    const full = await alice.get(`messages/${id}`)
    const { payload } = full
    const [alternative, file] = payload.parts
    expect([payload.mimeType, payload.partId, payload.body]).toEqual(['multipart/mixed', '', { size: 0 }])
    expect(payload.headers.find(({ name }: { name: string }) => name === 'Subject').value).toBe('Grüße')
    const texts = alternative.parts.map((part: Part) => [
      part.partId,
      part.mimeType,
      Buffer.from(part.body.data, 'base64url').toString(),
    ])
    expect(texts).toEqual([
      ['0.0', 'text/plain', 'Grüße & more'],
      ['0.1', 'text/html', '<p>Grüße</p>'],
    ])
    expect([file.filename, file.mimeType, file.body.size]).toEqual(['a.pdf', 'application/pdf', 3])
    const attachment = await alice.get(`messages/${id}/attachments/${file.body.attachmentId}`)
    expect([attachment.size, Buffer.from(attachment.data, 'base64url').toString()]).toEqual([3, 'pdf'])
    // The import has the date of the message.
    expect([full.internalDate, full.snippet]).toEqual([`${Date.UTC(2026, 10, 26, 10)}`, 'Grüße &amp; more'])
    const raw = await alice.get(`messages/${id}?format=RAW`)
    expect(Buffer.from(raw.raw, 'base64url').toString()).toBe(multipart)
    const metadata = await alice.get(`messages/${id}?format=metadata&metadataHeaders=to&metadataHeaders=From`)
    expect(metadata.payload.headers.map(({ name }: { name: string }) => name)).toEqual(['From', 'To'])
    const minimal = await alice.get(`messages/${id}?format=minimal`)
    expect([minimal.payload, minimal.raw, minimal.sizeEstimate]).toEqual([undefined, undefined, multipart.length + 2])
  })

  it('answers 404 for unknown ids and those of other accounts, and 400 for other forms', async () => {
    const id = await alice.insert('Secret')
    const paths = ['', '?format=raw', '/attachments/0']
    for (const path of paths) expect((await bob.ask('GET', `messages/${id}${path}`)).status).toBe(404)
    expect((await bob.ask('POST', `messages/${id}/trash`)).status).toBe(404)
    expect((await bob.ask('DELETE', `messages/${id}`)).status).toBe(404)
    expect((await bob.ask('POST', 'messages/batchDelete', { ids: [id] })).status).toBe(204)
    expect((await bob.ask('POST', 'messages/batchModify', { ids: [id], addLabelIds: ['TRASH'] })).status).toBe(204)
    expect((await bob.ask('GET', '/gmail/v1/users/alice%40lab.test/messages')).status).toBe(403)
    expect((await http.request('/gmail/v1/users/me/messages', { headers: { authorization: 'Bearer x' } })).status).toBe(
      401,
    )
    expect(await alice.labels(id)).toEqual(['INBOX', 'UNREAD'])
    for (const bad of ['x', '-1', 'INBOX.1', '%00', 'f'.repeat(17)])
      expect([bad, (await alice.ask('GET', `messages/${bad}`)).status]).toEqual([bad, 400])
    expect((await alice.ask('GET', `messages/${id}?format=xml`)).status).toBe(400)
    expect((await alice.ask('GET', `messages/${id}/attachments/9.9`)).status).toBe(400)
    expect((await alice.ask('GET', 'messages/123456789abcdef')).body.error).toEqual({
      code: 404,
      message: 'Requested entity was not found.',
      errors: [{ message: 'Requested entity was not found.', domain: 'global', reason: 'notFound' }],
      status: 'NOT_FOUND',
    })
    expect((await alice.ask('GET', 'settings/imap')).status).toBe(501)
  })
})

describe('changes of messages', () => {
  it('modify, trash, untrash and delete', async () => {
    const id = await alice.insert('Mail')
    const modify = (addLabelIds: string[], removeLabelIds: string[] = []) =>
      alice.ask('POST', `messages/${id}/modify`, { addLabelIds, removeLabelIds })
    expect((await modify(['STARRED', 'IMPORTANT', 'CATEGORY_SOCIAL'], ['UNREAD'])).body.labelIds.sort()).toEqual([
      'CATEGORY_SOCIAL',
      'IMPORTANT',
      'INBOX',
      'STARRED',
    ])
    await modify(['UNREAD'], ['STARRED', 'IMPORTANT', 'CATEGORY_SOCIAL', 'INBOX'])
    expect(await alice.labels(id)).toEqual(['UNREAD'])
    expect((await alice.post(`messages/${id}/trash`)).labelIds.sort()).toEqual(['TRASH', 'UNREAD'])
    expect((await alice.post(`messages/${id}/untrash`)).labelIds).toEqual(['UNREAD'])
    await modify(['SPAM'])
    expect(await alice.labels(id)).toEqual(['SPAM', 'UNREAD'])
    await modify(['INBOX'])
    expect(await alice.labels(id)).toEqual(['INBOX', 'UNREAD'])
    for (const label of ['Label_none', 'SENT', 'DRAFT', '__proto__', ''])
      expect([label, (await modify([label])).status]).toEqual([label, 400])
    expect((await modify([])).status).toBe(400)
    expect((await alice.ask('POST', `messages/${id}/modify`, '{')).status).toBe(400)
    expect((await alice.ask('DELETE', `messages/${id}`)).status).toBe(204)
    expect((await alice.ask('GET', `messages/${id}`)).status).toBe(404)
  })

  it('batchModify and batchDelete', async () => {
    const two = [await alice.insert('one'), await alice.insert('two')]
    const change = { ids: two, addLabelIds: ['STARRED'], removeLabelIds: ['INBOX'] }
    expect((await alice.ask('POST', 'messages/batchModify', change)).status).toBe(204)
    for (const id of two) expect(await alice.labels(id)).toEqual(['STARRED', 'UNREAD'])
    expect((await alice.ask('POST', 'messages/batchDelete', { ids: [two[0], 'f'] })).status).toBe(204)
    expect(ids(await alice.get('messages'))).toEqual([two[1]])
    const many = { ids: Array.from({ length: 1001 }, () => 'f') }
    expect((await alice.ask('POST', 'messages/batchDelete', many)).status).toBe(400)
  })

  it('changes 1,000 messages, also those that are gone or named twice', async () => {
    const id = await alice.insert('One')
    const ids = [id, id, ...Array.from({ length: 998 }, (_, index) => (index + 1).toString(16))]
    expect((await alice.ask('POST', 'messages/batchModify', { ids, addLabelIds: ['STARRED'] })).status).toBe(204)
    expect(await alice.labels(id)).toEqual(['INBOX', 'STARRED', 'UNREAD'])
    expect((await alice.ask('POST', 'messages/batchModify', { ids, addLabelIds: ['TRASH'] })).status).toBe(204)
    expect(await alice.labels(id)).toEqual(['STARRED', 'TRASH', 'UNREAD'])
    expect((await alice.ask('POST', 'messages/batchDelete', { ids })).status).toBe(204)
    expect(await alice.get('messages')).toEqual({ resultSizeEstimate: 0 })
  })

  it('refuses messages that are empty or too large', async () => {
    const raw = Buffer.alloc(36 * 1024 * 1024, 'a').toString('base64url')
    expect((await alice.ask('POST', 'messages', { raw })).body.error).toMatchObject({ code: 413 })
    expect((await alice.ask('POST', 'messages', { raw: '!!' })).status).toBe(400)
    expect((await alice.ask('POST', 'messages', { raw: 7 })).status).toBe(400)
    expect((await alice.ask('POST', 'messages', {})).status).toBe(400)
    expect((await alice.ask('POST', 'messages', { raw: 'YQ', labelIds: ['Label_x'] })).status).toBe(400)
  })
})

describe('one truth with IMAP', () => {
  it('has the ids, threads, labels and flags of X-GM-EXT-1', async () => {
    const id = await alice.insert('First', ['INBOX', 'UNREAD'], 'Message-ID: <1@lab.test>\r\n')
    const answer = await alice.insert('Re: First', [], 'Message-ID: <2@lab.test>\r\nReferences: <1@lab.test>\r\n')
    const { messages } = await alice.get('messages')
    expect(new Set(messages.map(({ threadId }: { threadId: string }) => threadId)).size).toBe(1)
    await using imap = await alice.imap()
    const lock = await imap.getMailboxLock('[Gmail]/All Mail')
    try {
      const seen = new Map<string, string>()
      for await (const { emailId = '', threadId = '' } of imap.fetch('1:*', { labels: true, threadId: true }))
        seen.set(BigInt(emailId).toString(16), BigInt(threadId).toString(16))
      expect([...seen].sort()).toEqual(
        messages.map((one: { id: string; threadId: string }) => [one.id, one.threadId]).sort(),
      )
      // By IMAP, the API sees it.
      await imap.messageFlagsAdd('1', ['\\Seen', '\\Flagged'])
      await imap.messageFlagsAdd('1', ['Projects'], { useLabels: true })
      expect(await alice.labels(id)).toEqual(['INBOX', expect.stringMatching(/^Label_/), 'STARRED'])
      // By the API, IMAP sees it.
      await alice.ask('POST', `messages/${answer}/modify`, { addLabelIds: ['INBOX', 'STARRED', 'UNREAD'] })
      const second = await imap.fetchOne('2', { labels: true, flags: true })
      expect(second && [[...(second.labels ?? [])].sort(), [...(second.flags ?? [])]]).toEqual([
        ['\\Inbox', '\\Starred'],
        expect.not.arrayContaining(['\\Seen']),
      ])
    } finally {
      lock.release()
    }
  })

  it('sees mail that SMTP delivers, and sent mail in Sent', async () => {
    const raw = Buffer.from(mime('Hello')).toString('base64url')
    const sent = await alice.post('messages/send', { raw })
    expect(sent.labelIds).toEqual(['SENT'])
    expect((await alice.get(`messages/${sent.id}?format=minimal`)).threadId).toBe(sent.threadId)
    const { messages } = await alice.get('messages?labelIds=INBOX')
    expect(messages.map(({ threadId }: { threadId: string }) => threadId)).toEqual([sent.threadId])
    expect(await alice.labels(messages[0].id)).toEqual(['INBOX', 'UNREAD'])
  })
})
