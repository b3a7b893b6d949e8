import { once } from 'node:events'
import { createServer, request, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { basic, HttpLab } from '../servers/http/client.ts'
import { freePort } from '../support/free-ports.ts'
import { ConsoleBrowser, hasChromium } from './browser.ts'

const token = 'ci-ci-ci-ci-ci-ci'

describe.skipIf(!hasChromium)('the console', () => {
  let browser: ConsoleBrowser
  beforeAll(async () => {
    browser = new ConsoleBrowser()
  })
  afterAll(() => browser?.[Symbol.asyncDispose]())

  const start = (port = 0, authentication: 'basic' | 'anonymous' = 'anonymous'): Promise<HttpLab> =>
    HttpLab.start({
      directory: { accounts: ['alice', 'bob'].map((user) => ({ user, password: 'secret' })) },
      access: { tokens: [{ name: 'ci', token }] },
      virtualServers: [
        { protocol: 'http', port, authentication: [authentication], limits: { failedLogonDelay: '1ms' } },
      ],
    })
  const deliver = (http: HttpLab, user: string, subject: string): Promise<void> =>
    http.lab.deliver({ to: `${user}@lab.test`, subject, text: 'Text' }, { to: user })

  it('asks for an account, shows only its mail, and logs off', async () => {
    await using http = await start(0, 'basic')
    await deliver(http, 'alice', 'For Alice')
    await deliver(http, 'bob', 'For Bob')
    await using page = await browser.open(http.base, '/mail')
    await page.getByLabel('User name').fill('bob')
    await page.getByLabel('Password').fill('wrong')
    await page.getByRole('button', { name: 'Log on' }).click()
    await page.getByText('You are not logged on. unknown user name or bad password').waitFor()
    await page.getByLabel('Password').fill('secret')
    await page.getByLabel('Password').press('Enter')
    await page.getByText('For Bob', { exact: true }).waitFor()
    await expect.poll(() => page.getByText('For Alice').count()).toBe(0)
    expect(await page.evaluate('document.cookie')).toBe('')
    await page.reload()
    await page.getByText('For Bob', { exact: true }).waitFor()
    await page.getByRole('button', { name: 'Log off' }).click()
    await page.getByLabel('User name').waitFor()
  })

  it('lets an account change its mail, but not the articles in the same list', async () => {
    await using http = await HttpLab.start({
      news: { groups: [{ name: 'lab.general' }] },
      directory: { accounts: [{ user: 'bob', password: 'secret' }] },
      virtualServers: [{ protocol: 'nntp' }, { protocol: 'http', authentication: ['basic'] }],
    })
    const headers = basic('bob', 'secret')
    const json = { newsgroups: ['lab.general'], subject: 'An article', text: 'Text' }
    expect((await http.request('articles', { json, headers })).status).toBe(201)
    await deliver(http, 'bob', 'A mail')
    await using page = await browser.open(http.base, '/mail?q=-newsgroup:none')
    await page.getByLabel('User name').fill('bob')
    await page.getByLabel('Password').fill('secret')
    await page.getByLabel('Password').press('Enter')
    await page.getByText('A mail', { exact: true }).waitFor()
    for (const subject of ['A mail', 'An article'])
      await page.locator('.mail-row', { hasText: subject }).click({ modifiers: ['Control'] })
    await page.getByText('2 selected').waitFor()
    await page.getByRole('button', { name: 'Flag', exact: true }).click()
    const flagged = async () => (await http.request('messages?query=is:flagged', { headers })).body.items
    await expect.poll(flagged).toMatchObject([{ subject: 'A mail' }])
    await page.locator('.mail-row', { hasText: 'An article' }).click({ modifiers: ['Control'] })
    await page.getByText('1 selected').waitFor()
    await expect.poll(() => page.getByRole('button', { name: 'Flag', exact: true }).count()).toBe(0)
  })

  it('takes a token from the fragment of its URL, and removes it', async () => {
    await using http = await start(0, 'basic')
    await deliver(http, 'alice', 'For Alice')
    await using page = await browser.open(http.base, `/mail#token=${token}`)
    await page.getByText('For Alice', { exact: true }).waitFor()
    await expect.poll(() => page.url()).toBe(`${http.base}/mail`)
    await page.goBack().catch(() => null)
    expect(page.url()).not.toContain(token)
  })

  it('says that the token of a link is not valid', async () => {
    await using http = await start(0, 'basic')
    await using page = await browser.open(http.base, '/mail#token=wrong-wrong-wrong')
    await page.getByText('The token of this link is not valid').waitFor()
  })

  it('takes a token from the address of a page that is open', async () => {
    await using http = await start(0, 'basic')
    await deliver(http, 'alice', 'For Alice')
    await using page = await browser.open(http.base, '/mail')
    await page.getByLabel('User name').waitFor()
    await page.evaluate(`location.hash = 'token=${token}'`)
    await page.getByText('For Alice', { exact: true }).waitFor()
    await expect.poll(() => page.url()).toBe(`${http.base}/mail`)
  })

  it('asks for a log-on when the lab has started again', async () => {
    const port = await freePort()
    const first = await start(port, 'basic')
    await using page = await browser.open(first.base, `/mail#token=${token}`)
    await page.getByText('live', { exact: true }).waitFor()
    await first[Symbol.asyncDispose]()
    await page.getByText(/reconnecting in \d+ s/).waitFor()
    await using _second = await start(port, 'basic')
    await page.getByLabel('User name').waitFor()
  })

  it('skips to the content of the page that is open', async () => {
    await using http = await start()
    await using page = await browser.open(http.base, '/servers?tab=x')
    await page.getByRole('heading', { level: 2, name: 'Virtual servers' }).waitFor()
    await page.keyboard.press('Tab')
    await page.getByRole('link', { name: 'Skip to the content' }).press('Enter')
    await page.locator('main:focus').waitFor()
    await expect.poll(() => new URL(page.url()).pathname).toBe('/servers')
  })

  it('copies where the browser offers no clipboard, and leaves the focus where it was', async () => {
    await using http = await start()
    await using page = await browser.open(http.base, '/authorities')
    await page.evaluate("Object.defineProperty(navigator, 'clipboard', { value: undefined })")
    await page.evaluate("addEventListener('copy', () => { globalThis.copied = String(getSelection()) })")
    const copy = page.locator('.copyable', { hasText: 'sealpost trust install' }).getByRole('button')
    await copy.press('Enter')
    await page.locator('button:focus', { has: page.locator('.lucide-check') }).waitFor()
    await expect.poll(() => page.evaluate('copied')).toBe('sealpost trust install')
  })

  it('says when the lab is gone, and shows what is there when it is back', async () => {
    const port = await freePort()
    const first = await start(port)
    await deliver(first, 'alice', 'Before')
    await using page = await browser.open(first.base, '/mail')
    await page.getByText('Before', { exact: true }).waitFor()
    await first[Symbol.asyncDispose]()
    await page.getByText(/reconnecting in \d+ s/).waitFor()
    await using second = await start(port)
    await deliver(second, 'bob', 'After')
    await page.getByText('live', { exact: true }).waitFor()
    await page.getByText('After', { exact: true }).waitFor()
    await expect.poll(() => page.getByText('Before', { exact: true }).count()).toBe(0)
  })

  it('works below the base path of a proxy, and for one tenant', async () => {
    await using http = await start()
    await deliver(http, 'alice', 'For Alice')
    const proxy = proxyOf(http.base, '/lab')
    await once(proxy, 'listening')
    const base = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`
    try {
      await using page = await browser.open(base, '/lab/mail?account=alice&folder=INBOX')
      await page.getByText('For Alice', { exact: true }).click()
      await page.getByRole('heading', { level: 2, name: 'For Alice' }).waitFor()
      await expect.poll(() => page.url()).toMatch(/\/lab\/mail\/[^/]+\?account=alice/)
      await deliver(http, 'alice', 'Second')
      await page.getByText('Second', { exact: true }).waitFor()
      await page.reload()
      await page.getByRole('heading', { level: 2, name: 'For Alice' }).waitFor()
      const { name } = (await http.request('tenants', { json: {} })).body
      await page.goto(`${base}/lab/t/${name}/mail`)
      await page.getByText('No mail yet').waitFor()
    } finally {
      proxy.closeAllConnections()
      proxy.close()
    }
  })

  it('speaks the language and has the theme that were chosen', async () => {
    await using http = await start()
    await using page = await browser.open(http.base, '/mail')
    await page.getByRole('combobox', { name: 'Language' }).selectOption('ja')
    await page.getByText('まだメールはありません').waitFor()
    await page.getByRole('combobox', { name: '言語' }).selectOption('de')
    await page.getByText('Noch keine Nachrichten').waitFor()
    await page.getByRole('button', { name: 'Darstellung: System' }).click()
    await page.getByRole('button', { name: 'Darstellung: hell' }).click()
    await page.reload()
    await page.getByText('Noch keine Nachrichten').waitFor()
    await expect
      .poll(() => page.evaluate('[document.documentElement.dataset.theme, document.documentElement.lang]'))
      .toEqual(['dark', 'de'])
  })
})

/** A proxy that removes a prefix from paths, as most do. */
function proxyOf(target: string, prefix: string): Server {
  return createServer((incoming, outgoing) => {
    const { method, url = '', headers } = incoming
    const forwarded = request(target + url.replace(prefix, ''), { method, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(outgoing)
    })
    forwarded.on('error', () => outgoing.destroy())
    outgoing.on('close', () => forwarded.destroy())
    incoming.pipe(forwarded)
  }).listen(0, '127.0.0.1')
}
