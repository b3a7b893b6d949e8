import { createTransport } from 'nodemailer'
import { afterAll, describe, expect, it } from 'vitest'
import { Workplace } from '../support/sealpost.ts'

const TOKEN = 'token-token-token'
const place = new Workplace()

place.write(
  'lab.yaml',
  `certificates: { store: certs, key: p256 }
directory: { accounts: [{ user: alice, password: secret }, { user: bob, password: secret }] }
access:
  tokens: [{ name: ci, token: ${TOKEN} }]
virtualServers:
  - { protocol: smtp, port: 0 }
  - { protocol: http, port: 0, tlsPort: off, authentication: [basic], providers: [resend] }
`,
)
const lab = await place.start(['--config', 'lab.yaml'])
afterAll(() => lab.end())

async function sendMail(port: number, message: { to: string; subject: string; text: string }): Promise<void> {
  const transport = createTransport({ host: '127.0.0.1', port, ignoreTLS: true })
  await transport.sendMail({ from: 'shop@example.com', ...message })
}

async function mail(...args: readonly string[]) {
  const all = ['mail', ...args, ...(args.includes('--url') ? [] : ['--config', 'lab.yaml'])]
  // Commands in this process run one after another, and `wait` would keep the others waiting.
  const result = await (args[0] === 'wait' ? place.runProcess(all) : place.run(all))
  return { ...result, lines: result.stdout.trimEnd().split('\n') }
}

const json = async (...args: readonly string[]) => JSON.parse((await mail(...args, '--json')).stdout)

describe('sealpost mail', { shuffle: false }, () => {
  it('lists, searches and shows what arrived, mail for other domains too', async () => {
    const { port = 0 } = lab.endpoint('smtp')
    await sendMail(port, { to: 'bob@lab.test', subject: 'Your code', text: 'The code is 246810.' })
    await sendMail(port, { to: 'customer@gmail.com', subject: 'Newsletter', text: 'News' })
    const { lines } = await mail('list')
    expect(lines[0]).toMatch(/^ID +RECEIVED +IN +FROM +SUBJECT$/)
    expect(lines[1]).toMatch(/captured: customer@gmail\.com .* Newsletter$/)
    expect(lines[2]).toMatch(/ bob .* Your code$/)
    const [found] = await json('search', 'subject:code', 'is:unread')
    expect(found).toMatchObject({ account: 'bob', subject: 'Your code' })
    const shown = await mail('show', found.id)
    expect(shown.stdout).toMatch(/^Codes: +246810$/m)
    expect(shown.stdout).toMatch(/^Received: .*Default SMTP Virtual Server, in clear text, no log-on$/m)
    expect((await mail('show', 'latest', '--raw')).stdout).toContain('Subject: Newsletter\r\n')
  })

  it('says why a search with a mistake finds nothing', async () => {
    const found = async (...args: readonly string[]) => (await mail(...args)).stderr
    expect(await mail('search', 'frm:shop')).toMatchObject({
      status: 2,
      stderr: expect.stringMatching(/^sealpost: <query>: frm: is not a field; did you mean from:\? /),
    })
    expect(await found('search', 'subject:"nothing of this')).toBe(
      'No message matches. The search has an opening quotation mark without a closing one: subject:"nothing of this\n',
    )
    expect(await found('list', '--account', 'bobb')).toBe(
      'No message matches. There is no account bobb; did you mean bob?\n',
    )
    expect(await found('search', 'is:flagged', 'account:bobb')).toBe(
      'No message matches. There is no account bobb; did you mean bob?\n',
    )
    expect(await found('search', 'is:flagged -account:bobb', 'account:"Alice"')).toBe('No message matches.\n')
    expect(await found('list', '--account', 'Alice')).toBe('No message matches.\n')
    expect(await found('list', '--folder', 'Projects')).toMatch(
      /^No message matches\. There is no folder Projects; known: .*INBOX/,
    )
    expect(await found('list', '--folder', 'Archive')).toBe('No message matches.\n')
    expect(await found('list', '--newsgroup', 'lab.general')).toBe(
      'No message matches. There is no newsgroup lab.general; known: none\n',
    )
  })

  it('lists the address of MAIL FROM if a message has no From field', async () => {
    const transport = createTransport({ host: '127.0.0.1', port: lab.endpoint('smtp').port ?? 0, ignoreTLS: true })
    const envelope = { from: 'shop@app.test', to: 'customer@example.com' }
    await transport.sendMail({ envelope, raw: 'Subject: Without From\r\n\r\nIt works.\r\n' })
    const [, row = ''] = (await mail('search', 'subject:without')).lines
    expect(row).toMatch(/ shop@app\.test +Without From$/)
    expect(row).toContain(JSON.parse((await mail('show', 'latest', '--json')).stdout).id)
    expect((await mail('report', 'latest', 'bounce+550')).stdout).toContain('shop@app.test')
    expect((await mail('delete', 'latest')).stdout).toBe('Deleted 1 message.\n')
  })

  it('says by the API of which provider a message was sent', async () => {
    const tags = [{ name: 'order', value: '17' }]
    const body = { from: 'shop@lab.test', to: 'bob@lab.test', subject: 'By API', text: 'Text', tags }
    const answer = await fetch(`http://127.0.0.1:${lab.endpoint('http').port}/resend/emails`, {
      method: 'POST',
      headers: { authorization: 'Bearer re_1234', 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
    const { id } = (await answer.json()) as { readonly id: string }
    const { stdout } = await mail('show', 'latest')
    expect(stdout).toMatch(new RegExp(`^Sent by: +Resend, API, key ending in 1234, id ${id}\n +order: 17$`, 'm'))
    expect((await mail('delete', 'latest')).stdout).toBe('Deleted 1 message.\n')
  })

  it('searches for the words that the shell was given in quotes', async () => {
    const { port = 0 } = lab.endpoint('smtp')
    for (const subject of ['an invoice', 'an x invoice'])
      await sendMail(port, { to: 'bob@lab.test', subject, text: 'Text' })
    const found = async (...words: readonly string[]): Promise<string[]> =>
      (await json('search', ...words)).map((one: { subject: string }) => one.subject)
    expect(await found('subject:an invoice', 'is:unread')).toEqual(['an invoice'])
    expect(await found('an invoice')).toEqual(['an invoice'])
    expect(await found('is:unread invoice')).toHaveLength(2)
    expect(await found('!an invoice', 'subject:invoice')).toEqual(['an x invoice'])
    expect(await found('subject:"an invoice" is:unread')).toEqual(['an invoice'])
    expect(await found('subject:an subject:invoice')).toEqual(['an x invoice', 'an invoice'])
  })

  it('waits for a message, and says what arrived if none matches', async () => {
    const { port = 0 } = lab.endpoint('smtp')
    const waiting = json('wait', '--to', 'alice', '--timeout', '30s')
    await sendMail(port, { to: 'alice@lab.test', subject: 'For Alice', text: 'Hi' })
    expect(await waiting).toMatchObject({ subject: 'For Alice' })
    const { status, stderr } = await mail('wait', '--subject', 'never', '--timeout', '100ms')
    expect(status).toBe(1)
    expect(stderr).toMatch(/no message with subject "never" arrived within 100 ms/)
    expect(stderr).toMatch(/\n {2}arrived: "For Alice" from \S+ to alice@lab\.test\n/)
    const empty = await mail('wait', '--to', '', '--timeout', '100ms')
    expect(empty.status).toBe(2)
    const wrongDate = await mail('search', 'before:xx')
    expect([wrongDate.status, wrongDate.stderr]).toEqual([2, expect.stringMatching(/before:xx is not a date; write/)])
    expect(empty.stderr).toMatch(/to is empty, so any message would match; leave it out, or write a text/)
  })

  it('works with a lab anywhere, by its URL and a token', async () => {
    const url = `http://127.0.0.1:${lab.endpoint('http').port}`
    expect((await json('list', '--url', url, '--token', TOKEN)).length).toBeGreaterThan(0)
    const refused = await mail('list', '--url', url)
    expect(refused.status).toBe(1)
    expect(refused.stderr).toMatch(/send a token/)
    const { stderr } = await mail('list', '--url', 'http://127.0.0.1:9')
    expect(stderr).toMatch(/^sealpost: http:\/\/127\.0\.0\.1:9 cannot be reached/)
  })

  it('deletes by id, by a search, or everything, but never by mistake', async () => {
    const before = await json('list')
    expect((await mail('delete')).stderr).toMatch(/give ids, or --query QUERY, or --all/)
    expect((await mail('delete', before[0].id)).stdout).toBe('Deleted 1 message.\n')
    expect((await mail('delete', '--query', 'captured:yes')).stdout).toBe('Deleted 1 message.\n')
    expect((await mail('show', before[0].id)).stderr).toMatch(/there is no message/)
    await mail('delete', '--all')
    expect((await mail('list')).stderr).toBe('There is no message.\n')
  })
})
