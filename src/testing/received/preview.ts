import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { htmlDocument } from '../../api/messages/html-document.ts'
import { Content } from '../../api/operation.ts'
import { runInSlices } from '../../core/time/time-slice.ts'
import type { ReadableMessage } from '../../mail/format/readable.ts'
import type { Call } from '../calls/call.ts'

/** Options of `preview()`. */
export interface PreviewOptions {
  /** Width of the window in pixels. Default: 800. The picture is as high as the message. */
  readonly width?: number
  /** The colour scheme of the mail program. Default: light. */
  readonly scheme?: 'light' | 'dark'
  /** A browser that Playwright has launched, such as the fixture `browser` of its tests. Default: Chromium, for this call. */
  readonly browser?: PreviewBrowser
  /** Options for `chromium.launch` of Playwright, such as `executablePath` and `args`. */
  readonly launch?: Readonly<Record<string, unknown>>
}

/** The part of Playwright's types that is used here: the package is optional. */
export interface PreviewBrowser {
  newContext(options: object): Promise<Context>
}

interface Context {
  newPage(): Promise<Page>
  close(): Promise<void>
}

interface Page {
  route(pattern: string, handler: (route: Route) => Promise<void>): Promise<unknown>
  goto(url: string): Promise<unknown>
  screenshot(options: object): Promise<Buffer>
}

interface Route {
  request(): { url(): string }
  fulfill(answer: object): Promise<void>
  abort(): Promise<void>
}

interface Playwright {
  readonly chromium: { launch(options: object): Promise<PreviewBrowser & { close(): Promise<void> }> }
}

const PACKAGES = ['playwright', 'playwright-core', '@playwright/test']
/** A name that no DNS has. RFC 6761 section 6.4 */
const PAGE = 'http://mail.invalid/'
const WIDTH = 800
const HEIGHT = 100

/** Returns a picture of a message as a PNG. @throws TypeError for wrong options; Error without Playwright or its browser */
export async function previewOf(call: Call, message: ReadableMessage, options: PreviewOptions): Promise<Buffer> {
  call.check('preview', options, 'options')
  const { browser: given, launch = {} } = options
  if (given) return pictureIn(given, message, options)
  const browser = await playwright(call).chromium.launch(launch)
  try {
    return await pictureIn(browser, message, options)
  } finally {
    await browser.close()
  }
}

async function pictureIn(
  browser: PreviewBrowser,
  message: ReadableMessage,
  { width = WIDTH, scheme = 'light' }: PreviewOptions,
): Promise<Buffer> {
  const { type, octets, headers } =
    message.html === undefined ? textDocument(message.text) : await runInSlices(htmlDocument(message, { scheme }))
  const context = await browser.newContext({
    javaScriptEnabled: false,
    serviceWorkers: 'block',
    colorScheme: scheme,
    viewport: { width, height: HEIGHT },
  })
  try {
    const page = await context.newPage()
    await page.route('**', (route) =>
      route.request().url() === PAGE ? route.fulfill({ contentType: type, headers, body: octets }) : route.abort(),
    )
    await page.goto(PAGE)
    return await page.screenshot({ type: 'png', fullPage: true })
  } finally {
    await context.close()
  }
}

const ESCAPES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;' }
const textDocument = (text: string): Content =>
  new Content(
    'text/html; charset=utf-8',
    `<pre style="white-space: pre-wrap">${text.replace(/[&<]/g, (one) => ESCAPES[one] ?? one)}</pre>`,
  )

/** Loads the optional package of the project. @throws Error that says what to install */
function playwright(call: Call): Playwright {
  // Package managers with strict folders show it to the project only.
  for (const from of [pathToFileURL(join(process.cwd(), 'package.json')), import.meta.url])
    for (const name of PACKAGES) {
      try {
        return createRequire(from)(name) as Playwright
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'MODULE_NOT_FOUND') throw error
      }
    }
  throw call.at(
    new Error(
      'preview: needs Playwright, which is not installed; run: npm install --save-dev playwright && npx playwright install chromium',
    ),
  )
}
