import type { Locator, Page } from 'playwright-core'
import { describe, expect, it } from 'vitest'
import { consoleSite, hasChromium, openTab } from './browser.ts'

/** The sizes of an element of the page. */
interface Box {
  readonly scrollWidth: number
  readonly clientWidth: number
}

const HEBREW = `שלום ${'מילים רבות '.repeat(20)}`
const LONG = 'A subject that goes on and on '.repeat(20).trim()

describe.skipIf(!hasChromium)('reading mail', () => {
  const site = consoleSite({
    directory: { accounts: ['alice', 'bob', 'carol', 'dave'].map((user) => ({ user, password: 'secret' })) },
  })

  const row = (page: Page, subject: string): Locator =>
    page.locator('.mail-row', { has: page.getByText(subject, { exact: true }) })
  const open = async (path: string, width = 1360): Promise<Page> => {
    const page = await site.browser.open(site.http.base, path)
    await page.setViewportSize({ width, height: 860 })
    return page
  }

  it('says to whom, in one row for a message to several people, and without articles', async () => {
    const header = { from: 'Shop <shop@app.test>', to: 'team@lab.test', text: 'Text' }
    await site.http.lab.deliver({ ...header, subject: 'For the team' }, { to: ['alice', 'bob', 'carol'] })
    await site.http.lab.deliver({ ...header, subject: 'For one' }, { to: 'dave' })
    await site.http.lab.deliver({ ...header, subject: 'Abroad' }, { to: 'customer@gmail.test' })
    await using page = await open('/mail')
    await expect.poll(() => row(page, 'For the team').locator('.to').textContent()).toMatch(/alice, bob \+1/)
    expect(await row(page, 'For the team').count()).toBe(1)
    expect(await row(page, 'For one').locator('.to').textContent()).toMatch(/dave/)
    expect(await row(page, 'Abroad').locator('.to').textContent()).toMatch(/customer@gmail\.test/)
    expect(await page.getByText('Maintenance on Friday').count()).toBe(0)

    await site.http.lab.deliver({ ...header, subject: 'Live for all' }, { to: ['alice', 'bob', 'carol'] })
    await expect.poll(() => row(page, 'Live for all').locator('.to').textContent()).toMatch(/alice, bob \+1/)
    // One row: its actions apply to every copy.
    await row(page, 'Live for all').locator('.check').click()
    expect(
      await page
        .locator('.list-bar.choice [role=status]')
        .evaluate<boolean, Box>((one) => one.scrollWidth <= one.clientWidth),
    ).toBe(true)
    await page.locator('.list-bar').getByRole('button', { name: 'Mark as read' }).click()
    const unread = async (): Promise<number> =>
      (await site.http.request('messages?query=is:unread%20subject:live')).body.total
    await expect.poll(unread).toBe(0)

    await page
      .getByRole('link', { name: 'bob' })
      .or(page.getByRole('navigation', { name: 'Folders' }))
      .first()
      .waitFor()
    await page.goto(`${site.http.base}/mail?account=bob&folder=INBOX`)
    await row(page, 'For the team').waitFor()
    await page.goto(`${site.http.base}/mail?q=articles:yes`)
    await page.getByText('Maintenance on Friday', { exact: true }).waitFor()
  })

  it('shows the event of an invitation with the message: zones, recurrence, update, cancellation', async () => {
    const invite = (method: string, sequence: number): string =>
      [
        ...['From: Boss <boss@app.test>', 'To: alice@lab.test', `Subject: Review ${method} ${sequence}`],
        ...['MIME-Version: 1.0', 'Content-Type: multipart/alternative; boundary=b', ''],
        ...['--b', 'Content-Type: text/plain', '', 'Please come.'],
        ...['--b', 'Content-Type: text/html', '', '<p>Please come.</p>'],
        ...['--b', `Content-Type: text/calendar; method=${method}; charset=utf-8`, '', 'BEGIN:VCALENDAR'],
        ...['VERSION:2.0', 'PRODID:-//lab//test', `METHOD:${method}`, 'BEGIN:VEVENT', 'UID:review@lab.test'],
        ...['DTSTAMP:20261101T000000Z', `SEQUENCE:${sequence}`, 'SUMMARY:Second review'],
        ...['DTSTART;TZID=Asia/Tokyo:20261201T100000', 'DTEND;TZID=Asia/Tokyo:20261201T113000'],
        ...['RRULE:FREQ=WEEKLY;INTERVAL=2;BYDAY=TU', 'ORGANIZER:mailto:boss@app.test'],
        ...['ATTENDEE;PARTSTAT=NEEDS-ACTION:mailto:alice@lab.test', 'END:VEVENT', 'END:VCALENDAR', '--b--', ''],
      ].join('\r\n')
    for (const text of [invite('REQUEST', 0), invite('REQUEST', 1), invite('CANCEL', 2)]) {
      await site.http.lab.deliver(text, { to: 'alice' })
    }
    await using page = await open('/mail?account=alice&folder=INBOX')
    const card = page.locator('.invitation .calendar-card')
    await row(page, 'Review REQUEST 0').click()
    await card.getByText(/10:00.AM Asia\/Tokyo · your time: .* 1:00.AM/).waitFor()
    await card.getByText('every 2 weeks').waitFor()
    await page.locator('.html-tab iframe').waitFor()
    await openTab(page, 'Text')
    await card.getByText('Second review').waitFor()
    await row(page, 'Review REQUEST 1').click()
    await card.getByText('update 1').waitFor()
    await row(page, 'Review CANCEL 2').click()
    await card.getByText('cancelled').waitFor()
    await row(page, 'Your code').first().click()
    await card.waitFor({ state: 'detached' })
  })

  it('shows the envelope, long and right-to-left subjects, further tabs, and the widths of a preview', async () => {
    const blind = 'From: Shop <shop@app.test>\r\nSubject: Blind\r\n\r\nText\r\n'
    await site.http.lab.deliver(blind, { to: ['alice', 'bob'] })
    await site.http.lab.deliver(
      { from: 'דנה <dana@app.test>', to: 'alice@lab.test', subject: HEBREW, text: 'Text' },
      { to: 'alice' },
    )
    await site.http.lab.deliver(
      { from: 'a@app.test', to: 'alice@lab.test', subject: LONG, html: '<p>Hello</p>' },
      { to: 'alice' },
    )
    await using page = await open('/mail?account=alice&folder=INBOX')
    const facts = page.locator('.reader .facts')

    await row(page, 'Blind').click()
    await facts.getByText(/alice.*bob/).waitFor()
    await facts.getByText('from the envelope').waitFor()

    // The first letter of a Hebrew subject is at its right end.
    await page.locator('.mail-row .what', { hasText: 'שלום' }).waitFor()
    const isStartVisible = await page.evaluate<boolean>(`(() => {
      const box = [...document.querySelectorAll('.mail-row .what')].find((one) => one.textContent.includes('שלום'))
      const range = document.createRange()
      const text = box.querySelector('.subject').firstChild
      range.setStart(text, 0)
      range.setEnd(text, 1)
      return range.getBoundingClientRect().right <= box.getBoundingClientRect().right + 1
    })()`)
    expect(isStartVisible).toBe(true)

    await page.locator('.mail-row', { hasText: 'A subject that' }).click()
    const heading = page.locator('.reader-title h2')
    await expect.poll(() => heading.textContent()).toBe(LONG)
    const [title, reader] = [await heading.boundingBox(), await page.locator('.reader-head').boundingBox()]
    expect(title?.width).toBeGreaterThan((reader?.width ?? 0) * 0.8)

    await page.setViewportSize({ width: 1100, height: 860 })
    await page.locator('.more-tabs summary').waitFor()
    await openTab(page, 'Source')
    const tabs = page.getByRole('tablist', { name: 'Views of the message' })
    const isCut = await tabs.evaluate<boolean, Box>((list) => list.scrollWidth > list.clientWidth)
    expect(isCut).toBe(false)

    await openTab(page, 'HTML')
    const frames = page.locator('.frame-box iframe')
    const widthOf = async (): Promise<number> => frames.first().evaluate<number, Box>((frame) => frame.clientWidth)
    for (const width of [375, 600, 768, 1024]) {
      await page.getByRole('button', { name: `${width}`, exact: true }).click()
      await expect.poll(widthOf).toBe(width)
      const [frame, box] = [await frames.first().boundingBox(), await page.locator('.frame-box').boundingBox()]
      expect(frame?.width).toBeLessThanOrEqual((box?.width ?? 0) + 1)
    }
    await page.getByRole('button', { name: 'Light and dark side by side' }).click()
    await expect.poll(() => frames.count()).toBe(2)
    await page.frameLocator('.frame-box iframe >> nth=1').getByText('Hello').waitFor()
  })

  it('needs few keys: the tree is one stop, a link skips to the list, o moves the focus to the message', async () => {
    const page = await open('/mail')
    await page.locator('.mail-row .subject').first().waitFor()
    expect(await page.locator('nav.tree').locator('[tabindex="0"]').count()).toBe(1)
    const focused = (): Promise<string> =>
      page.evaluate<string>('document.activeElement.closest(".tree, .virtual-list, .reader-title")?.className ?? ""')
    await page.getByRole('link', { name: 'Skip to the list of messages' }).focus()
    await page.keyboard.press('Enter')
    await expect.poll(focused).toContain('virtual-list')
    await page.keyboard.press('o')
    await expect.poll(focused).toContain('reader-title')
    await page.keyboard.press('u')
    await expect.poll(focused).toContain('virtual-list')
    await page.locator('nav.tree [tabindex="0"]').focus()
    const before = await page.evaluate<string>('document.activeElement.textContent')
    await page.keyboard.press('ArrowDown')
    expect(await page.evaluate<string>('document.activeElement.textContent')).not.toBe(before)
    expect(await focused()).toContain('tree')
    await page.context().close()
    expect(site.browser.complaints).toEqual([])
  })
})
