import { execFileSync } from 'node:child_process'
import { type Browser, type CDPSession, chromium, type Page } from 'playwright-core'
import type { Target } from '../frame/types.ts'

/** Debian's package. */
const PROGRAM = '/usr/bin/chromium'

/** Returns the name and the version of the browser. */
export const browserVersion = (): string =>
  execFileSync(PROGRAM, ['--version'], { encoding: 'utf8' }).split(' built')[0] as string

export const openBrowser = (): Promise<Browser> =>
  chromium.launch({
    executablePath: PROGRAM,
    args: ['--no-sandbox', '--disable-background-networking', '--no-first-run'],
  })

export const addressOf = ({ host, port }: Target): string => `http://${host}:${port}/mail`

/** A selector of the row of a message that is loaded. */
export const LOADED_ROW = '.mail-row .subject'

/** Opens the list of all mail in a profile of its own. */
export async function openMail(browser: Browser, target: Target): Promise<{ page: Page; devtools: CDPSession }> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 } })
  const page = await context.newPage()
  await page.goto(addressOf(target))
  await page.locator('.live.live').waitFor()
  return { page, devtools: await context.newCDPSession(page) }
}
