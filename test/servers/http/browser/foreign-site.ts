import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A site of somebody else: serves pages, and counts who comes to it. */
export class ForeignSite implements AsyncDisposable {
  readonly #server: Server
  readonly #pages = new Map<string, string>()
  /** The requests so far, with their method. */
  requests: string[] = []
  /** Connections so far, those without a request included. */
  connections = 0

  private constructor() {
    this.#server = createServer((request, response) => {
      const { method, url = '' } = request
      this.requests.push(`${method} ${url}`)
      request.resume()
      response.setHeader('Content-Type', 'text/html; charset=utf-8')
      response.setHeader('Access-Control-Allow-Origin', '*')
      response.end(this.#pages.get(url) ?? '')
    })
    this.#server.on('connection', () => this.connections++)
  }

  static async start(): Promise<ForeignSite> {
    const site = new ForeignSite()
    await once(site.#server.listen(0, '127.0.0.1'), 'listening')
    return site
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  /** Serves a page. Returns its path. */
  page(path: string, html: string): string {
    this.#pages.set(path, html)
    return path
  }

  /** Begins to count again. */
  forget(): void {
    this.requests = []
    this.connections = 0
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }
}
