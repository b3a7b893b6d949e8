import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { HttpLab } from '../servers/http/client.ts'
import { freePort } from '../support/free-ports.ts'
import { needs } from '../support/programs.ts'
import { ConsoleBrowser, hasChromium } from './browser.ts'

const hasNginx = needs('nginx')
const token = 'ci-ci-ci-ci-ci-ci'

/** nginx with the shortest configuration that puts a lab below a path. */
class Nginx implements AsyncDisposable {
  readonly #process: ChildProcess
  readonly #folder: string
  readonly base: string

  private constructor(process: ChildProcess, folder: string, port: number) {
    this.#process = process
    this.#folder = folder
    this.base = `http://127.0.0.1:${port}`
  }

  static async before(target: string): Promise<Nginx> {
    const folder = mkdtempSync(join(tmpdir(), 'sealpost-nginx-'))
    const port = await freePort()
    const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    const file = join(folder, 'nginx.conf')
    writeFileSync(
      file,
      `daemon off; pid ${folder}/pid; error_log ${folder}/error.log; worker_processes 1;
      ${process.getuid?.() === 0 ? 'user root;' : ''}
      events {}
      http {
        access_log off;
        ${temporary.map((name) => `${name}_temp_path ${folder}/${name};`).join(' ')}
        server {
          listen 127.0.0.1:${port};
          location /lab/ { proxy_pass ${target}/; }
        }
      }`,
    )
    const child = spawn('nginx', ['-c', file, '-p', folder], { stdio: 'inherit' })
    const nginx = new Nginx(child, folder, port)
    while (child.exitCode === null && !(await answers(port))) await new Promise((resolve) => setTimeout(resolve, 20))
    if (child.exitCode !== null) throw new Error('nginx has ended')
    return nginx
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = once(this.#process, 'exit')
    this.#process.kill('SIGTERM')
    await ended
    rmSync(this.#folder, { recursive: true, force: true })
  }
}

const answers = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('error', () => resolve(false))
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
  })

describe.skipIf(!hasChromium || !hasNginx)('the console behind nginx', () => {
  let http: HttpLab
  let nginx: Nginx
  beforeAll(async () => {
    http = await HttpLab.start({
      directory: { accounts: [{ user: 'alice', password: 'secret' }] },
      access: { tokens: [{ name: 'ci', token }] },
      virtualServers: [{ protocol: 'http', authentication: ['basic'] }],
    })
    nginx = await Nginx.before(http.base)
  })
  afterAll(async () => {
    await nginx?.[Symbol.asyncDispose]()
    await http?.[Symbol.asyncDispose]()
  })
  const browser = ConsoleBrowser.ofTests()

  const deliver = (subject: string): Promise<void> =>
    http.lab.deliver({ to: 'alice@lab.test', subject, html: '<h1>Hello</h1>' }, { to: 'alice' })

  it('takes the token, shows mail as it arrives, changes it, and keeps its place through a reload', async () => {
    await deliver('First')
    const page = await browser.open(nginx.base, `/lab/#token=${token}`)
    await page.getByText('First', { exact: true }).waitFor()
    await page.getByText('live', { exact: true }).waitFor()
    // nginx holds back what the lab does not ask it to pass on at once.
    await deliver('Second')
    await page.getByText('Second', { exact: true }).click()
    await page.frameLocator('.frame-box iframe').getByRole('heading', { name: 'Hello' }).waitFor()
    await page.locator('.virtual-row.active .mail-row:not(.unread)').waitFor()
    await expect.poll(() => page.url()).toMatch(/\/lab\/mail\/[^/]+$/)
    await page.reload()
    await page.frameLocator('.frame-box iframe').getByRole('heading', { name: 'Hello' }).waitFor()
    await page.getByRole('link', { name: 'Virtual servers' }).click()
    await page.getByRole('heading', { level: 2, name: 'Virtual servers' }).waitFor()
    await expect.poll(() => new URL(page.url()).pathname).toBe('/lab/servers')
    await page.getByRole('button', { name: 'Log off' }).click()
    await page.getByLabel('User name').waitFor()
    await page.context().close()
    expect(browser.complaints.filter((one) => !one.includes('401'))).toEqual([])
    expect(browser.foreign).toEqual([])
  })
})
