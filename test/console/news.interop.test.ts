import type { Page } from 'playwright-core'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { startLab } from '../../src/testing/index.ts'
import type { HttpLab } from '../servers/http/client.ts'
import { freePort } from '../support/free-ports.ts'
import { LineClient } from '../support/line-client.ts'
import { needs } from '../support/programs.ts'
import { runProgram } from '../support/run-program.ts'
import { ConsoleBrowser, consoleLab, hasChromium, openTab } from './browser.ts'

describe.skipIf(!hasChromium)('News', () => {
  let http: HttpLab
  let peerPort: number
  beforeAll(async () => {
    peerPort = await freePort()
    http = await consoleLab({
      hostname: 'one.test',
      news: {
        groups: [
          { name: 'lab.general', description: 'General talk' },
          { name: 'lab.second' },
          { name: 'lab.announce', posting: 'moderated', moderator: 'bob@lab.test' },
        ],
      },
      virtualServers: [
        {
          protocol: 'nntp',
          feeds: [
            { peer: 'two.test', direction: 'out', groups: 'lab.*', host: '127.0.0.1', port: peerPort, tls: 'off' },
          ],
        },
        { protocol: 'http' },
      ],
    })
  })
  afterAll(() => http?.[Symbol.asyncDispose]())
  const browser = ConsoleBrowser.ofTests()
  beforeEach(() => http.request('reset', { method: 'POST', json: {} }))

  /** Posts an article by NNTP. */
  async function post(
    id: string,
    subject: string,
    lines: readonly string[] = [],
    groups = 'lab.general',
  ): Promise<void> {
    using client = await LineClient.greeted(http.lab.server('nntp').port)
    client.send('POST\r\n')
    expect(await client.line()).toMatch(/^340 /)
    const head = [
      'From: Anna <anna@lab.test>',
      `Newsgroups: ${groups}`,
      `Subject: ${subject}`,
      `Message-ID: <${id}@news.test>`,
    ]
    client.send(`${[...head, ...lines].join('\r\n')}\r\n\r\nText of ${id}\r\n.\r\n`)
    expect(await client.line()).toMatch(/^240 /)
  }
  const follow = (id: string, ...parents: string[]): Promise<void> =>
    post(id, `Re: ${id}`, [`References: ${parents.map((one) => `<${one}@news.test>`).join(' ')}`])

  /** Reads an article by NNTP, without the status and the end. */
  async function read(command: string): Promise<string[]> {
    const client = await LineClient.open(http.lab.server('nntp').port)
    client.send(`${command}\r\nQUIT\r\n`)
    return (await client.rest()).slice(1)
  }

  const open = async (path = '/news/groups/lab.general'): Promise<Page> => {
    const page = await browser.open(http.base, path)
    await page.getByText('live', { exact: true }).waitFor()
    return page
  }
  const item = (page: Page, text: string) => page.getByRole('treeitem').filter({ hasText: text })
  const title = (page: Page, text: string) => page.getByRole('heading', { level: 2, name: text, exact: true })
  const press = async (page: Page, ...keys: string[]): Promise<void> => {
    for (const key of keys) await page.keyboard.press(key)
  }

  it('an article of an NNTP client appears live in its thread, and leaves when it is cancelled', async () => {
    await post('one', 'First thread')
    await post('two', 'Second thread')
    await using page = await open()
    await item(page, 'First thread').waitFor()
    await follow('answer', 'one')
    const answer = item(page, 'Text of answer')
    await answer.waitFor()
    await expect.poll(() => answer.getAttribute('aria-level')).toBe('2')
    await expect
      .poll(() => page.getByRole('treeitem').allTextContents())
      .toEqual([
        expect.stringContaining('First thread'),
        expect.stringContaining('Text of answer'),
        expect.stringContaining('Second thread'),
      ])
    const group = page.locator('.tree').getByRole('link', { name: 'lab.general' })
    await expect.poll(() => group.textContent()).toMatch(/3$/)
    await answer.click()
    await page.getByText('Text of answer', { exact: true }).last().waitFor()
    await expect.poll(() => group.textContent()).toMatch(/2$/)
    await openTab(page, 'How it arrived')
    await page.getByText('one.test!.POSTED', { exact: false }).waitFor()
    await post('stop', 'cmsg cancel', ['Control: cancel <answer@news.test>'])
    await page.getByText('This article was cancelled or deleted').waitFor()
    await expect.poll(() => answer.count()).toBe(0)
  })

  it('articles and follow-ups of the page are read by an NNTP client, with their References', async () => {
    await post('root', 'Question', ['Followup-To: lab.second', 'References: <older@news.test>'])
    await using page = await open()
    await item(page, 'Question').click()
    await title(page, 'Question').waitFor()
    await page.getByRole('link', { name: 'lab.second' }).last().waitFor()
    await press(page, 'f')
    const dialog = page.getByRole('dialog', { name: 'Follow up' })
    await dialog.waitFor()
    await expect.poll(() => dialog.getByLabel('Newsgroups').first().inputValue()).toBe('lab.second')
    await expect.poll(() => dialog.getByLabel('Subject').inputValue()).toBe('Re: Question')
    await expect.poll(() => dialog.getByLabel('Text').inputValue()).toContain('> Text of root')
    // The text has the focus, with the cursor at its beginning.
    await page.keyboard.type('An answer')
    await press(page, 'Control+Enter')
    await title(page, 'Re: Question').waitFor()
    await expect.poll(() => new URL(page.url()).pathname).toMatch(/^\/news\/groups\/lab\.second\//)
    const [{ messageId }] = (await http.request('messages?newsgroup=lab.second')).body.items
    const lines = await read(`HEAD ${messageId}`)
    expect(lines).toContain('References: <older@news.test> <root@news.test>')
    expect(lines).toContain('Newsgroups: lab.second')

    await press(page, 'c')
    const article = page.getByRole('dialog', { name: 'New article' })
    await article.getByRole('button', { name: 'lab.general' }).click()
    await article.getByText('One article in 2 newsgroups').waitFor()
    await article.getByLabel('From').fill('Zoë <zoe@lab.test>')
    await article.getByLabel('Followup-To').fill('lab.general')
    await article.getByLabel('Subject').fill('To both')
    await article.getByLabel('Text').fill('A text')
    await article.getByRole('button', { name: 'Post' }).click()
    await title(page, 'To both').waitFor()
    const posted = (await http.request('messages?query=subject:both')).body
    expect(posted.items.map(({ newsgroup }: { newsgroup: string }) => newsgroup).sort()).toEqual([
      'lab.general',
      'lab.second',
    ])
    expect(await read(`HEAD ${posted.items[0].messageId}`)).toEqual(
      expect.arrayContaining(['Newsgroups: lab.second,lab.general', 'Followup-To: lab.general', 'Subject: To both']),
    )
  })

  it('authors are answered by mail, and moderated newsgroups tell where an article goes', async () => {
    await post('root', 'By mail, please', ['Followup-To: poster', 'Reply-To: alice@lab.test'])
    await using page = await open()
    await item(page, 'By mail').click()
    await page.getByText('by mail to the author').waitFor()
    await press(page, 'f')
    const mail = page.getByRole('dialog', { name: 'Reply' })
    await expect.poll(() => mail.getByLabel('To', { exact: true }).inputValue()).toBe('alice@lab.test')
    await mail.getByRole('button', { name: 'Send' }).click()
    await expect.poll(() => mail.count()).toBe(0)
    const { items } = (await http.request('messages?account=alice')).body
    expect(items).toMatchObject([{ subject: 'Re: By mail, please' }])
    const sent = (await http.request(`messages/${items[0].id}/headers`)).body.headers
    expect(sent).toContainEqual({ name: 'References', value: '<root@news.test>' })

    await page.getByRole('link', { name: 'lab.announce' }).click()
    await page.getByText('articles go to bob@lab.test').waitFor()
    await page.getByRole('button', { name: 'Post a test article' }).click()
    await page.getByText('mailed to bob@lab.test for approval').waitFor()
  })

  it('is cancelled everywhere, or deleted here only', async () => {
    await post('both', 'In both', [], 'lab.general,lab.second')
    await post('locked', 'With a lock', ['Cancel-Lock: sha256:AAAA'])
    await using page = await open()
    await item(page, 'With a lock').click()
    await title(page, 'With a lock').waitFor()
    await press(page, '#')
    const dialog = page.getByRole('dialog', { name: 'Remove' })
    await dialog.getByRole('button', { name: 'Cancel article' }).click()
    await dialog.getByRole('alert').getByText('Cancel-Lock').waitFor()
    await dialog.getByRole('button', { name: 'Delete here only' }).click()
    await expect.poll(() => item(page, 'With a lock').count()).toBe(0)
    await item(page, 'In both').click()
    await title(page, 'In both').waitFor()
    await press(page, '#')
    await dialog.getByRole('button', { name: 'Cancel article' }).click()
    await page.getByText('No articles yet').waitFor()
    expect(await read('STAT <both@news.test>')).toContainEqual(expect.stringMatching(/^430 /))
    expect((await http.request('messages?newsgroup=lab.second')).body.total).toBe(0)
    await page.getByRole('link', { name: 'control.cancel' }).waitFor()
  })

  it('is read by the keyboard alone, and keeps its place through reload and Back', async () => {
    await post('one', 'One')
    await follow('answer', 'one')
    await follow('deep', 'one', 'answer')
    await follow('other', 'one')
    await post('two', 'Two')
    await using page = await open()
    await item(page, 'Two').waitFor()
    const selected = page.locator('[role=treeitem][aria-selected=true]')
    await press(page, 'o')
    await title(page, 'Two').waitFor()
    await press(page, 'j', 'j')
    await title(page, 'Re: answer').waitFor()
    await press(page, 'e')
    await expect.poll(() => item(page, 'Text of deep').count()).toBe(0)
    await expect.poll(() => selected.getAttribute('aria-expanded')).toBe('false')
    await selected.getByText('1 follow-up').waitFor()
    await press(page, 'n')
    await title(page, 'Re: deep').waitFor()
    await selected.filter({ hasText: 'Text of deep' }).waitFor()
    await page.getByRole('tree').focus()
    await press(page, 'ArrowLeft')
    await title(page, 'Re: answer').waitFor()
    await press(page, 'ArrowLeft')
    await expect.poll(() => item(page, 'Text of deep').count()).toBe(0)
    await press(page, 'ArrowRight')
    await item(page, 'Text of deep').waitFor()
    await press(page, 'ArrowRight')
    await title(page, 'Re: deep').waitFor()
    await press(page, 'ArrowLeft')
    await title(page, 'Re: answer').waitFor()
    await press(page, 'k')
    await title(page, 'One').waitFor()
    await press(page, '*')
    await expect.poll(() => page.getByRole('treeitem').count()).toBe(2)
    await press(page, '*')
    await expect.poll(() => page.getByRole('treeitem').count()).toBe(5)
    await press(page, '/')
    await page.keyboard.type('subject:two')
    await press(page, 'Enter')
    await expect.poll(() => page.getByRole('treeitem').count()).toBe(1)
    await page.goBack()
    await title(page, 'One').waitFor()
    await page.reload()
    await title(page, 'One').waitFor()
    await expect.poll(() => selected.textContent()).toContain('One')
    await press(page, 'u')
    await page.getByText('Select an article').waitFor()
    await page.getByRole('button', { name: 'Mark all as read' }).click()
    await expect.poll(async () => (await http.request('newsgroups/lab.general')).body.unread).toBe(0)
    await press(page, 'Control+k')
    await page.keyboard.type('lab.second')
    await press(page, 'Enter')
    await page.getByRole('heading', { name: /^lab\.second/ }).waitFor()
  })

  it('is also in Mail, from where it opens here, and whose answers keep References', async () => {
    await post('one', 'One')
    await follow('answer', 'one')
    await using page = await open('/mail?newsgroup=lab.general')
    await page.locator('.mail-row', { hasText: 'Text of answer' }).click()
    await title(page, 'Re: answer').waitFor()
    await press(page, 'r')
    const dialog = page.getByRole('dialog', { name: 'Reply' })
    await dialog.getByLabel('To', { exact: true }).fill('alice')
    await dialog.getByRole('button', { name: 'Send' }).click()
    await expect.poll(() => dialog.count()).toBe(0)
    const [{ id }] = (await http.request('messages?account=alice')).body.items
    const { headers } = (await http.request(`messages/${id}/headers`)).body
    expect(headers).toContainEqual({ name: 'References', value: '<one@news.test> <answer@news.test>' })
    await page.getByRole('article').getByRole('link', { name: 'Open in News' }).click()
    await item(page, 'Text of answer').waitFor()
    await title(page, 'Re: answer').waitFor()
    await page.goto(`${http.base}/mail?newsgroup=lab.second`)
    await page.getByText('This folder is empty').waitFor()
    await page.getByRole('link', { name: 'Open in News' }).last().click()
    await page.getByText('No articles yet').waitFor()
  })

  it('stays where it is while threads move to the top', async () => {
    for (let at = 1; at <= 40; at++) await post(`t${at}`, `Thread ${at}.`)
    await using page = await open()
    await item(page, 'Thread 40.').waitFor()
    await page.evaluate("document.querySelector('.virtual-list').scrollTo({ top: 800 })")
    const watched = item(page, 'Thread 20.')
    await watched.waitFor()
    const before = await watched.boundingBox()
    // A thread from below moves to the top, with one more line.
    await follow('late', 't3')
    const chip = page.getByRole('button', { name: '1 new article' })
    await chip.waitFor()
    expect((await watched.boundingBox())?.y).toBe(before?.y)
    await chip.click()
    await item(page, 'Text of late').waitFor()
    await expect.poll(() => chip.count()).toBe(0)
  })

  it('creates, changes and deletes newsgroups', async () => {
    await using page = await open('/news')
    await page.getByRole('button', { name: 'New newsgroup' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByLabel('Name').fill('not a name')
    await dialog.getByLabel('Posting').selectOption('moderated')
    await dialog.getByRole('button', { name: 'Create' }).click()
    await dialog.getByText('is not the name of a newsgroup').waitFor()
    await dialog.getByLabel('Name').fill('lab.staff')
    await dialog.getByRole('button', { name: 'Create' }).click()
    await dialog.getByText('a moderated newsgroup needs').waitFor()
    await dialog.getByLabel('Moderator').fill('alice@lab.test')
    await dialog.getByLabel('Delete articles after').fill('30d')
    await dialog.getByRole('button', { name: 'Create' }).click()
    await page.getByRole('heading', { name: /^lab\.staff/ }).waitFor()
    expect(await read('LIST ACTIVE lab.staff')).toContainEqual(expect.stringMatching(/^lab\.staff \d+ \d+ m$/))
    await page.getByRole('button', { name: 'Properties of the newsgroup' }).click()
    await dialog.getByLabel('Posting').selectOption('yes')
    await dialog.getByLabel('Description').fill('All staff')
    await dialog.getByRole('button', { name: 'Save' }).click()
    await expect.poll(() => dialog.count()).toBe(0)
    expect((await http.request('newsgroups/lab.staff')).body).toMatchObject({
      description: 'All staff',
      posting: 'yes',
      moderator: null,
      expireAfter: '30d',
    })
    await page.getByRole('button', { name: 'Properties of the newsgroup' }).click()
    await dialog.getByRole('button', { name: 'Delete newsgroup' }).click()
    await page
      .getByRole('dialog', { name: 'Delete lab.staff?' })
      .getByRole('button', { name: 'Delete newsgroup' })
      .click()
    await expect.poll(() => page.getByRole('link', { name: 'lab.staff' }).count()).toBe(0)
    expect(await read('GROUP lab.staff')).toContainEqual(expect.stringMatching(/^411 /))
    await page.getByRole('button', { name: 'Properties of lab.general' }).click()
    await dialog.getByText('The configuration lists this newsgroup').waitFor()
  })

  it.skipIf(!needs('python3'))('teaches how to post, with lines that work', async () => {
    await using page = await open('/news/groups/lab.second')
    const lines = page.locator('.example pre')
    await expect.poll(() => lines.count()).toBe(3)
    const python = (await lines.allTextContents()).find((line) => line.startsWith('python3')) ?? ''
    const { stdout, stderr } = await runProgram('sh', ['-c', python])
    expect(stdout, stderr).toMatch(/^240 /)
    await item(page, 'It works').waitFor()
  })

  it('shows feeds, their queues and why they fail, and tries again immediately', async () => {
    await post('queued', 'Queued')
    await using page = await open('/news/feeds')
    await page.getByRole('row', { name: /two\.test.*retrying/ }).click()
    await page.getByText('ECONNREFUSED').first().waitFor()
    const queue = page.getByRole('region', { name: 'Queue' })
    await queue.getByRole('link', { name: '<queued@news.test>' }).waitFor()
    await using peer = await startLab({
      hostname: 'two.test',
      news: { groups: [{ name: 'lab.general' }] },
      virtualServers: [
        {
          protocol: 'nntp',
          port: peerPort,
          certificate: 'none',
          feeds: [{ peer: 'one.test', direction: 'in', from: ['127.0.0.1'] }],
        },
      ],
    })
    await page.getByRole('button', { name: 'Try now' }).click()
    await page.getByRole('row', { name: /two\.test.*up to date/ }).waitFor()
    await queue.getByText('No article waits for the peer.').waitFor()
    expect((await peer.articles('lab.general')).map(({ subject }) => subject)).toContain('Queued')
  })

  it('complained about nothing, and asked nobody else', () => {
    expect(browser.complaints).toEqual([
      expect.stringContaining('409'),
      expect.stringContaining('422'),
      expect.stringContaining('422'),
    ])
    expect(browser.foreign).toEqual([])
  })
})
