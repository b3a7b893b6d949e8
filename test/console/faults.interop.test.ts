import { once } from 'node:events'
import { connect } from 'node:net'
import { createTransport } from 'nodemailer'
import { describe, expect, it } from 'vitest'
import { consoleSite, hasChromium } from './browser.ts'

const mail = { from: 'alice@lab.test', to: 'alice@lab.test', subject: 'Hello', text: 'Hello' }

describe.skipIf(!hasChromium)('the page of the faults', () => {
  const site = consoleSite()

  it('adds a preset, counts its hits live, and removes it unless that is undone', async () => {
    await using page = await site.browser.open(site.http.base, '/faults')
    await page.getByRole('button', { name: 'Greylisting' }).click()
    await page.getByRole('button', { name: 'Add a fault' }).click()
    const row = page.getByRole('row', { name: /greylisting/ })
    await row.getByText('verb: RCPT').waitFor()

    const smtp = site.http.lab.nodemailer('alice')
    await expect(createTransport(smtp).sendMail(mail)).rejects.toThrow('451 4.7.1 Greylisted, try again later')
    await row.locator('.badge', { hasText: '1' }).waitFor()
    await createTransport(smtp).sendMail(mail)
    // It can happen once.
    await row.getByText('used up').waitFor()
    await row.getByRole('button', { name: 'Use again' }).click()
    await row.getByText('used up').waitFor({ state: 'detached' })
    await expect(createTransport(smtp).sendMail(mail)).rejects.toThrow('451 4.7.1 Greylisted, try again later')
    await row.getByText('used up').waitFor()
    // Its hits lead to the sessions: two of three failed.
    expect((await site.http.request('sessions?protocol=smtp')).body.total).toBe(3)
    await row.getByTitle('Show the sessions in which it happened').click()
    await page.getByText('2 sessions', { exact: true }).waitFor()
    await page.getByRole('button', { name: 'fault: greylisting', exact: true }).click()
    await page.getByText('2 sessions', { exact: true }).waitFor({ state: 'detached' })
    await page.goBack()

    await row.getByRole('button', { name: 'Remove' }).click()
    await row.waitFor({ state: 'detached' })
    await page.getByRole('button', { name: 'Undo' }).click()
    await row.getByRole('button', { name: 'Remove' }).click()
    // The change is sent when the page closes, too.
    await page.goto('about:blank')
    await expect.poll(async () => (await site.http.request('faults')).body.items).toEqual([])
  })

  it('reads the hits of many faults in a burst with few requests', async () => {
    const { id } = (await site.http.request('faults', { json: { when: { verb: 'NOOP' }, do: { reply: '250 slow' } } }))
      .body
    await using page = await site.browser.open(site.http.base, '/faults')
    await page.locator('.table tbody tr').waitFor()
    let requests = 0
    page.on('request', (request) => {
      if (request.url().endsWith('/api/v1/faults')) requests++
    })
    const client = connect(site.http.lab.server('smtp').port as number, '127.0.0.1')
    client.write(`EHLO client.test\r\n${'NOOP\r\n'.repeat(500)}QUIT\r\n`)
    client.resume()
    await once(client, 'close')
    await page.locator('.table .badge', { hasText: '500' }).waitFor()
    expect(requests).toBeLessThan(100)
    await site.http.request(`faults/${id}`, { method: 'DELETE' })
  })

  it('says what is wrong with a fault', async () => {
    await using page = await site.browser.open(site.http.base, '/faults?protocol=imap4&verb=FETCH')
    const text = page.getByLabel('Fault (YAML)')
    await expect.poll(() => text.inputValue()).toContain('verb: FETCH')
    await text.fill('when: { verb: RCPTT }\ndo: { reply: 451 4.3.0 Later }')
    await page.getByRole('button', { name: 'Add a fault' }).click()
    await page
      .getByRole('alert')
      .getByText(/RCPTT.*RCPT/)
      .waitFor()
    await text.fill('when: [')
    await page.getByRole('button', { name: 'Add a fault' }).click()
    await page.getByRole('alert').getByText('This is not YAML').waitFor()
  })

  it('the German rail breaks no word without a hyphen', async () => {
    await using page = await site.browser.open(site.http.base, '/faults', { locale: 'de-DE' })
    await page.locator('.rail').getByText('Störungen').waitFor()
    const broken = await page.evaluate<string[]>(`[...document.querySelectorAll('.rail a > span:not(.rail-badge)')]
      .filter(({ firstChild }) => {
        const top = (at) => {
          const range = document.createRange()
          range.setStart(firstChild, at)
          range.setEnd(firstChild, at + 1)
          return [...range.getClientRects()].at(-1)?.top
        }
        const letters = [...firstChild.data].flatMap((one, at) => (/\\p{L}/u.test(one) ? [at] : []))
        return letters.some((at, index) => at - letters[index - 1] === 1 && top(at) !== top(at - 1))
      })
      .map(({ textContent }) => textContent)`)
    expect(broken).toEqual([])
  })
})
