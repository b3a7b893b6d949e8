import { readFileSync } from 'node:fs'
import type { Browser, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { startLab } from '../../../../src/testing/index.ts'
import type { TestLab } from '../../../../src/testing/test-lab.ts'
import { hasChromium, launchChromium } from '../../../support/chromium.ts'
import { ForeignSite } from '../browser/foreign-site.ts'
import { AuthorizationClient, codeVerifier } from './authorization-client.ts'

const axe = readFileSync(new URL('../../../../node_modules/axe-core/axe.min.js', import.meta.url), 'utf8')

describe.skipIf(!hasChromium).each([
  ['with JavaScript', true],
  ['without JavaScript', false],
])('Chromium %s', (_, javaScriptEnabled) => {
  let lab: TestLab
  let client: AuthorizationClient
  let app: ForeignSite
  let browser: Browser
  let page: Page
  beforeAll(async () => {
    lab = await startLab({
      directory: { accounts: [{ user: 'alice', password: 'alices-secret' }] },
      virtualServers: [{ protocol: 'http', limits: { failedLogonDelay: '1ms' } }],
    })
    client = new AuthorizationClient(`http://127.0.0.1:${lab.server('http').port}`)
    app = await ForeignSite.start()
    app.page('/', `<a href="${authorizeUrl()}">Log on</a>`)
    browser = await launchChromium()
  })
  afterAll(async () => {
    await browser?.close()
    await app?.[Symbol.asyncDispose]()
    await lab?.stop()
  })
  const complaints: string[] = []
  beforeEach(async () => {
    complaints.length = 0
    page = await browser.newPage({ javaScriptEnabled })
    page.on('console', (message) => complaints.push(message.text()))
  })
  afterEach(() => page.close())

  const { verifier, challenge } = codeVerifier()
  const redirectUri = (): string => `http://127.0.0.1:${app.port}/callback`
  const authorizeUrl = (): string => {
    const request = { client_id: 'sealpost', response_type: 'code', redirect_uri: redirectUri(), ...challenge }
    return `${client.base}/oauth2/authorize?${new URLSearchParams(request)}`.replaceAll('&', '&amp;')
  }
  const logOn = async (password = 'alices-secret'): Promise<void> => {
    await page.fill('[name=user]', 'alice')
    await page.fill('[name=password]', password)
    await page.click('text=Log on and allow')
  }
  /** Returns what axe finds on the page. It needs JavaScript. */
  const violations = async (): Promise<unknown[]> => {
    if (!javaScriptEnabled) return []
    return page.evaluate(`${axe}; axe.run().then(({ violations }) => violations.map(({ id }) => id))`)
  }

  it('logs on, and is sent back to the program, which gets tokens', async () => {
    await page.goto(`http://127.0.0.1:${app.port}/`)
    await page.click('text=Log on')
    expect(await violations()).toEqual([])
    await logOn('wrong')
    await page.waitForSelector('text=Unknown user name or bad password.')
    expect(await violations()).toEqual([])
    await logOn()
    await page.waitForURL(`${redirectUri()}**`)
    const code = new URL(page.url()).searchParams.get('code') ?? ''
    const grant = { grant_type: 'authorization_code', client_id: 'sealpost', code, redirect_uri: redirectUri() }
    expect((await client.token({ ...grant, code_verifier: verifier })).status).toBe(200)
    expect(complaints.filter((text) => /policy|script/i.test(text))).toEqual([])
  })

  it('tells the program that the person refuses', async () => {
    await page.goto(authorizeUrl().replaceAll('&amp;', '&'))
    await page.click('text=Deny')
    await page.waitForURL(`${redirectUri()}**`)
    expect(new URL(page.url()).searchParams.get('error')).toBe('access_denied')
  })

  it('connects a device', async () => {
    const device = (await client.send('/oauth2/device_authorization', { client_id: 'sealpost' })).body
    await page.goto(device.verification_uri)
    expect(await violations()).toEqual([])
    // People write it in small letters, and without the hyphen.
    await page.fill('[name=user_code]', device.user_code.toLowerCase().replace('-', ''))
    await page.click('button:has-text("Continue")')
    await page.waitForSelector(`text=${device.user_code}`)
    expect(await violations()).toEqual([])
    await page.click('button:has-text("Continue")')
    await logOn()
    await page.waitForSelector('text=The device is connected')
    expect(await violations()).toEqual([])
    const grant = { grant_type: 'urn:ietf:params:oauth:grant-type:device_code', client_id: 'sealpost' }
    expect((await client.token({ ...grant, device_code: device.device_code })).status).toBe(200)
  })
})
