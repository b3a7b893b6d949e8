import { createTransport } from 'nodemailer'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { freePorts } from '../../support/free-ports.ts'
import { ImapClient } from '../../support/imap-client.ts'
import { LineClient } from '../../support/line-client.ts'
import { type StartedLab, Workplace } from '../../support/sealpost.ts'

const place = new Workplace()

describe('an application written for smtp4dev', () => {
  let lab: StartedLab
  let ports: Record<'smtp' | 'http' | 'imap', number>
  beforeAll(async () => {
    const [smtp = 0, http = 0, imap = 0, pop3 = 0] = await freePorts(4)
    ports = { smtp, http, imap }
    const env = {
      SERVEROPTIONS__URLS: `http://127.0.0.1:${http}`,
      ServerOptions__Port: `${smtp}`,
      ServerOptions__BasePath: '/smtp4dev',
    }
    lab = await place.start(['--like', 'smtp4dev', '--', `--imapport=${imap}`, `--pop3port=${pop3}`], { env })
  })
  afterAll(() => lab.end())

  const send = (subject: string, auth?: object) =>
    createTransport({ host: '127.0.0.1', port: ports.smtp, ...(auth ? { auth } : {}) }).sendMail({
      from: 'shop@example.com',
      to: 'jane@example.org',
      subject,
      text: 'Hi',
    })

  it('sends with any name and password, or none, and reads at the root and below its path', async () => {
    await send('One')
    await send('Two', { user: 'any', pass: 'thing' })
    await send('Three')
    for (const base of ['', '/smtp4dev']) {
      const answer = await fetch(`http://127.0.0.1:${ports.http}${base}/api/Messages?pageSize=10`)
      const { results } = (await answer.json()) as { results: { subject: string }[] }
      expect(results.map(({ subject }) => subject)).toEqual(['Three', 'Two', 'One'])
    }
    // As in smtp4dev, every user has all mail.
    const imap = await ImapClient.open(ports.imap, 'anyone', 'anything')
    expect(JSON.stringify(await imap.ask('SELECT INBOX'))).toContain('3 EXISTS')
    await imap.ask('LOGOUT')
    expect((await fetch(`http://127.0.0.1:${ports.http}/api/Messages/*`, { method: 'DELETE' })).status).toBe(200)
  })
})

/** A message in a list of smtp4dev's API. */
interface Summary {
  readonly id: string
  readonly subject: string
  readonly to: readonly string[]
}

/** The examples of smtp4dev's documentation. */
const DOCUMENTED = {
  ServerOptions__Mailboxes__0: JSON.stringify({
    Name: 'SRS',
    Recipients: '*',
    HeaderFilters: [{ Header: 'X-Application', Pattern: 'srs' }],
  }),
  ServerOptions__Mailboxes__1__Name: 'Scored',
  ServerOptions__Mailboxes__1__Recipients: '*',
  ServerOptions__Mailboxes__1__HeaderFilters__0__Header: 'X-Spam-Score',
  ServerOptions__Mailboxes__1__HeaderFilters__0__Pattern: '/^[0-4]\\./',
  ServerOptions__Mailboxes__2__Name: 'Scanned',
  ServerOptions__Mailboxes__2__Recipients: '*',
  ServerOptions__Mailboxes__2__HeaderFilters__0__Header: 'X-Antivirus',
  ServerOptions__Mailboxes__2__HeaderFilters__0__Pattern: '.*',
  ServerOptions__Mailboxes__3__Name: 'Legacy Stack',
  ServerOptions__Mailboxes__3__Recipients: '*',
  ServerOptions__Mailboxes__3__SourceFilters__0__Pattern: '*.legacy.example.org',
  ServerOptions__Mailboxes__4__Name: 'Sales',
  ServerOptions__Mailboxes__4__Recipients: '/.*@(sales|marketing)\\.com$/, sales@*',
  ServerOptions__Users__0__Username: 'seller',
  ServerOptions__Users__0__Password: 'secret',
  ServerOptions__Users__0__DefaultMailbox: 'Sales',
}

it('mail is in the mailbox of the first rule that matches, and each user reads one of them', async () => {
  const [smtp = 0, http = 0, imap = 0, pop3 = 0] = await freePorts(4)
  const env = { ...DOCUMENTED, ServerOptions__Urls: `http://127.0.0.1:${http}`, ServerOptions__Port: `${smtp}` }
  const flags = [`--imapport=${imap}`, `--pop3port=${pop3}`, '--mailbox=Support=support@*, help@*']
  await using _lab = await place.start(['--like', 'smtp4dev', '--', ...flags], { env })
  const send = (subject: string, to: string[], options: object = {}, headers: Record<string, string> = {}) =>
    createTransport({ host: '127.0.0.1', port: smtp, ...options }).sendMail({
      from: 'a@b.example',
      to,
      subject,
      headers,
    })
  await send('header', ['x@sales.com'], {}, { 'X-Application': 'SRS' })
  await send('score', ['x@sales.com'], {}, { 'X-Spam-Score': '3.9' })
  await send('scanned', ['x@y.example'], {}, { 'X-Antivirus': 'clean' })
  await send('source', ['x@sales.com'], { name: 'app1.legacy.example.org' })
  await send('two', ['x@marketing.com', 'x@sales.com', 'help@y.example'])
  await send('none', ['x@y.example'], {}, { 'X-Spam-Score': '5.0' })
  await send('user', ['help@y.example'], { auth: { user: 'seller', pass: 'secret' } }, { 'X-Application': 'srs' })
  const url = (path: string): string => `http://127.0.0.1:${http}/api/${path}`
  const json = async <Body>(path: string): Promise<Body> => (await (await fetch(url(path))).json()) as Body
  const list = async (query: string): Promise<readonly Summary[]> =>
    (await json<{ results: readonly Summary[] }>(`messages?pageSize=50&${query}`)).results
  const subjects = async (mailbox: string): Promise<string[]> =>
    (await list(`mailboxName=${mailbox}`)).map(({ subject }) => subject)
  expect((await json<{ name: string }[]>('mailboxes')).map(({ name }) => name)).toEqual([
    ...['Sales', 'SRS', 'Scored', 'Scanned', 'Legacy Stack', 'Support', 'Default'],
  ])
  for (const [mailbox, found] of [
    ['SRS', ['header']],
    ['Scored', ['score']],
    ['Scanned', ['scanned']],
    ['Legacy Stack', ['source']],
    ['Sales', ['user', 'two']],
    ['Support', ['two']],
    ['Default', ['none']],
    ['', ['none']],
    ['Nowhere', []],
  ] as const)
    expect([mailbox, await subjects(mailbox)]).toEqual([mailbox, found])
  // Each mailbox has a message of its own, with the recipients that led there.
  const [inSupport] = await list('mailboxName=Support')
  expect(inSupport?.to).toEqual(['help@y.example'])
  expect((await fetch(url(`messages/${inSupport?.id}`), { method: 'DELETE' })).status).toBe(200)
  expect([await subjects('Support'), await subjects('Sales')]).toEqual([[], ['user', 'two']])
  const [, inSales] = await list('mailboxName=Sales')
  const { deliveredTo } = await json<{ deliveredTo: string[] }>(`messages/${inSales?.id}`)
  expect(deliveredTo).toEqual(['x@marketing.com', 'x@sales.com'])
  const inbox = async (user: string, password: string): Promise<string> => {
    const client = await ImapClient.open(imap, user, password)
    const answer = JSON.stringify(await client.ask('SELECT INBOX'))
    await client.ask('LOGOUT')
    return /(\d+) EXISTS/.exec(answer)?.[1] ?? answer
  }
  expect(await inbox('seller', 'secret')).toBe('2')
  const mailbox = await LineClient.open(pop3)
  mailbox.send('USER seller\r\nPASS secret\r\nSTAT\r\nQUIT\r\n')
  expect((await mailbox.rest())[3]).toMatch(/^\+OK 2 /)
  expect((await fetch(url('messages/*?mailboxName=Sales'), { method: 'DELETE' })).status).toBe(200)
  expect([await subjects('Sales'), await subjects('SRS')]).toEqual([[], ['header']])
})

it('variables become the configuration, in upper or lower case, and what has no counterpart is named', async () => {
  const env = {
    SERVEROPTIONS__PORT: '0',
    SERVEROPTIONS__IMAPPORT: '0',
    SERVEROPTIONS__POP3PORT: '0',
    SERVEROPTIONS__URLS: 'http://127.0.0.1:0',
    ServerOptions__Users__0__Username: 'app',
    ServerOptions__Users__0__Password: 'secret',
    ServerOptions__AuthenticationRequired: 'true',
    ServerOptions__SmtpAllowAnyCredentials: 'false',
    ServerOptions__Mailboxes__0__Name: 'Sales',
    ServerOptions__Mailboxes__0__Recipients: '*@sales.example, /^(a|b)@(x|y[12])\\.example$/',
    ServerOptions__Mailboxes__0__HeaderFilters__0__Header: 'X-Priority',
    ServerOptions__Mailboxes__0__HeaderFilters__0__Pattern: '/^(high|urgent)$/',
    ServerOptions__Mailboxes__0__SourceFilters__0__Pattern: '10.*',
    ServerOptions__Mailboxes__1: 'Default=*',
    ServerOptions__Users__0__DefaultMailbox: 'Nowhere',
    ServerOptions__DeliverMessagesToUsersDefaultMailbox: 'false',
    ServerOptions__Prot: '25',
    RelayOptions__SmtpServer: 'mail.example.test',
    RelayOptions__TlsMode: 'StartTls',
    RelayOptions__AutomaticEmails__0: 'dev@example.test',
  }
  const { stdout } = await place.run(['config', 'show', '--text', '--secrets', '--like', 'smtp4dev'], { env })
  expect(parse(stdout).mail.captured).toEqual({
    folder: 'all',
    mailboxes: [
      {
        name: 'Sales',
        filters: {
          to: [
            '*@sales.example',
            ...['a', 'b'].flatMap((one) => ['x', 'y1', 'y2'].map((two) => `${one}@${two}.example`)),
          ],
          header: { 'X-Priority': ['high', 'urgent'] },
          client: ['10.*'],
        },
      },
      { name: 'all', filters: {} },
    ],
  })
  for (const part of ['user: app', 'host: mail.example.test', 'tls: encrypt', '- dev@example.test', 'messages: 100'])
    expect(stdout).toContain(part)
  expect(stdout).not.toContain('anonymous')
  expect(stdout).not.toContain('imap4')
  const { stderr } = await place.run(['check', '--like', 'smtp4dev'], { env })
  expect(stderr).toMatch(/ServerOptions__Users__0__DefaultMailbox: has no effect: there is no mailbox Nowhere/)
  expect(stderr).toMatch(
    /ServerOptions__Prot: unknown variable of smtp4dev, ignored; did you mean ServerOptions__Port\?/,
  )
})
