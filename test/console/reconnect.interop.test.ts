import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { describe, expect, it } from 'vitest'
import { consoleSite, hasChromium } from './browser.ts'

/** A line to a lab that can be cut. */
class Line implements AsyncDisposable {
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  isCut = false

  private constructor(target: number) {
    this.#server = createServer((socket) => {
      if (this.isCut) return socket.destroy()
      const behind = connect(target, '127.0.0.1')
      for (const [one, other] of [
        [socket, behind],
        [behind, socket],
      ] as const) {
        this.#sockets.add(one)
        one.pipe(other)
        one.on('error', () => other.destroy())
        one.on('close', () => {
          this.#sockets.delete(one)
          other.destroy()
        })
      }
    })
  }

  static async to(target: number): Promise<Line> {
    const line = new Line(target)
    line.#server.listen(0, '127.0.0.1')
    await once(line.#server, 'listening')
    return line
  }

  get base(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  cut(): void {
    this.isCut = true
    for (const socket of this.#sockets) socket.destroy()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.cut()
    this.#server.close()
    await once(this.#server, 'close')
  }
}

describe.skipIf(!hasChromium)('the list of messages', () => {
  const site = consoleSite()

  const deliver = (subject: string): Promise<void> =>
    site.http.lab.deliver(
      { from: 'Shop <shop@app.test>', to: 'alice@lab.test', subject, text: 'Text' },
      { to: 'alice' },
    )
  const total = async (): Promise<number> => (await site.http.request('messages?limit=1&articles=false')).body.total

  it('counts each message once that has arrived while the line was cut', async () => {
    await using line = await Line.to(site.http.lab.server('http').port as number)
    await using page = await site.browser.open(line.base, '/mail')
    await page.getByText('live', { exact: true }).waitFor()
    await page.getByText('Your code', { exact: true }).waitFor()
    line.cut()
    await page.getByText(/reconnecting/).waitFor()
    for (let number = 1; number <= 300; number++) await deliver(`While it was cut ${number}`)
    line.isCut = false
    await page.getByText('While it was cut 300', { exact: true }).waitFor()
    await deliver('The next one')
    await page.getByText('The next one', { exact: true }).waitFor()
    // The folders are read again after the last event. The list agrees with them then, and stays so.
    const all = page.locator('.tree-node', { hasText: 'All mail' })
    await expect.poll(() => all.getAttribute('title')).toContain(`${await total()}`)
    await expect.poll(() => page.locator('.list-bar h2 .hint').textContent()).toBe(`${await total()}`)
  })

  it('has a message that arrives while the list is read', async () => {
    const context = (await site.browser.open(site.http.base, '/mail')).context()
    const page = await context.newPage()
    let release = (): void => {}
    const released = new Promise<void>((resolve) => {
      release = resolve
    })
    let isFirst = true
    const isRead = new Promise<void>((resolve) => {
      void page.route('**/api/v1/messages?*', async (route) => {
        if (!isFirst) return route.continue()
        isFirst = false
        const response = await route.fetch()
        resolve()
        await released
        await route.fulfill({ response })
      })
    })
    await page.goto(`${site.http.base}/mail`)
    await page.getByText('live', { exact: true }).waitFor()
    await isRead
    await deliver('In between')
    // The event has arrived when the folders are read again.
    const all = page.locator('.tree-node', { hasText: 'All mail' })
    await expect.poll(() => all.getAttribute('title')).toContain(`${await total()}`)
    release()
    await page.getByText('In between', { exact: true }).waitFor()
    await expect.poll(() => page.locator('.list-bar h2 .hint').textContent()).toBe(`${await total()}`)
    await context.close()
  })
})
