import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, describe, expect, it } from 'vitest'
import { consoleSite, hasChromium } from './browser.ts'

const SVG = '<svg xmlns="http://www.w3.org/2000/svg" width="60" height="40"><script>parent.hacked = true</script></svg>'

describe.skipIf(!hasChromium)('remote content of a message', async () => {
  const agents: (string | undefined)[] = []
  const images = createServer((request, response) => {
    agents.push(request.headers['user-agent'])
    if (request.url === '/logo.svg') response.writeHead(200, { 'Content-Type': 'image/svg+xml' }).end(SVG)
    else response.writeHead(404).end()
  })
  await new Promise<void>((done) => images.listen(0, '127.0.0.1', done))
  afterAll(() => void images.close())
  const { port } = images.address() as AddressInfo
  const site = consoleSite({ mail: { remoteContent: [`localhost:${port}`] } })
  const off = consoleSite()
  const html = `<video src="https://film.example/a.mp4"></video><img id="logo" alt="Logo" src="http://localhost:${port}/logo.svg"><img alt="" src="http://localhost:${port}/none.png">`

  it('is shown once, fetched by the lab and not by the browser', async () => {
    await site.http.lab.deliver({ subject: 'Remote', html }, { to: 'alice' })
    const [{ id }] = (await site.http.request('messages?query=subject:Remote')).body.items
    await using page = await site.browser.open(site.http.base, `/mail/${id}`)
    await page.getByText('3 blocked').click()
    const logo = page.frameLocator('iframe').locator('#logo')
    const width = () => logo.evaluate((image) => (image as unknown as { naturalWidth: number }).naturalWidth)
    expect(await width()).toBe(0)
    await page.getByRole('button', { name: 'Show once' }).click()
    const list = page.locator('.blocked-list li')
    await list.filter({ hasText: /logo\.svg.*shown/ }).waitFor()
    await list.filter({ hasText: /none\.png.*answers 404/ }).waitFor()
    await list.filter({ hasText: /a\.mp4.*only images/ }).waitFor()
    await page.getByText('2 blocked').waitFor()
    await expect.poll(width).toBe(60)
    expect(await page.evaluate('window.hacked')).toBeUndefined()
    await page.reload()
    await page.getByText('3 blocked').waitFor()
    expect(await width()).toBe(0)
    // The policy stops what the browser begins.
    expect(new Set(agents)).toEqual(new Set(['Sealpost']))
  })

  it('is off by default, and the console says how to allow it', async () => {
    await off.http.lab.deliver({ subject: 'Remote', html }, { to: 'alice' })
    const [{ id }] = (await off.http.request('messages?query=subject:Remote')).body.items
    agents.length = 0
    await using page = await off.browser.open(off.http.base, `/mail/${id}`)
    await page.getByText('3 blocked').click()
    await page.getByRole('button', { name: 'Show once' }).click()
    await page.getByText(/mail: \{ remoteContent: \[/).waitFor()
    expect(agents).toEqual([])
  })
})
