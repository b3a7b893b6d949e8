import { ImapFlow } from 'imapflow'
import { beforeEach, describe, expect, it } from 'vitest'
import { bearer, HttpLab } from '../client.ts'

const http = HttpLab.ofTests({
  directory: {
    accounts: ['alice', 'bob', 'carol', 'dave'].map((user) => ({ user, password: 'secret' })),
  },
  virtualServers: [{ protocol: 'smtp' }, { protocol: 'imap4' }, { protocol: 'http', providers: ['graph'] }],
})
beforeEach(() => http.request('reset', { method: 'POST', json: {} }))

const ask = async (path: string, json: unknown, method = 'POST') =>
  http.request(`/graph/v1.0/me/${path}`, {
    method,
    headers: bearer(await http.lab.accessToken({ user: 'alice' })),
    ...(typeof json === 'string' ? { body: json } : { json }),
  })

const MESSAGE = [
  'From: Bob <bob@lab.test>',
  'To: Alice <alice@lab.test>, carol@lab.test',
  'Cc: dave@lab.test',
  'Message-ID: <two@x>',
  'References: <one@x>',
  'Subject: Plan',
  'Date: Wed, 02 Dec 2026 10:00:00 +0000',
].join('\r\n')
const TEXT = `${MESSAGE}\r\n\r\nWhat now?\r\n`
const HTML = `${MESSAGE}
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary=b

--b
Content-Type: text/html

<p>What <b>now</b>?</p>
--b
Content-Type: application/pdf
Content-Disposition: attachment; filename=plan.pdf
Content-Transfer-Encoding: base64

JVBERg==
--b--
`.replaceAll(/\r?\n/g, '\r\n')

/** Delivers a message to alice. Returns its id at Graph. */
async function deliver(message: string): Promise<string> {
  await http.lab.deliver(message, { to: 'alice@lab.test' })
  const { body } = await http.request('/graph/v1.0/me/messages?$top=1', {
    headers: bearer(await http.lab.accessToken({ user: 'alice' })),
  })
  return body.value[0].id
}

/** Returns what IMAP shows of the last message in a folder. */
async function overImap(user: string, folder: string) {
  const client = new ImapFlow({ ...http.lab.imapflow({ user, pass: 'secret' }), logger: false })
  await client.connect()
  const lock = await client.getMailboxLock(folder)
  try {
    const found = await client.fetchOne('*', { envelope: true, flags: true, source: true, bodyStructure: true })
    return found || undefined
  } finally {
    lock.release()
    await client.logout()
  }
}
const addresses = (list: readonly { readonly address?: string | undefined }[] | undefined) =>
  list?.map(({ address }) => address)

describe('reply', () => {
  it('answers the sender, quotes the message, keeps a copy and marks the message, as IMAP sees', async () => {
    const id = await deliver(TEXT)
    expect(await ask(`messages/${id}/reply`, { comment: 'Go <on>' })).toMatchObject({ status: 202, body: '' })
    const message = await http.lab.waitForMessage({ to: 'bob@lab.test' })
    expect([message.subject, message.headers.get('in-reply-to'), message.headers.get('references')]).toEqual([
      'RE: Plan',
      '<two@x>',
      '<one@x> <two@x>',
    ])
    expect(message.text).toContain('Go <on>')
    expect(message.text).toContain('From: Bob <bob@lab.test>')
    expect(message.text).toContain('What now?')
    const sent = await overImap('alice', 'Sent')
    expect([sent?.envelope?.subject, addresses(sent?.envelope?.to)]).toEqual(['RE: Plan', ['bob@lab.test']])
    expect((await overImap('alice', 'INBOX'))?.flags).toContain('\\Answered')
  })

  it('answers Reply-To, and adds the recipients of the request', async () => {
    const id = await deliver(TEXT.replace('Cc:', 'Reply-To: carol@lab.test\r\nCc:').replace('Plan', 'RE: Plan'))
    const message = { toRecipients: [{ emailAddress: { address: 'dave@lab.test' } }], importance: 'high' }
    await ask(`messages/${id}/reply`, { message, comment: '' })
    const sent = await http.lab.waitForMessage({ to: 'dave@lab.test' })
    expect([sent.subject, sent.envelope.to]).toEqual(['RE: Plan', ['carol@lab.test', 'dave@lab.test']])
  })

  it('answers all others, and in HTML where the message has it', async () => {
    const id = await deliver(HTML)
    await ask(`messages/${id}/replyAll`, { comment: 'Go <on>' })
    const sent = await http.lab.waitForMessage({ to: 'bob@lab.test' })
    expect(sent.envelope.to).toEqual(['bob@lab.test', 'carol@lab.test', 'dave@lab.test'])
    expect(sent.html).toContain('Go &lt;on&gt;')
    expect(sent.html).toContain('<p>What <b>now</b>?</p>')
    expect([addresses(sent.to), addresses(sent.cc), sent.attachments]).toEqual([
      ['bob@lab.test', 'carol@lab.test'],
      ['dave@lab.test'],
      [],
    ])
  })

  it('answers the recipients of a message that the account has sent', async () => {
    const id = await deliver(
      TEXT.replace('Bob <bob@lab.test>', 'alice@lab.test').replace('To: Alice <alice@lab.test>, ', 'To: '),
    )
    await ask(`messages/${id}/reply`, { message: { body: { contentType: 'text', content: 'Alone' } } })
    const sent = await http.lab.waitForMessage({ to: 'carol@lab.test', subject: 'RE: Plan' })
    expect([sent.envelope.to, sent.text.trim()]).toEqual([['carol@lab.test'], 'Alone'])
  })
})

describe('forward', () => {
  it('sends the message with its files', async () => {
    const id = await deliver(HTML)
    const toRecipients = [{ emailAddress: { address: 'dave@lab.test' } }]
    expect((await ask(`messages/${id}/forward`, { comment: 'See', toRecipients })).status).toBe(202)
    const sent = await http.lab.waitForMessage({ to: 'dave@lab.test', subject: 'FW: Plan' })
    expect(sent.attachments.map(({ filename, content }) => [filename, `${content}`])).toEqual([['plan.pdf', '%PDF']])
    expect((await overImap('alice', 'INBOX'))?.flags).toContain('$Forwarded')
  })
})

describe('drafts of answers', () => {
  it.each([
    ['createReply', 'RE: Plan', ['bob@lab.test']],
    ['createReplyAll', 'RE: Plan', ['bob@lab.test', 'carol@lab.test']],
    ['createForward', 'FW: Plan', undefined],
  ])('%s saves a draft, which can be sent', async (action, subject, to) => {
    const id = await deliver(TEXT)
    const { status, body } = await ask(`messages/${id}/microsoft.graph.${action}`, undefined)
    expect([status, body.isDraft, body.subject]).toEqual([201, true, subject])
    const draft = await overImap('alice', 'Drafts')
    expect([draft?.envelope?.subject, addresses(draft?.envelope?.to)]).toEqual([subject, to])
    expect((await overImap('alice', 'INBOX'))?.flags).not.toContain('\\Answered')
    if (to) {
      expect((await ask(`messages/${body.id}/send`, undefined)).status).toBe(202)
      await http.lab.waitForMessage({ to: 'bob@lab.test', subject })
    }
  })
})

it('sends an answer in MIME as it is', async () => {
  const id = await deliver(TEXT)
  const mime = 'To: carol@lab.test\r\nSubject: Own\r\n\r\nText\r\n'
  const answer = await http.request(`/graph/v1.0/me/messages/${id}/reply`, {
    method: 'POST',
    headers: { ...bearer(await http.lab.accessToken({ user: 'alice' })), 'content-type': 'text/plain' },
    body: Buffer.from(mime).toString('base64'),
  })
  expect(answer.status).toBe(202)
  expect((await http.lab.waitForMessage({ to: 'carol@lab.test', subject: 'Own' })).text).toBe('Text\n')
})

it('refuses as Graph does', async () => {
  const id = await deliver(TEXT)
  const refused = async (path: string, json: unknown) => {
    const { status, body } = await ask(path, json)
    return [status, body.error?.code]
  }
  const body = { contentType: 'text', content: 'x' }
  expect(await refused(`messages/${id}/reply`, { comment: 'x', message: { body } })).toEqual([
    400,
    'ErrorInvalidRequest',
  ])
  expect(await refused(`messages/${id}/forward`, { comment: 'x' })).toEqual([400, 'ErrorInvalidRequest'])
  const from = { emailAddress: { address: 'bob@lab.test' } }
  expect(await refused(`messages/${id}/reply`, { message: { from } })).toEqual([403, 'ErrorSendAsDenied'])
  const toRecipients = [{ emailAddress: { address: 'not an address' } }]
  expect(await refused(`messages/${id}/forward`, { toRecipients })).toEqual([400, 'ErrorInvalidRecipients'])
  expect(await refused(`messages/${id.replace(/\d+$/, '999')}/reply`, {})).toEqual([404, 'ErrorItemNotFound'])
  expect(await refused('messages/x/reply', {})).toEqual([400, 'ErrorInvalidIdMalformed'])
  expect(await refused(`messages/${id}/reply`, '{')).toEqual([400, 'ErrorInvalidRequest'])
})
