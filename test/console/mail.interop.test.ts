import type { Page } from 'playwright-core'
import { beforeEach, describe, expect, it } from 'vitest'
import { LineClient } from '../support/line-client.ts'
import { consoleSite, hasChromium, openTab } from './browser.ts'

describe.skipIf(!hasChromium)('Mail', () => {
  const site = consoleSite()
  beforeEach(() => site.http.request('reset', { method: 'POST', json: {} }))

  const deliver = (subject: string, more: object = {}): Promise<void> =>
    site.http.lab.deliver(
      { from: 'Shop <shop@app.test>', to: 'alice@lab.test', subject, text: 'Text', ...more },
      { to: 'alice' },
    )
  const several = async (count: number, name = 'Message'): Promise<void> => {
    for (let number = 1; number <= count; number++) await deliver(`${name} ${number}`)
  }
  const row = (page: Page, subject: string) =>
    page.locator('.mail-row', { has: page.getByText(subject, { exact: true }) })
  const open = async (path = '/mail'): Promise<Page> => {
    const page = await site.browser.open(site.http.base, path)
    await page.getByText('live', { exact: true }).waitFor()
    return page
  }
  const scroller = (page: Page, expression: string): Promise<unknown> =>
    page.evaluate(`document.querySelector('.virtual-list').${expression}`)
  const title = (page: Page, text: string) => page.getByRole('heading', { level: 2, name: text, exact: true })

  it('arrives live, and what is read stays where it is while the list is scrolled', async () => {
    await several(60)
    await using page = await open()
    await row(page, 'Message 60').waitFor()
    await deliver('At the top')
    await row(page, 'At the top').waitFor()

    await scroller(page, 'scrollTo({ top: 1000 })')
    const watched = row(page, 'Message 40')
    await watched.waitFor()
    const before = await watched.boundingBox()
    await several(5, 'Late')
    const chip = page.getByRole('button', { name: '5 new messages' })
    await chip.waitFor()
    expect((await watched.boundingBox())?.y).toBe(before?.y)
    await chip.click()
    await row(page, 'Late 5').waitFor()
    await expect.poll(() => chip.count()).toBe(0)
  })

  it('is read, searched, tagged and deleted by the keyboard alone', async () => {
    await several(3)
    await deliver('Your invoice', { html: '<p>Your code is <b>123456</b></p>', text: 'Your code is 123456' })
    await using page = await open()
    await row(page, 'Your invoice').waitFor()
    const press = (...keys: string[]) =>
      keys.reduce<Promise<unknown>>((done, key) => done.then(() => page.keyboard.press(key)), Promise.resolve())
    await press('o')
    await title(page, 'Your invoice').waitFor()
    await page.locator('.virtual-row.active .mail-row:not(.unread)').waitFor()
    await press('j')
    await title(page, 'Message 3').waitFor()
    await press('k')
    await title(page, 'Your invoice').waitFor()
    await press('r')
    const reply = page.getByRole('dialog', { name: 'Reply' })
    await expect.poll(() => reply.getByLabel('Subject').inputValue()).toBe('Re: Your invoice')
    await expect.poll(() => reply.getByLabel('Text').inputValue()).toContain('> Your code is 123456')
    await press('Escape')
    await expect.poll(() => reply.count()).toBe(0)
    await press('#')
    await page.getByText('1 message deleted').waitFor()
    await title(page, 'Message 3').waitFor()
    await expect.poll(() => row(page, 'Your invoice').count()).toBe(0)
    await page.getByRole('button', { name: 'Undo' }).press('Enter')
    await row(page, 'Your invoice').waitFor()
    await press('u')
    await page.getByText('Select a message').waitFor()

    await press('/')
    await page.keyboard.type('subject:inv')
    await press('Enter')
    await expect.poll(() => page.locator('.mail-row').count()).toBe(1)
    await expect.poll(() => new URL(page.url()).searchParams.get('q')).toBe('subject:inv')
    await press('Escape', 'Escape', 'g', 'm')
    await expect.poll(() => page.locator('.mail-row').count()).toBe(4)
    await press('?')
    await page.getByRole('dialog', { name: 'Keyboard shortcuts' }).waitFor()
    await press('Escape', 'Control+k')
    await page.keyboard.type('new mess')
    await press('Enter')
    await page.getByRole('dialog', { name: 'New message' }).waitFor()
  })

  it('is imported from .eml and mbox files, by the button and by a drop on the list', async () => {
    const message = (subject: string): string =>
      `From: a@app.test\r\nTo: b@lab.test\r\nSubject: ${subject}\r\n\r\nText\r\n`
    await using page = await open('/mail?account=bob&folder=INBOX')
    await page.getByRole('button', { name: 'Import messages' }).click()
    const dialog = page.getByRole('dialog', { name: 'Import messages' })
    const eml = (subject: string) => ({
      name: 'a.eml',
      mimeType: 'message/rfc822',
      buffer: Buffer.from(message(subject)),
    })
    await dialog.getByLabel('Files').setInputFiles([eml('First file'), eml('Second file')])
    await dialog.getByRole('button', { name: 'Import messages' }).click()
    await page.getByText('2 messages are imported').waitFor()
    await row(page, 'First file').waitFor()
    await row(page, 'Second file').waitFor()
    await page.getByRole('button', { name: 'Import messages' }).click()
    const png = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])
    await dialog.getByLabel('Files').setInputFiles([{ name: 'picture.eml', mimeType: 'image/png', buffer: png }])
    await dialog.getByRole('button', { name: 'Import messages' }).click()
    await dialog.getByText(/picture.eml: the file is not a message/).waitFor()
    await expect.poll(() => site.browser.complaints.length).toBe(1)
    expect(site.browser.complaints.splice(0)).toEqual([expect.stringContaining('422')])
    await page.keyboard.press('Escape')
    await expect.poll(() => dialog.count()).toBe(0)

    const mbox = ['Third', 'Fourth']
      .map((subject) => `From a@app.test Thu Nov 26 10:00:00 2026\n${message(subject)}`)
      .join('')
    const dataTransfer = await page.evaluateHandle(
      `(() => {
        const files = new DataTransfer()
        files.items.add(new File([${JSON.stringify(mbox)}], 'mail.mbox'))
        return files
      })()`,
    )
    await page.getByRole('navigation', { name: 'Folders' }).getByRole('link', { name: 'Archive' }).waitFor()
    await page.locator('.list-pane').dispatchEvent('drop', { dataTransfer })
    await dialog.getByText('mail.mbox').waitFor()
    await dialog.getByLabel('Put them into').selectOption('bob › Archive')
    await dialog.getByRole('button', { name: 'Import messages' }).click()
    await dialog.waitFor({ state: 'detached' })
    const { items } = (await site.http.request('messages?account=bob&folder=Archive')).body
    expect(items.map(({ subject }: { subject: string }) => subject)).toEqual(['Fourth', 'Third'])
  })

  it('is found by the palette from every page, and so are virtual servers, certificates and sessions', async () => {
    await deliver('A rare word')
    await using page = await site.browser.open(site.http.base, '/faults')
    await page.locator('.faults textarea').waitFor()
    const choose = async (search: string, option: string | RegExp): Promise<void> => {
      await page.keyboard.press('Control+k')
      await page.keyboard.type(search)
      await page.getByRole('dialog', { name: 'Search and commands' }).getByRole('option', { name: option }).click()
    }
    await choose('subject:rare', /A rare word/)
    await title(page, 'A rare word').waitFor()
    await choose('rare', /Search mail for “rare”.*1 message/)
    await expect.poll(() => new URL(page.url()).searchParams.get('q')).toBe('rare')
    await choose('imap4', /Default IMAP4 Virtual Server.*Virtual servers/)
    await page.getByRole('heading', { name: 'Default IMAP4 Virtual Server properties' }).waitFor()
    await choose('localhost', /localhost.*Certificates/)
    await page.getByRole('article', { name: /localhost/ }).waitFor()
    const client = await LineClient.open(site.http.lab.server('imap4').port ?? 0)
    client.send('a LOGIN alice secret\r\nb LOGOUT\r\n')
    await client.rest()
    await choose('alice', /Sessions of alice/)
    await page.locator('.session-rows button', { hasText: 'IMAP4' }).waitFor()
    await expect.poll(() => page.locator('.time-zone').textContent()).toContain('Europe/London (UTC')
  })

  it('keeps the list, the message, the tab and the scroll position through Back and reload', async () => {
    await several(80)
    await using page = await open('/mail?account=alice&folder=INBOX')
    await row(page, 'Message 80').waitFor()
    await scroller(page, 'scrollTo({ top: 1500 })')
    await row(page, 'Message 50').click()
    await title(page, 'Message 50').waitFor()
    await openTab(page, 'Headers')
    const { pathname, search } = new URL(page.url())
    expect(search).toContain('tab=headers')
    const top = await scroller(page, 'scrollTop')
    await page.reload()
    await title(page, 'Message 50').waitFor()
    await expect.poll(() => new URL(page.url())).toMatchObject({ pathname, search })
    await expect.poll(() => scroller(page, 'scrollTop')).toBe(top)
    await expect.poll(() => page.getByRole('tab', { name: 'Headers' }).getAttribute('aria-selected')).toBe('true')
    await page.goBack()
    await page.getByText('Select a message').waitFor()
    await expect.poll(() => scroller(page, 'scrollTop')).toBe(top)
  })

  it('is the same in two tabs, and a closed tab deletes what was not undone', async () => {
    await several(3)
    const first = await open()
    const second = await site.browser.openIn(await first.context().newPage(), site.http.base, '/mail')
    await row(second, 'Message 2').waitFor()
    await row(first, 'Message 2').click()
    await second.locator('.mail-row:not(.unread)', { hasText: 'Message 2' }).waitFor()
    await first.keyboard.press('#')
    await first.getByText('1 message deleted').waitFor()
    await expect.poll(() => row(second, 'Message 2').count()).toBe(1)
    await first.goto('about:blank')
    await expect.poll(() => row(second, 'Message 2').count()).toBe(0)
    await second.context().close()
  })

  it('is marked, tagged and moved together', async () => {
    await several(5)
    await using page = await open('/mail?account=alice&folder=INBOX')
    await row(page, 'Message 5').waitFor()
    await row(page, 'Message 5').locator('.check').click()
    await row(page, 'Message 3')
      .locator('.check')
      .click({ modifiers: ['Shift'] })
    await page.getByText('3 selected').waitFor()
    await page.getByRole('button', { name: 'Mark as read' }).click()
    await expect.poll(() => page.locator('.mail-row:not(.unread)').count()).toBe(3)
    await page.keyboard.press('*')
    await page.getByText('5 selected').waitFor()
    await page.getByRole('button', { name: 'Tag' }).click()
    await page.getByRole('dialog').getByRole('combobox').fill('checkout')
    await page.getByRole('button', { name: 'Add tag' }).click()
    await expect.poll(() => page.locator('.mail-row .badge').count()).toBe(5)
    await row(page, 'Message 1').locator('.check').click()
    await page.getByRole('button', { name: 'Move to' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Archive' }).click()
    await expect.poll(() => row(page, 'Message 1').count()).toBe(0)
    const { items } = (await site.http.request('messages?folder=Archive')).body
    expect(items).toMatchObject([{ subject: 'Message 1', tags: ['checkout'], read: false }])
    // A list of all mailboxes has messages of several.
    await page.goto(`${site.http.base}/mail?account=alice`)
    await row(page, 'Message 1').locator('.check').click()
    await row(page, 'Message 2').locator('.check').click()
    await page.getByRole('button', { name: 'Move to' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Trash' }).click()
    const subjectsIn = async (folder: string): Promise<string[]> =>
      (await site.http.request(`messages?folder=${folder}`)).body.items.map((one: { subject: string }) => one.subject)
    await expect.poll(async () => (await subjectsIn('Trash')).length).toBe(2)
    await page.getByRole('button', { name: 'Undo' }).click()
    await expect.poll(() => subjectsIn('Archive')).toEqual(['Message 1'])
    await expect.poll(() => subjectsIn('INBOX')).toContain('Message 2')
  })

  it('is written, also as an answer', async () => {
    await using page = await open()
    await page.getByText('No mail yet').waitFor()
    await page.getByRole('button', { name: 'Send me a test mail' }).click()
    await row(page, 'Test mail').click()
    await openTab(page, 'Links')
    await page.getByText('471147', { exact: true }).waitFor()
    await page.getByRole('button', { name: 'Reply', exact: true }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByLabel('To').fill('bob')
    // A press that begins in the dialog selects text, wherever it ends.
    await dialog.getByLabel('To').hover()
    await page.mouse.down()
    await page.mouse.move(5, 5)
    await page.mouse.up()
    await dialog.getByLabel('Text').fill('Answer')
    await dialog.getByRole('button', { name: 'Send' }).click()
    await row(page, 'Re: Test mail').waitFor()
    const { items } = (await site.http.request('messages?threads=true')).body
    expect(items).toMatchObject([{ account: 'bob', subject: 'Re: Test mail', thread: { messages: 2 } }])
  })

  it('complained about nothing, and asked nobody else', () => {
    expect(site.browser.complaints).toEqual([])
    expect(site.browser.foreign).toEqual([])
  })
})
