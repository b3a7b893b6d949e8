import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { HttpLab } from '../servers/http/client.ts'
import { ConsoleBrowser, consoleLab, hasChromium } from './browser.ts'

/**
 * Pictures in cells of two letters, from A to Z: how bright a cell is, and how much is drawn in it. Other words and times
 * hardly change them, but a missing style sheet, a wrong theme or a pane at another place does. After such a change on
 * purpose, look at the page, and run this test with SEALPOST_UPDATE=1.
 */
const FILE = join(import.meta.dirname, 'appearance.json')
const [COLUMNS, ROWS] = [24, 16]
/** Cells differ from here on, in letters. */
const [BRIGHTNESS_APART, INK_APART] = [4, 5]
const MAX_DIFFERENT = 0.1

/** Takes a picture without the rail, which grows with each page. */
const picture = (page: Page): Promise<Buffer> => page.locator('main').screenshot()

/** Returns the rows of cells of a picture, with the decoder of the browser. */
const cellsOf = (page: Page, png: Buffer): Promise<string[]> =>
  page.evaluate(`(async () => {
    const response = await fetch('data:image/png;base64,${png.toString('base64')}')
    const bitmap = await createImageBitmap(await response.blob())
    const { width, height } = bitmap
    const context = new OffscreenCanvas(width, height).getContext('2d')
    context.drawImage(bitmap, 0, 0)
    const { data } = context.getImageData(0, 0, width, height)
    const letter = (share) => String.fromCharCode(65 + Math.min(25, Math.floor(share * 26)))
    const cell = (column, row) => {
      const values = []
      for (let y = Math.floor((row * height) / ${ROWS}); y < Math.floor(((row + 1) * height) / ${ROWS}); y++) {
        for (let x = Math.floor((column * width) / ${COLUMNS}); x < Math.floor(((column + 1) * width) / ${COLUMNS}); x++) {
          const at = 4 * (y * width + x)
          values.push((data[at] + data[at + 1] + data[at + 2]) / 3)
        }
      }
      const ground = values.toSorted((a, b) => a - b)[values.length >> 1]
      const ink = values.filter((value) => Math.abs(value - ground) > 24).length / values.length
      return letter(values.reduce((sum, value) => sum + value, 0) / values.length / 255) + letter(3 * ink)
    }
    return Array.from({ length: ${ROWS} }, (_, row) =>
      Array.from({ length: ${COLUMNS} }, (_, column) => cell(column, row)).join(' '))
  })()`)

/** Returns the share of cells that differ. */
function difference(one: readonly string[], other: readonly string[]): number {
  const [first, second] = [one, other].map((rows) => rows.join(' ').split(' ')) as [string[], string[]]
  if (first.length !== second.length) return 1
  const apart = (at: number, letter: number): number =>
    Math.abs((first[at] as string).charCodeAt(letter) - (second[at] as string).charCodeAt(letter))
  const different = first.filter((_, at) => apart(at, 0) >= BRIGHTNESS_APART || apart(at, 1) >= INK_APART)
  return different.length / first.length
}

const known = JSON.parse(readFileSync(FILE, 'utf8')) as Record<string, string[]>
const screens = [
  { name: 'mail', path: '/mail', ready: '.mail-row .subject' },
  { name: 'message', path: '/mail', ready: '.frame-box iframe', opens: true },
  { name: 'log-on', path: '/', ready: '.log-on form', server: 'locked' },
]
const looks = screens.flatMap((screen) =>
  (['light', 'dark'] as const).flatMap((colorScheme) =>
    [1280, 390].map((width) => ({ ...screen, colorScheme, width, look: `${screen.name} ${colorScheme} ${width}` })),
  ),
)

describe.skipIf(!hasChromium)('the look of the console', () => {
  let http: HttpLab
  let decoder: Page
  beforeAll(async () => {
    http = await consoleLab({
      virtualServers: [
        { protocol: 'smtp' },
        { protocol: 'http' },
        { protocol: 'http', name: 'locked', authentication: ['basic'] },
      ],
    })
    decoder = await browser.open('about:blank', '')
  })
  afterAll(async () => {
    await http?.[Symbol.asyncDispose]()
    if (process.env.SEALPOST_UPDATE) writeFileSync(FILE, `${JSON.stringify(known, null, 2)}\n`)
  })
  const browser = ConsoleBrowser.ofTests()

  it.each(looks)('is about as before: $name, $colorScheme, $width px', async (screen) => {
    const { path, ready, colorScheme, width, look } = screen
    const base = `http://127.0.0.1:${http.lab.server('server' in screen ? 'locked' : 'http').port}`
    const page = await browser.open(base, path, {
      colorScheme,
      viewport: { width, height: 800 },
      reducedMotion: 'reduce',
    })
    if ('opens' in screen) await page.getByText('Your order 4711', { exact: true }).first().click()
    await page.locator(ready).first().waitFor()
    if ('opens' in screen) await page.frameLocator(ready).getByRole('heading').waitFor()
    const cells = await cellsOf(decoder, await picture(page))
    await page.context().close()
    if (process.env.SEALPOST_UPDATE) known[look] = cells
    expect(
      difference(cells, known[look] ?? []),
      `${look}:\n${cells.join('\n')}\nbefore:\n${known[look]?.join('\n')}`,
    ).toBeLessThan(MAX_DIFFERENT)
  })

  it('is another without its style sheets, and in another theme', async () => {
    for (const { name, width } of looks) {
      const [light = [], dark = []] = ['light', 'dark'].map((scheme) => known[`${name} ${scheme} ${width}`])
      expect(difference(light, dark)).toBeGreaterThan(2 * MAX_DIFFERENT)
    }
    await using page = await browser.open(http.base, '/mail', {
      colorScheme: 'light',
      viewport: { width: 1280, height: 800 },
    })
    await page.locator('.mail-row .subject').first().waitFor()
    await page.evaluate('for (const sheet of document.styleSheets) sheet.disabled = true')
    const cells = await cellsOf(decoder, await picture(page))
    expect(difference(cells, known['mail light 1280'] ?? [])).toBeGreaterThan(2 * MAX_DIFFERENT)
  })
})
