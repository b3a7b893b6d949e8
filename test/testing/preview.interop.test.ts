import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startLab } from '../../src/testing/index.ts'
import type { LabMessage } from '../../src/testing/received/message.ts'
import type { TestLab } from '../../src/testing/test-lab.ts'
import { chromiumOptions, hasChromium, launchChromium } from '../support/chromium.ts'

const launch = chromiumOptions()

/** Returns the width and height of a PNG. */
function sizeOf(png: Buffer): [number, number] {
  expect(png.subarray(1, 4).toString()).toBe('PNG')
  return [png.readUInt32BE(16), png.readUInt32BE(20)]
}

describe.skipIf(!hasChromium)('mail.preview()', () => {
  let lab: TestLab
  let browser: Browser
  beforeAll(async () => {
    lab = await startLab({ virtualServers: [{ protocol: 'smtp' }] })
    browser = await launchChromium()
  })
  afterAll(async () => {
    await browser?.close()
    await lab?.stop()
  })

  const received = async (draft: object): Promise<LabMessage> => {
    await lab.deliver(draft, 'alice')
    return lab.waitForMessage('alice')
  }
  /** Returns the colour of a pixel, read by a page of its own. */
  const colourAt = async (png: Buffer, x: number, y: number): Promise<number[]> => {
    await using page = await browser.newPage()
    // As text: the types of the browser are not those of the tests.
    return (await page.evaluate(`(async () => {
        const blob = await (await fetch('data:image/png;base64,${png.toString('base64')}')).blob()
        const image = await createImageBitmap(blob)
        const canvas = new OffscreenCanvas(image.width, image.height).getContext('2d')
        canvas.drawImage(image, 0, 0)
        return [...canvas.getImageData(${x}, ${y}, 1, 1).data].slice(0, 3)
      })()`)) as number[]
  }

  test('is a picture of the whole message, with its own images and nothing from elsewhere', async () => {
    let requests = 0
    const server = createServer((_, response) => {
      requests++
      response.end()
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    // Half transparent.
    const red = Buffer.from(
      'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==',
      'base64',
    )
    const mail = await received({
      html: `<style>@import url(${url}/a.css); body { margin: 0; background: #00f url(${url}/b.png) } @media (prefers-color-scheme: dark) { body { background: #0f0 } }</style>
        <link rel="stylesheet" href="${url}/c.css"><script>document.body.style.background = '#fff'</script>
        <img src="cid:red" width="100" height="50" style="display: block"><img src="${url}/d.png"><iframe src="${url}/e"></iframe><div style="height: 1500px"></div>`,
      attachments: [{ filename: 'red.png', content: red, contentType: 'image/png', cid: 'red' }],
    })
    const png = await mail.preview({ launch })
    const [width, height] = sizeOf(png)
    expect([width, height > 1500]).toEqual([800, true])
    expect(await colourAt(png, 5, 5)).toEqual([127, 0, 128])
    expect(await colourAt(png, 500, 1000)).toEqual([0, 0, 255])
    const dark = await mail.preview({ browser, scheme: 'dark', width: 400 })
    expect(sizeOf(dark)[0]).toBe(400)
    expect(await colourAt(dark, 300, 1000)).toEqual([0, 255, 0])
    expect(requests).toBe(0)
    server.close()
  })

  test('of a message without HTML shows its text', async () => {
    const mail = await received({ text: 'one <b>two</b>\n'.repeat(100) })
    expect(sizeOf(await mail.preview({ browser, width: 300 }))[1]).toBeGreaterThan(1000)
  })

  test('refuses wrong options', async () => {
    const mail = await received({ text: 'x' })
    await expect(mail.preview({ widht: 1 } as never)).rejects.toThrow(
      'preview: options.widht: unknown key; did you mean width?',
    )
  })
})
