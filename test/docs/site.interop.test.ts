import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ConsoleBrowser, hasChromium } from '../console/browser.ts'

const project = fileURLToPath(new URL('../../', import.meta.url))
const site = join(project, 'dist-docs')
const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
}

/** Serves the site, as static hosts do: `/tls` is tls.html. */
function serveSite(): Server {
  return createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://site')
    const path = [pathname, `${pathname}.html`, `${pathname}index.html`].find(
      (name) => extname(name) !== '' && existsSync(join(site, name)),
    )
    response.writeHead(path ? 200 : 404, { 'Content-Type': TYPES[extname(path ?? '')] ?? 'application/octet-stream' })
    response.end(path && readFileSync(join(site, path)))
  })
}

/** Returns the address of a page of the site: tls.html is /tls. */
const addressOf = (file: string): string => `/${file.replace(/(?:^|(?<=\/))index\.html$|\.html$/, '')}`

const found = (text: string, pattern: RegExp): string[] => [...text.matchAll(pattern)].map(([, part = '']) => part)

describe.skipIf(!hasChromium)('the site of the documentation', () => {
  let built: { status: number | null; output: string }
  let server: Server
  let base: string

  beforeAll(async () => {
    const { status, stdout, stderr } = spawnSync(process.execPath, ['scripts/docs-site.mjs'], {
      cwd: project,
      encoding: 'utf8',
    })
    built = { status, output: stdout + stderr }
    server = serveSite().listen(0, '127.0.0.1')
    await once(server, 'listening')
    base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  }, 300_000)
  afterAll(() => server.close())

  test('builds without warnings', () => {
    expect([built.status, built.output]).toEqual([0, expect.not.stringMatching(/warn|dead link|\(!\)/i)])
  })

  test('has every page and heading that its links name', () => {
    const files = readdirSync(site, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.html'))
    const texts = new Map(files.map((name) => [addressOf(name), readFileSync(join(site, name), 'utf8')]))
    const ids = new Map([...texts].map(([page, text]) => [page, new Set(found(text, / id="([^"]*)"/g))]))
    const links = [...texts].flatMap(([page, text]) =>
      found(text, /<a\b[^>]* href="(?![a-z]+:)([^"]*)"/g).map((href) => ({
        page,
        to: new URL(href, `http://site${page}`),
      })),
    )
    expect(links.length).toBeGreaterThan(5000)
    const isDead = (to: URL): boolean => {
      const anchor = decodeURIComponent(to.hash.slice(1))
      return anchor === '' ? !ids.has(to.pathname) : !ids.get(to.pathname)?.has(anchor)
    }
    expect(links.filter(({ to }) => isDead(to)).map(({ page, to }) => `${page}: ${to.pathname}${to.hash}`)).toEqual([])
  })

  test('has every page in its navigation, a search, and a dark mode, and asks no other host', async () => {
    await using browser = new ConsoleBrowser()
    const page = await browser.open(base, '/', { viewport: { width: 1280, height: 900 } })
    const links = await page
      .locator('.VPSidebar a')
      .evaluateAll((all) => all.map((one) => one.getAttribute('href') ?? ''))
    expect(links.length).toBeGreaterThan(25)
    for (const link of links) expect([link, (await fetch(base + link)).status]).toEqual([link, 200])

    await page.locator('.VPSidebar').getByText('TLS policies', { exact: true }).click()
    await page.getByRole('heading', { name: 'TLS policies', level: 1 }).waitFor()

    await page.getByRole('button', { name: 'Search' }).click()
    await page.getByRole('searchbox').fill('wildmat')
    await page.getByRole('option').getByText('Conformance').first().click()
    await page.getByRole('heading', { name: 'Conformance', level: 1 }).waitFor()

    await page.getByRole('switch', { name: /dark/i }).first().click()
    await page.locator('html.dark').waitFor()
    expect([browser.complaints, browser.foreign]).toEqual([[], []])
  })

  test('shows help of 80 columns without scrolling, at 1280 pixels', async () => {
    await using browser = new ConsoleBrowser()
    const page = await browser.open(base, '/command-reference', { viewport: { width: 1280, height: 900 } })
    const blocks = await page
      .locator('.vp-doc pre')
      .evaluateAll((all) =>
        all.map((one) => ({ text: one.textContent ?? '', scrolls: one.scrollWidth > one.clientWidth })),
      )
    expect(blocks.length).toBeGreaterThan(100)
    // Examples can be longer: they are copied, and each is one line.
    const isWide = ({ text }: { text: string }): boolean => text.split('\n').some((line) => line.length > 80)
    expect(blocks.filter((block) => block.scrolls && !isWide(block))).toEqual([])
  })

  test('has no page that is wider than a phone', async () => {
    await using browser = new ConsoleBrowser()
    const page = await browser.open(base, '/', { viewport: { width: 390, height: 844 } })
    const links = await page
      .locator('.VPSidebar a')
      .evaluateAll((all) => all.map((one) => one.getAttribute('href') ?? ''))
    for (const link of links) {
      await page.goto(base + link)
      expect([link, await page.evaluate('document.documentElement.scrollWidth')]).toEqual([link, 390])
    }
  }, 300_000)
})
