import { ImapFlow } from 'imapflow'
import { expect, test } from 'vitest'
import { type ClientLab, startClientLab } from '../support/client-lab.ts'
import { fetchedClient } from '../support/fetched-client.ts'
import { runProgram } from '../support/run-program.ts'

const jam = fetchedClient('jmap-jam-0.13.1/dist/index.js')
const clientTs = fetchedClient('jmap-client-ts-1.0.0/lib/index.js')

/** The beginning of both programs. They print one line of JSON for each step. */
const BEGIN = String.raw`
const [main, base, token] = process.argv.slice(1)
const sessionUrl = base + '/.well-known/jmap'
const say = (value) => console.log(JSON.stringify(value))
const draft = (mailbox) => ({
  mailboxIds: { [mailbox]: true },
  keywords: { $draft: true, $seen: true },
  from: [{ name: 'Alice', email: 'alice@lab.test' }],
  to: [{ email: 'bob@lab.test' }],
  subject: 'Grüße',
  bodyValues: { text: { value: 'Hello Bob' } },
  textBody: [{ partId: 'text', type: 'text/plain' }],
})
`

/** jmap-jam opens an EventSource, which Node.js lacks and which cannot send its token: this one does both. */
const JAM = String.raw`${BEGIN}
const { JamClient } = await import(main)
globalThis.EventSource = class extends EventTarget {
  closing = new AbortController()
  constructor(url) {
    super()
    this.read(url).catch((error) => this.closing.signal.aborted || (console.error(error), process.exit(1)))
  }
  async read(url) {
    const headers = { authorization: 'Bearer ' + token }
    const { body } = await fetch(url, { headers, signal: this.closing.signal })
    this.dispatchEvent(new Event('open'))
    let text = ''
    for await (const chunk of body.pipeThrough(new TextDecoderStream())) {
      const events = (text + chunk).split('\n\n')
      text = events.pop()
      for (const event of events) {
        const field = (name) => event.match(new RegExp('^' + name + ': (.*)$', 'm'))?.[1]
        if (field('event')) this.dispatchEvent(new MessageEvent(field('event'), { data: field('data') }))
      }
    }
  }
  close() {
    this.closing.abort()
  }
}
const next = (source, name) => new Promise((resolve) => source.addEventListener(name, resolve, { once: true }))

const client = new JamClient({ sessionUrl, bearerToken: token })
const accountId = await client.getPrimaryAccount()
const [{ list }] = await client.api.Mailbox.get({ accountId, properties: ['name', 'role', 'totalEmails'] })
say(list.map(({ name, role, totalEmails }) => [name, role, totalEmails]).sort())
const box = (wanted) => list.find(({ role }) => role === wanted).id

const [found] = await client.requestMany((t) => {
  const query = t.Email.query({ accountId, filter: { inMailbox: box('inbox') }, sort: [{ property: 'subject' }] })
  const emails = t.Email.get({ accountId, ids: query.$ref('/ids'), properties: ['subject', 'threadId'] })
  const threads = t.Thread.get({ accountId, ids: emails.$ref('/list/*/threadId') })
  return { query, emails, threads }
})
say([found.emails.list.map(({ subject }) => subject), found.threads.list.map(({ emailIds }) => emailIds.length)])
const [first] = found.query.ids

const source = await client.connectEventSource({ types: ['Email', 'Mailbox'], ping: 30 })
await next(source, 'open')
const pushed = next(source, 'state')
const [changed] = await client.api.Email.set({ accountId, update: { [first]: { 'keywords/$flagged': true, 'keywords/job': true } } })
say(Object.keys(changed.updated).length)
const { changed: states } = JSON.parse((await pushed).data)
source.close()
say(states[accountId].Email === changed.newState)

const [identities] = await client.api.Identity.get({ accountId })
const bytes = new Blob(['a,b\n'])
const upload = await client.uploadBlob(accountId, bytes, { headers: { authorization: 'Bearer ' + token, 'content-type': 'text/csv' } })
say([upload.type, upload.size])
const attachments = [{ blobId: upload.blobId, type: 'text/csv', name: 'Löhne.csv', disposition: 'attachment' }]
const [made] = await client.api.Email.set({ accountId, create: { mail: { ...draft(box('drafts')), attachments } } })
const [sent] = await client.api.EmailSubmission.set({
  accountId,
  create: { one: { emailId: made.created.mail.id, identityId: identities.list[0].id } },
  onSuccessUpdateEmail: { '#one': {
    ['mailboxIds/' + box('drafts')]: null,
    ['mailboxIds/' + box('sent')]: true,
    'keywords/$draft': null,
  } },
})
say([Object.keys(sent.created), sent.notCreated])
const [mine] = await client.api.Email.get({ accountId, ids: [made.created.mail.id], properties: ['mailboxIds', 'keywords', 'attachments'] })
const [{ mailboxIds, keywords, attachments: [file] }] = mine.list
say([mailboxIds[box('sent')], Object.keys(mailboxIds).length, keywords])
const download = await client.downloadBlob({ accountId, blobId: file.blobId, mimeType: file.type, fileName: file.name })
say([await download.text(), download.headers.get('content-type')])
say(await client.api.Email.get({ accountId, ids: 'no list' }).catch(({ type }) => type))
`

/** jmap-client-ts has one call in a request, names every capability of the session, and leaves Content-Type to its user. */
const CLIENT_TS = String.raw`${BEGIN}
const { createRequire } = await import('node:module')
const { dirname } = await import('node:path')
const load = createRequire(main)
const { Client } = load(main)
const { FetchTransport } = load(dirname(main) + '/utils/fetch-transport.js')

const httpHeaders = { 'Content-Type': 'application/json' }
const client = new Client({ sessionUrl, accessToken: token, httpHeaders, transport: new FetchTransport(fetch) })
await client.fetchSession()
const accountId = null
const { list } = await client.mailbox_get({ accountId, ids: null })
say(list.map(({ name, role, totalEmails }) => [name, role, totalEmails]).sort())
const box = (wanted) => list.find(({ role }) => role === wanted).id

const { ids } = await client.email_query({ accountId, filter: { inMailbox: box('inbox') }, sort: [{ property: 'subject' }] })
const { state, list: emails } = await client.email_get({ accountId, ids, properties: ['subject'] })
say(emails.map(({ subject }) => subject))
const { updated } = await client.email_set({ accountId, update: { [ids[0]]: { 'keywords/$flagged': true, 'keywords/job': true } } })
say(Object.keys(updated).length)
say((await client.email_changes({ accountId, sinceState: state })).updated.length)

const identities = await client.request('Identity/get', { accountId, ids: null })
const { created } = await client.email_set({ accountId, create: { mail: draft(box('drafts')) } })
const submission = { emailId: created.mail.id, identityId: identities.list[0].id }
const sent = await client.emailSubmission_set({
  accountId,
  create: { one: submission },
  onSuccessDestroyEmail: ['#one'],
})
say([Object.keys(sent.created), sent.notCreated])
const got = await client.emailSubmission_get({ accountId, ids: [sent.created.one.id] })
say([got.list[0].emailId === submission.emailId, got.list[0].undoStatus])
say((await client.email_get({ accountId, ids: [created.mail.id] })).notFound.length)
say(await client.email_get({ accountId, ids: 'no list' }).catch(({ type }) => type))
`

const startSdkLab = () =>
  startClientLab({
    virtualServers: [{ protocol: 'smtp' }, { protocol: 'pop3' }, { protocol: 'imap4' }, { protocol: 'http' }],
  })

/** Runs a program with the root of the lab in NODE_EXTRA_CA_CERTS alone. Returns what it prints. */
async function run({ lab, caFile }: ClientLab, program: string, main: string): Promise<unknown[]> {
  await lab.deliver({ subject: 'First' }, 'alice')
  await lab.deliver({ subject: 'Second' }, 'alice')
  const base = `https://localhost:${lab.server('http').tlsPort}`
  const args = ['--input-type=module', '-e', program, main, base, await lab.accessToken({ user: 'alice' })]
  const result = await runProgram(process.execPath, args, { env: { NODE_EXTRA_CA_CERTS: caFile } })
  expect(result.status, result.stdout + result.stderr).toBe(0)
  const lines = Buffer.from(result.stdout, 'latin1').toString('utf8').trim().split('\n')
  return lines.map((line) => JSON.parse(line))
}

/** Returns the subjects and flags of INBOX that IMAP shows. */
async function flagsByImap({ lab }: ClientLab): Promise<unknown[]> {
  const client = new ImapFlow({
    host: 'localhost',
    port: lab.server('imap4').tlsPort as number,
    secure: true,
    tls: { ca: lab.ca },
    auth: { user: 'alice', pass: 'secret' },
    logger: false,
  })
  await client.connect()
  try {
    await client.mailboxOpen('INBOX', { readOnly: true })
    const found = await client.fetchAll('1:*', { envelope: true, flags: true })
    return found.map(({ envelope, flags }) => [envelope?.subject, [...(flags ?? [])].sort()])
  } finally {
    client.close()
  }
}

const mailboxes = ['Archive', 'Drafts', 'INBOX', 'Junk', 'Sent', 'Trash'].map((name) => [
  name,
  name.toLowerCase(),
  name === 'INBOX' ? 2 : 0,
])
const flagged = [
  ['First', ['\\Flagged', 'job']],
  ['Second', []],
]

test.skipIf(!jam)('jmap-jam reads, flags, is pushed and sends', async () => {
  await using client = await startSdkLab()
  expect(await run(client, JAM, jam as string)).toEqual([
    mailboxes,
    [
      ['First', 'Second'],
      [1, 1],
    ],
    1,
    true,
    ['text/csv', 4],
    [['one'], null],
    [true, 1, { $seen: true }],
    ['a,b\n', 'text/csv'],
    'invalidArguments',
  ])
  expect(await flagsByImap(client)).toEqual(flagged)
  const received = await client.lab.waitForMessage({ to: 'bob@lab.test' })
  expect(received).toMatchObject({ subject: 'Grüße', text: expect.stringContaining('Hello Bob') })
  expect(received.attachments).toMatchObject([{ filename: 'Löhne.csv' }])
})

test.skipIf(!clientTs)('jmap-client-ts reads, flags, follows changes and sends', async () => {
  await using client = await startSdkLab()
  expect(await run(client, CLIENT_TS, clientTs as string)).toEqual([
    mailboxes,
    ['First', 'Second'],
    1,
    1,
    [['one'], null],
    [true, 'final'],
    1,
    'invalidArguments',
  ])
  expect(await flagsByImap(client)).toEqual(flagged)
  const { subject, text } = await client.lab.waitForMessage({ to: 'bob@lab.test' })
  expect([subject, text.trim()]).toEqual(['Grüße', 'Hello Bob'])
})
