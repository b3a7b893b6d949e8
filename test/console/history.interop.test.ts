import { describe, expect, it } from 'vitest'
import { LineClient } from '../support/line-client.ts'
import { startHost } from '../transport/outgoing/client/hosts.ts'
import { consoleSite, hasChromium, openTab } from './browser.ts'

describe.skipIf(!hasChromium)('the history of a message', async () => {
  const host = await startHost()
  const site = consoleSite({
    outgoing: { connectors: [{ name: 'Out', smartHost: { host: '127.0.0.1', port: host.port, tls: 'none' } }] },
  })

  it('shows who reads the message and the reply to its release, while it is open', async () => {
    const [{ id }] = (await site.http.request('messages?account=alice&limit=1')).body.items
    await using page = await site.browser.open(site.http.base, `/mail/${id}`)
    await openTab(page, 'History')
    const rows = page.getByRole('list', { name: 'History' }).getByRole('listitem')
    await rows.filter({ hasText: 'Delivered to alice: INBOX' }).waitFor()
    const client = await LineClient.greeted(site.http.lab.server('imap4').port ?? 0)
    client.send('a LOGIN alice secret\r\nb SELECT INBOX\r\nc FETCH * BODY.PEEK[]\r\nd LOGOUT\r\n')
    await client.rest()
    const read = rows.filter({ hasText: /Read in alice: INBOX.*imap4-/ })
    await read.waitFor()
    await site.http.request(`messages/${id}/release`, { json: { to: ['dev@next.test'] } })
    await rows.filter({ hasText: /Queued for dev@next\.test/ }).waitFor()
    await rows.filter({ hasText: /Sent to dev@next\.test.*250/ }).waitFor()
    await read.getByRole('link', { name: /^imap4-/ }).click()
    await page.waitForURL(/\/sessions\/imap4-/)
    expect(site.browser.complaints).toEqual([])
  })
})
