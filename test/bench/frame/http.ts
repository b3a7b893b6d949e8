import { Agent, request } from 'node:http'
import type { Target } from './types.ts'

/** A client of an HTTP server, with one connection that is kept. */
export class HttpClient {
  readonly #host: string
  readonly #port: number
  readonly #headers: Readonly<Record<string, string>>
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 })

  constructor({ host, port }: Pick<Target, 'host' | 'port'>, headers: Readonly<Record<string, string>> = {}) {
    this.#headers = headers
    this.#host = host
    this.#port = port
  }

  /** Returns the parsed JSON of an answer. @throws if the server refuses the request */
  get<T>(path: string): Promise<T> {
    return this.#ask<T>('GET', path)
  }

  /** Sends JSON. @throws if the server refuses the request */
  post<T>(path: string, value: unknown): Promise<T> {
    return this.#ask<T>('POST', path, JSON.stringify(value))
  }

  /** Sends a change as JSON. @throws if the server refuses the request */
  patch<T>(path: string, value: unknown): Promise<T> {
    return this.#ask<T>('PATCH', path, JSON.stringify(value))
  }

  close(): void {
    this.#agent.destroy()
  }

  #ask<T>(method: string, path: string, body?: string): Promise<T> {
    const headers = { ...this.#headers, ...(body !== undefined && { 'Content-Type': 'application/json' }) }
    const options = { host: this.#host, port: this.#port, method, path, headers, agent: this.#agent }
    return new Promise((resolve, reject) => {
      const asked = request(options, (answer) => {
        const parts: Buffer[] = []
        answer.on('data', (part: Buffer) => parts.push(part))
        answer.on('error', reject)
        answer.on('end', () => {
          const text = Buffer.concat(parts).toString()
          if ((answer.statusCode ?? 0) < 300) resolve(JSON.parse(text))
          else reject(new Error(`${method} ${path}: ${answer.statusCode} ${text}`))
        })
      })
      asked.on('error', reject)
      asked.end(body)
    })
  }
}
