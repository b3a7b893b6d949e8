import { afterAll, beforeAll, describe, test } from 'vitest'
import { OpensslCms } from '../mail/smime/openssl-cms.ts'
import { HttpLab } from '../servers/http/client.ts'
import { needs } from '../support/programs.ts'
import { ConsoleBrowser, hasChromium, openTab } from './browser.ts'

const HTML = 'Content-Type: text/html; charset=utf-8\r\n\r\n<p>The code is 123456.</p>\r\n'

describe.skipIf(!(hasChromium && needs('openssl')))('S/MIME in the console', () => {
  let http: HttpLab
  let browser: ConsoleBrowser
  let cms: OpensslCms

  beforeAll(async () => {
    http = await HttpLab.start()
    browser = new ConsoleBrowser()
    cms = new OpensslCms(http.lab)
  })
  afterAll(async () => {
    cms[Symbol.dispose]()
    await browser[Symbol.asyncDispose]()
    await http[Symbol.asyncDispose]()
  })

  test('a message shows its signature, who encrypted it for whom, and its content', async () => {
    const [alice, bob] = [await cms.user('Alice', { emails: ['alice@lab.test'] }), await cms.user('bob')]
    await http.lab.certificates.import(bob.pkcs12, { password: 'secret' })
    await cms.send(await cms.encrypt([bob], await cms.sign(alice, HTML), ['-aes256']), { subject: 'sealed' })
    await cms.send(await cms.sign(alice, HTML), { subject: 'forged', from: 'mallory@lab.test' })
    const page = await browser.open(http.base, '/mail')
    await page.getByText('sealed', { exact: true }).first().click()
    const reader = page.locator('.reader')
    await reader.getByText('signature valid').waitFor()
    await reader.getByText('encrypted, decrypted by the lab').waitFor()
    await page.frameLocator('iframe').first().getByText('The code is 123456.').waitFor()
    await openTab(page, 'S/MIME')
    const panel = reader.getByRole('tabpanel')
    await panel.getByText('AES-256-CBC').waitFor()
    await panel.getByText('Alice <alice@lab.test>').first().waitFor()
    await page.getByText('forged', { exact: true }).first().click()
    await reader.getByText('signature invalid').first().waitFor()
    await panel.getByText('but the message is from mallory@lab.test (From)').first().waitFor()
  })
})
