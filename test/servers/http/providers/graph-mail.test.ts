import { ImapFlow } from 'imapflow'
import { beforeEach, describe, expect, it } from 'vitest'
import { ImapClient } from '../../../support/imap-client.ts'
import { bearer, HttpLab, type RequestOptions } from '../client.ts'

const http = HttpLab.ofTests({
  directory: { accounts: ['alice', 'bob'].map((user) => ({ user, password: 'secret' })) },
  virtualServers: [{ protocol: 'smtp' }, { protocol: 'imap4' }, { protocol: 'http', providers: ['graph'] }],
})
beforeEach(() => http.request('reset', { method: 'POST', json: {} }))

/** Asks Graph as an account. */
const ask = async (path: string, options: RequestOptions = {}, user = 'alice') => {
  const headers = { ...bearer(await http.lab.accessToken({ user })), ...options.headers }
  return http.request(path.startsWith('http') ? path.slice(http.base.length) : `/graph/v1.0/me/${path}`, {
    ...options,
    headers,
  })
}
const send = (subject: string, { from = 'bob@lab.test', text = 'Hello', more = '', to = 'alice' } = {}) =>
  http.lab.deliver(
    `From: Bob <${from}>\r\nTo: alice@lab.test\r\nSubject: ${subject}\r\nMessage-ID: <${subject.replaceAll(' ', '.')}@x>\r\nDate: Wed, 02 Dec 2026 10:00:00 +0000\r\n${more}\r\n${text}\r\n`,
    { to },
  )
const subjects = async (query: string, user = 'alice'): Promise<string[]> => {
  const { status, body } = await ask(`messages?${query}`, {}, user)
  expect([status, body.error]).toEqual([200, undefined])
  return body.value.map(({ subject }: { subject: string }) => subject)
}
const filtered = (filter: string) => subjects(`$filter=${encodeURIComponent(filter)}`)
const errorOf = async (path: string, options?: RequestOptions, user?: string) => {
  const { status, body } = await ask(path, options, user)
  return [status, body.error?.code]
}
/** Runs some work in the mailbox of alice over IMAP. */
async function overImap<T>(work: (client: ImapFlow) => Promise<T>, folder = 'INBOX'): Promise<T> {
  const client = new ImapFlow({ ...http.lab.imapflow({ user: 'alice', pass: 'secret' }), logger: false })
  await client.connect()
  const lock = await client.getMailboxLock(folder)
  try {
    return await work(client)
  } finally {
    lock.release()
    await client.logout()
  }
}
const first = async () => (await ask('messages?$top=1')).body.value[0]

const ATTACHED = [
  'MIME-Version: 1.0',
  'Content-Type: multipart/mixed; boundary=b',
  'X-Priority: 1',
  '',
  '--b',
  'Content-Type: multipart/alternative; boundary=c',
  '',
  '--c',
  'Content-Type: text/plain; charset=utf-8',
  '',
  'Grüße',
  '--c',
  'Content-Type: text/html; charset=utf-8',
  '',
  '<p>Grüße</p>',
  '--c--',
  '--b',
  'Content-Type: application/pdf; name=a.pdf',
  'Content-Disposition: attachment; filename=a.pdf',
  'Content-Transfer-Encoding: base64',
  '',
  Buffer.from('%PDF').toString('base64'),
  '--b--',
].join('\r\n')

describe('messages', () => {
  it('lists messages, the newest first, in pages', async () => {
    for (const name of ['one', 'two', 'three']) await send(name)
    const { status, body } = await ask('messages?$top=2&$select=subject,from&$count=true')
    expect([status, body['@odata.count'], body.value.length]).toEqual([200, 3, 2])
    const [newest] = body.value
    expect(Object.keys(newest).sort()).toEqual(['@odata.etag', 'from', 'id', 'subject'])
    expect(newest.from).toEqual({ emailAddress: { name: 'Bob', address: 'bob@lab.test' } })
    await send('later')
    const next = await ask(body['@odata.nextLink'])
    expect(next.body.value.map(({ subject }: { subject: string }) => subject)).toEqual(['one'])
    expect((await ask("messages/$count?$filter=contains(subject,'o')")).body).toBe('2')
    expect(next.body['@odata.nextLink']).toBe(undefined)
    expect(await subjects('$skip=1&$top=2')).toEqual(['three', 'two'])
    for (const [size, applied] of Object.entries({ 1: 'odata.maxpagesize=1', 2: 'odata.maxpagesize=2' })) {
      const sized = await ask('messages', { headers: { prefer: applied } })
      expect([sized.body.value.length, sized.headers.get('preference-applied')]).toEqual([Number(size), applied])
    }
  })

  it('orders messages, and continues in that order', async () => {
    for (const name of ['b', 'C', 'a', 'c']) await send(name)
    expect(await subjects('$orderby=subject')).toEqual(['a', 'b', 'c', 'C'])
    expect(await subjects('$orderby=subject desc')).toEqual(['c', 'C', 'b', 'a'])
    const { body } = await ask('messages?$orderby=subject%20asc&$top=3')
    await send('B')
    const next = await ask(body['@odata.nextLink'])
    expect(next.body.value.map(({ subject }: { subject: string }) => subject)).toEqual(['C'])
  })

  it('filters messages', async () => {
    await send("it's one", { from: 'carol@x.example' })
    await send('two', { more: `${ATTACHED.replace(/\r\n\r\n/, '\r\n\r\n')}` })
    await send('three')
    const [three] = (await ask("messages?$filter=subject eq 'three'")).body.value
    await ask(`messages/${three.id}`, { method: 'PATCH', json: { isRead: true, flag: { flagStatus: 'flagged' } } })
    const at = three.receivedDateTime
    const all = ['three', 'two', "it's one"]
    expect(await filtered('isRead eq false')).toEqual(['two', "it's one"])
    expect(await filtered('not(isRead eq false)')).toEqual(['three'])
    expect(await filtered(`receivedDateTime le ${at}`)).toEqual(all)
    expect(await filtered(`receivedDateTime gt ${at}`)).toEqual([])
    expect(await filtered("from/emailAddress/address eq 'CAROL@x.example'")).toEqual(["it's one"])
    expect(await filtered("subject eq 'it''s one'")).toEqual(["it's one"])
    expect(await filtered("contains(subject,'t') and (isRead eq true or startswith(subject,'tw'))")).toEqual([
      'three',
      'two',
    ])
    expect(await filtered('hasAttachments eq true')).toEqual(['two'])
    expect(await filtered("internetMessageId eq '<two@x>'")).toEqual(['two'])
    expect(await filtered("importance eq 'high'")).toEqual(['two'])
    expect(await filtered("flag/flagStatus eq 'flagged'")).toEqual(['three'])
    expect(await filtered("toRecipients/any(r:r/emailAddress/address eq 'alice@lab.test')")).toEqual(all)
    expect(await filtered("categories/any(c:c eq 'Red')")).toEqual([])
  })

  it('searches messages', async () => {
    await send('invoice', { text: 'Please pay 10 euros' })
    await send('party', { from: 'carol@x.example' })
    const found = (search: string) => subjects(`$search=${encodeURIComponent(search)}`)
    expect(await found('"euros"')).toEqual(['invoice'])
    expect(await found('"from:carol"')).toEqual(['party'])
    expect(await found('"subject:invoice AND to:alice"')).toEqual(['invoice'])
    expect(await found('"NOT subject:invoice"')).toEqual(['party'])
    expect(await found('"subject:\\"party\\""')).toEqual(['party'])
    expect(await errorOf('messages?$search="a"&$orderby=subject')).toEqual([400, 'SearchWithOrderBy'])
    expect(await found('"subject:party OR euros"')).toEqual(['party', 'invoice'])
    expect(await found('"(subject:party OR subject:invoice) NOT from:carol"')).toEqual(['invoice'])
    expect(await found('-(party OR nothing)')).toEqual(['invoice'])
    expect(await found('"subject:\\"please or pay\\" OR body:\\"pay 10\\""')).toEqual(['invoice'])
    expect(await errorOf('messages?$search="kind:email"')).toEqual([501, 'NotImplemented'])
    for (const search of ['"(a"', '"OR a"', '"a OR"', '"subject:"', '"a)"', '""'])
      expect([search, ...(await errorOf(`messages?$search=${search}`))]).toEqual([search, 400, 'BadRequest'])
  })

  it('finds no blind copies of others', async () => {
    await http.lab.deliver('From: x@y.example\r\nTo: alice@lab.test\r\nSubject: blind\r\n\r\nHi\r\n', {
      to: ['alice', 'bob'],
    })
    const search = encodeURIComponent('"bcc:bob"')
    expect(await subjects(`$search=${search}`)).toEqual([])
    expect(await subjects(`$search=${search}`, 'bob')).toEqual(['blind'])
  })

  it('shows a message, its attachments and its octets', async () => {
    await send('files', { more: ATTACHED })
    const { id } = await first()
    const { body } = await ask(`messages/${id}?$expand=attachments`)
    expect(body).toMatchObject({
      hasAttachments: true,
      importance: 'high',
      isRead: false,
      body: { contentType: 'html' },
      bodyPreview: 'Grüße',
      attachments: [{ name: 'a.pdf', contentType: 'application/pdf', size: 4, isInline: false }],
    })
    expect(body.internetMessageHeaders).toBe(undefined)
    const narrow = await ask(`messages/${id}?$select=id&$expand=attachments($select=name)`)
    expect(narrow.body.attachments).toMatchObject([{ name: 'a.pdf' }])
    expect(await errorOf(`messages/${id}?$expand=extensions`)).toEqual([501, 'NotImplemented'])
    const text = await ask(`messages/${id}`, { headers: { prefer: 'outlook.body-content-type="text"' } })
    expect(text.body.body).toEqual({ contentType: 'text', content: expect.stringContaining('Grüße') })
    expect(text.headers.get('preference-applied')).toMatch(/text/)
    const { internetMessageHeaders } = (await ask(`messages/${id}?$select=internetMessageHeaders`)).body
    expect(internetMessageHeaders).toContainEqual({ name: 'Subject', value: 'files' })
    const [one] = (await ask(`messages/${id}/attachments`)).body.value
    expect(Buffer.from(one.contentBytes, 'base64').toString()).toBe('%PDF')
    for (const path of ['$value', '$VALUE'])
      expect((await ask(`messages/${id}/attachments/${one.id}/${path}`)).body).toBe('%PDF')
    const octets = (await ask(`messages/${id}/$value`)).body
    const source = await overImap(
      async (client) => (await client.fetchOne('*', { source: true })) as { source: Buffer },
    )
    expect(octets).toBe(source.source.toString())
  })

  it('answers bad requests with the errors of Graph', async () => {
    await send('one')
    for (const filter of [
      'isRead eq',
      "subject eq 'open",
      'isRead',
      'nothing eq 1',
      'from/nothing eq 1',
      "subject eq 'a' x",
      '(isRead eq true',
      'isRead eq true)',
      "receivedDateTime ge 'soon'",
      `${'('.repeat(3000)}isRead eq true`,
      `${'not '.repeat(3000)}isRead eq true`,
      Array(101).fill('isRead eq true').join(' or '),
      'contains(subject)',
      "categories/any(c:c eq 'a'",
      "__proto__ eq 'a'",
      "constructor eq 'a'",
      '',
      '%00',
    ])
      expect([filter.slice(0, 20), ...(await errorOf(`messages?$filter=${encodeURIComponent(filter)}`))]).toEqual([
        filter.slice(0, 20),
        400,
        'BadRequest',
      ])
    const { body } = await ask('messages?$filter=isRead%20eq')
    expect(body.error.message).toMatch(/at position 9/)
    expect(body.error.innerError).toMatchObject({ 'request-id': expect.any(String), date: expect.any(String) })
    for (const query of [
      '$top=0',
      '$top=x',
      '$top=1001',
      '$skip=-1',
      '$select=nothing',
      '$orderby=nothing',
      '$skiptoken=x',
    ])
      expect([query, ...(await errorOf(`messages?${query}`))]).toEqual([query, 400, 'BadRequest'])
    expect((await ask(`messages?$filter=${'a'.repeat(1_000_000)}`)).status).toBe(431)
    expect((await ask(`messages?$filter=${'a'.repeat(10_000)}`)).status).toBe(400)
    expect((await ask(`messages?$search=${'a%20'.repeat(2_000)}`)).status).toBe(400)
    expect(await errorOf('messages?$filter=isRead eq false&$orderby=receivedDateTime')).toEqual([
      400,
      'InefficientFilter',
    ])
    expect(await errorOf('messages/nothing')).toEqual([400, 'ErrorInvalidIdMalformed'])
    expect(await errorOf('messages/%')).toEqual([400, 'ErrorInvalidIdMalformed'])
    expect(await errorOf('messages/F1.7')).toEqual([404, 'ErrorItemNotFound'])
    expect(await errorOf('mailFolders/outbox')).toEqual([404, 'ErrorItemNotFound'])
    expect(await errorOf('calendar')).toEqual([501, 'NotImplemented'])
    const none = await http.request('/graph/v1.0/me/messages')
    expect([none.status, none.body.error.code]).toEqual([401, 'InvalidAuthenticationToken'])
  })

  it('shows no mail of another account', async () => {
    await send('secret')
    const { id, parentFolderId } = await first()
    expect((await ask('messages', {}, 'bob')).body.value).toEqual([])
    for (const path of [
      `messages/${id}`,
      `messages/${id}/$value`,
      `mailFolders/${parentFolderId}`,
      `mailFolders/${parentFolderId}/messages`,
    ])
      expect(await errorOf(path, {}, 'bob')).toEqual([404, 'ErrorItemNotFound'])
    expect(await errorOf(`mailFolders/${parentFolderId}`, { method: 'DELETE' }, 'bob')).toEqual([
      404,
      'ErrorItemNotFound',
    ])
    const users = { 'alice@lab.test': [403, 'ErrorAccessDenied'], 'nobody@lab.test': [404, 'ErrorInvalidUser'] }
    for (const [user, error] of Object.entries(users))
      for (const path of [`users/${user}/messages`, `users/${user.replace('@', '%40')}/mailFolders`, `users/${user}`]) {
        const headers = bearer(await http.lab.accessToken({ user: 'bob' }))
        const { status, body } = await http.request(`/graph/v1.0/${path}`, { headers })
        expect([path, status, body.error.code]).toEqual([path, ...error])
      }
    const { '@odata.nextLink': link, '@odata.deltaLink': state } = {
      ...(await ask('messages?$top=1')).body,
      ...(await ask('mailFolders/inbox/messages/delta')).body,
    }
    const token = new URL(state).searchParams.get('$deltatoken')
    expect(link).toBe(undefined)
    expect(await errorOf(state, {}, 'bob')).toEqual([410, 'syncStateNotFound'])
    expect(await errorOf(`mailFolders/${parentFolderId}/messages/delta?$deltatoken=${token}`, {}, 'bob')).toEqual([
      404,
      'ErrorItemNotFound',
    ])
  })
})

describe('the account', () => {
  it('is shown as the user', async () => {
    const headers = bearer(await http.lab.accessToken({ user: 'alice' }))
    for (const path of ['me', 'me?$select=displayName,mail', 'users/alice@lab.test']) {
      const { status, body } = await http.request(`/graph/v1.0/${path}`, { headers })
      expect([path, status, body]).toMatchObject([path, 200, { mail: 'alice@lab.test', displayName: 'alice' }])
    }
    const { body } = await http.request('/graph/v1.0/me', { headers })
    expect(body).toMatchObject({ userPrincipalName: 'alice@lab.test' })
    expect((await http.request(`/graph/v1.0/users/${body.id}/messages`, { headers })).status).toBe(200)
  })
})

describe('changes', () => {
  const patch = (id: string, json: object) => ask(`messages/${id}`, { method: 'PATCH', json })
  const post = (path: string, json: object = {}) => ask(path, { method: 'POST', json })
  const flagsOf = () =>
    overImap(async (client) =>
      [...((await client.fetchOne('*', { flags: true })) as { flags: Set<string> }).flags].sort(),
    )

  it('changes flags, categories and importance, as IMAP sees them', async () => {
    await send('one')
    const { id } = await first()
    const { status, body } = await patch(id, {
      isRead: true,
      categories: ['Red', 'To do'],
      importance: 'high',
      flag: { flagStatus: 'flagged' },
    })
    expect(status).toBe(200)
    expect(body).toMatchObject({
      isRead: true,
      categories: ['Red', 'To do'],
      importance: 'high',
      flag: { flagStatus: 'flagged' },
    })
    expect(await flagsOf()).toEqual(['$Important', 'Red', 'To~do', '\\Flagged', '\\Seen'])
    await overImap((client) => client.messageFlagsRemove('*', ['\\Seen', '\\Flagged']))
    expect(await first()).toMatchObject({
      isRead: false,
      flag: { flagStatus: 'notFlagged' },
      categories: ['Red', 'To do'],
    })
    expect(
      (await patch(id, { flag: { flagStatus: 'complete' }, importance: 'normal', categories: [] })).body,
    ).toMatchObject({ flag: { flagStatus: 'complete' }, importance: 'normal', categories: [] })
    expect((await patch(id, { importance: 'low' })).body.error.code).toBe('ErrorInvalidPropertySet')
    expect((await patch(id, { subject: 'two' })).status).toBe(501)
    expect((await patch(id, { inferenceClassification: 'other' })).status).toBe(501)
    expect((await patch(id, { inferenceClassification: 'focused' })).status).toBe(200)
    expect((await patch(id, { isRead: 'yes' })).body.error.code).toBe('ErrorInvalidRequest')
    expect((await patch(id, { categories: ['a"b'] })).body.error.code).toBe('ErrorInvalidRequest')
  })

  it('moves, copies and deletes messages', async () => {
    await send('one')
    const moved = await post(`messages/${(await first()).id}/move`, { destinationId: 'archive' })
    expect([moved.status, moved.body.subject]).toEqual([201, 'one'])
    const copied = await post(`messages/${moved.body.id}/copy`, { destinationId: 'inbox' })
    expect([copied.status, copied.body.parentFolderId]).toEqual([201, (await ask('mailFolders/inbox')).body.id])
    expect(await overImap(async (client) => (client.mailbox as { exists: number }).exists)).toBe(1)
    expect((await ask(`messages/${copied.body.id}`, { method: 'DELETE' })).status).toBe(204)
    const [trashed] = (await ask('mailFolders/deleteditems/messages')).body.value
    expect(trashed.subject).toBe('one')
    expect((await ask(`messages/${trashed.id}`, { method: 'DELETE' })).status).toBe(204)
    expect(await errorOf(`messages/${trashed.id}`)).toEqual([404, 'ErrorItemNotFound'])
    // Paths are the same in any case.
    expect((await post(`messages/${moved.body.id}/permanentdelete`)).status).toBe(204)
    expect(await subjects('')).toEqual([])
    expect((await post('messages/F1.1/move', { destinationId: 'inbox' })).status).toBe(404)
  })

  it('creates drafts and sends them', async () => {
    const to = (address: string) => [{ emailAddress: { address } }]
    const draft = await post('messages', {
      subject: 'Draft',
      body: { contentType: 'Text', content: 'Hi' },
      toRecipients: to('bob@lab.test'),
      bccRecipients: to('alice@lab.test'),
    })
    expect([draft.status, draft.body.isDraft, draft.body.bccRecipients.length]).toEqual([201, true, 1])
    expect(await subjects('', 'bob')).toEqual([])
    expect((await post(`messages/${draft.body.id}/send`)).status).toBe(202)
    expect((await ask('mailFolders/drafts/messages')).body.value).toEqual([])
    expect((await ask('mailFolders/sentitems/messages')).body.value).toMatchObject([
      { subject: 'Draft', isDraft: false },
    ])
    const [received] = (await ask('messages', {}, 'bob')).body.value
    expect([received.subject, received.bccRecipients]).toEqual(['Draft', []])
    expect(
      await errorOf(`messages/${(await ask('mailFolders/sentitems/messages')).body.value[0].id}/send`, {
        method: 'POST',
        json: {},
      }),
    ).toEqual([400, 'ErrorInvalidRequest'])
  })
})

describe('folders', () => {
  const post = (path: string, json: object) => ask(path, { method: 'POST', json })

  it('lists, creates, renames and deletes folders, as IMAP sees them', async () => {
    await send('one')
    const inbox = (await ask('mailFolders/inbox')).body
    expect(inbox).toMatchObject({
      displayName: 'Inbox',
      totalItemCount: 1,
      unreadItemCount: 1,
      parentFolderId: 'msgfolderroot',
    })
    const work = await post('mailFolders', { displayName: 'Work' })
    expect([work.status, work.body.displayName]).toEqual([201, 'Work'])
    const child = await post(`mailFolders/${work.body.id}/childFolders`, { displayName: 'Plans' })
    expect(child.body.parentFolderId).toBe(work.body.id)
    const names = await overImap(async (client) => (await client.list()).map(({ path }) => path))
    expect(names).toEqual(expect.arrayContaining(['Work', 'Work/Plans']))
    expect((await ask(`mailFolders/${work.body.id}/childFolders`)).body.value).toMatchObject([
      { displayName: 'Plans', childFolderCount: 0 },
    ])
    expect((await ask("mailFolders?$filter=displayName eq 'work'&$select=displayName")).body.value).toEqual([
      { displayName: 'Work' },
    ])
    const below = `mailFolders/${work.body.id}/childFolders/${child.body.id}`
    expect((await ask(below)).body).toMatchObject({ id: child.body.id, displayName: 'Plans' })
    expect((await ask(`${below}/messages`)).body.value).toEqual([])
    expect((await ask(`mailFolders('${work.body.id}')/childFolders('${child.body.id}')`)).status).toBe(200)
    const renamed = await ask(`mailFolders/${work.body.id}`, { method: 'PATCH', json: { displayName: 'Jobs' } })
    expect(renamed.body).toMatchObject({ id: work.body.id, displayName: 'Jobs', childFolderCount: 1 })
    await overImap((client) => client.mailboxCreate('By IMAP'))
    expect(
      (await ask('mailFolders?$top=100')).body.value.map((one: { displayName: string }) => one.displayName),
    ).toContain('By IMAP')
    expect(await errorOf('mailFolders', { json: { displayName: 'Jobs' } })).toEqual([409, 'ErrorFolderExists'])
    expect(await errorOf('mailFolders', { json: { displayName: 'a/b' } })).toEqual([400, 'ErrorInvalidRequest'])
    expect(await errorOf('mailFolders/inbox', { method: 'DELETE' })).toEqual([400, 'ErrorDeleteDistinguishedFolder'])
    expect((await ask(`mailFolders/${work.body.id}`, { method: 'DELETE' })).status).toBe(204)
    expect(await errorOf(`mailFolders/${child.body.id}`)).toEqual([404, 'ErrorItemNotFound'])
  })
})

describe('delta', () => {
  const all = async (path: string) => {
    const values: { id: string; subject?: string; displayName?: string; '@removed'?: object }[] = []
    let link = path
    for (;;) {
      const { status, body } = await ask(link, { headers: { prefer: 'odata.maxpagesize=2' } })
      expect([status, body.error]).toEqual([200, undefined])
      values.push(...body.value)
      if (body['@odata.deltaLink']) return { values, link: body['@odata.deltaLink'] as string }
      link = body['@odata.nextLink']
    }
  }

  it('tells new, changed and deleted messages', async () => {
    for (const name of ['1', '2', '3', '4', '5']) await send(name)
    const start = await all('mailFolders/inbox/messages/delta?$select=subject,isRead')
    expect(start.values.map(({ subject }) => subject).sort()).toEqual(['1', '2', '3', '4', '5'])
    expect((await all(start.link)).values).toEqual([])
    await send('6')
    const gone = await overImap(async (client) => {
      await client.messageFlagsAdd('2', ['\\Seen'])
      await client.messageDelete('1')
    })
    void gone
    const next = await all(start.link)
    expect(next.values).toEqual([
      expect.objectContaining({ subject: '6', isRead: false }),
      expect.objectContaining({ subject: '2', isRead: true }),
      { id: start.values.find(({ subject }) => subject === '1')?.id, '@removed': { reason: 'deleted' } },
    ])
    expect((await all(next.link)).values).toEqual([])
    const dated = await all(`mailFolders/inbox/messages/delta?$filter=receivedDateTime ge 2000-01-01T00:00:00Z`)
    expect(dated.values).toHaveLength(5)
    expect(await errorOf('mailFolders/inbox/messages/delta?changeType=created')).toEqual([501, 'NotImplemented'])
    expect((await all('mailFolders/inbox/messages/delta?$deltatoken=latest')).values).toEqual([])
  })

  it('refuses a state of a folder that was created again', async () => {
    const { id } = (await ask('mailFolders', { json: { displayName: 'Short' } })).body
    const { link } = await all(`mailFolders/${id}/messages/delta`)
    await ask(`mailFolders/${id}`, { method: 'DELETE' })
    const again = (await ask('mailFolders', { json: { displayName: 'Short' } })).body
    expect(await errorOf(link.replace(id, again.id))).toEqual([410, 'syncStateNotFound'])
    for (const token of ['x', Buffer.from('{"folder":1}').toString('base64url')])
      expect(await errorOf(`mailFolders/inbox/messages/delta?$deltatoken=${token}`)).toEqual([410, 'syncStateNotFound'])
  })

  it('ends with its folder, and with the mail of the lab', async () => {
    const { id } = (await ask('mailFolders', { json: { displayName: 'Short' } })).body
    const ofFolder = (await all(`mailFolders/${id}/messages/delta`)).link
    await overImap((client) => client.mailboxDelete('Short'))
    expect(await errorOf(ofFolder)).toEqual([404, 'ErrorItemNotFound'])
    await send('one')
    const { link } = await all('mailFolders/inbox/messages/delta')
    const folders = await all('mailFolders/delta')
    await http.request('reset', { method: 'POST', json: {} })
    await send('two')
    expect(await errorOf(link)).toEqual([410, 'syncStateNotFound'])
    expect((await all(folders.link)).values.filter((one) => one['@removed'])).toHaveLength(6)
  })

  it('continues for an account with many folders', { timeout: 60_000 }, async () => {
    const client = await ImapClient.open(http.lab.server('imap4').port, 'alice', 'secret')
    for (let at = 0; at < 1000; at++) client.send(`CREATE "Folder ${at}"`)
    await client.ok('NOOP')
    client.destroy()
    const { link } = await all('mailFolders/delta?$select=displayName')
    expect(link.length).toBeLessThan(200)
    await overImap((client) => client.mailboxDelete('Folder 7'))
    expect((await all(link)).values).toMatchObject([{ '@removed': { reason: 'deleted' } }])
  })

  it('tells new, changed and deleted folders', async () => {
    const { id } = (await ask('mailFolders', { json: { displayName: 'One' } })).body
    const start = await all('mailFolders/delta')
    expect(start.values.map(({ displayName }) => displayName)).toContain('One')
    await send('x')
    await ask(`mailFolders/${id}`, { method: 'DELETE' })
    const next = await all(start.link)
    expect(next.values).toEqual([
      expect.objectContaining({ displayName: 'Inbox', totalItemCount: 1 }),
      { id, '@removed': { reason: 'deleted' } },
    ])
    await ask('mailFolders/inbox/childFolders', { json: { displayName: 'Inside' } })
    expect((await all(next.link)).values).toEqual([
      expect.objectContaining({ displayName: 'Inbox', childFolderCount: 1 }),
      expect.objectContaining({ displayName: 'Inside' }),
    ])
    for (const token of ['x', '', '1', '-1', '9'.repeat(15), 'x'.repeat(5000)])
      expect(await errorOf(`mailFolders/delta?$deltatoken=${token}`)).toEqual([410, 'syncStateNotFound'])
  })
})
