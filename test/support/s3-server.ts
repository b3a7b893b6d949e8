import { readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import type { BucketSettings } from '../../src/storage/index.ts'
import { newFolder } from './folder.ts'

type Handler = (request: IncomingMessage, response: ServerResponse) => void

interface S3rver {
  configureBuckets(): Promise<unknown>
  callback(): Handler
}

// The package has no types.
const S3rver = createRequire(import.meta.url)('@20minutes/s3rver') as new (options: object) => S3rver

/** Answers a request instead of the server, or not: undefined. */
export type Fault = (request: IncomingMessage, response: ServerResponse) => true | undefined

/** The npm package s3rver with one bucket. It checks the signatures of requests. */
export class S3Server implements AsyncDisposable {
  readonly #server: Server
  readonly #folder: string
  /** Methods and paths of requests. */
  readonly requests: string[] = []
  fault: Fault | undefined

  private constructor(server: Server, folder: string) {
    this.#server = server
    this.#folder = folder
  }

  static async start(): Promise<S3Server> {
    const directory = newFolder()
    const s3 = new S3rver({ silent: true, directory, vhostBuckets: false, configureBuckets: [{ name: 'lab' }] })
    await s3.configureBuckets()
    const handle = s3.callback()
    const server = createServer((request, response) => {
      started.requests.push(`${request.method} ${request.url}`)
      if (!started.fault?.(request, response)) handle(request, response)
    })
    const started = new S3Server(server, join(directory, 'lab'))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    return started
  }

  get settings(): BucketSettings {
    return {
      s3: `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`,
      bucket: 'lab',
      region: 'eu-west-1',
      accessKeyId: 'S3RVER',
      secretAccessKey: 'S3RVER',
      prefix: 'mail/',
    }
  }

  /** The names of the files with objects. */
  get objects(): string[] {
    const files = readdirSync(this.#folder, { recursive: true, encoding: 'utf8' })
    return files.filter((file) => file.endsWith('_object')).sort()
  }

  /** Makes all objects as old as this. */
  age(hours: number): void {
    const time = Date.now() / 1000 - hours * 3600
    for (const file of this.objects) utimesSync(join(this.#folder, file), time, time)
  }

  /** Writes other octets into all objects. */
  damage(): void {
    for (const file of this.objects) writeFileSync(join(this.#folder, file), 'damaged')
  }

  removeAll(): void {
    for (const file of this.objects) rmSync(join(this.#folder, file))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }
}

/** Refuses requests with a method. */
export const refusing =
  (method: string, status: number, times = Number.POSITIVE_INFINITY): Fault =>
  (request, response) => {
    if (request.method !== method || times-- <= 0) return undefined
    request.resume()
    response.writeHead(status).end(`<Error><Code>SlowDown</Code><Message>Reduce your request rate.</Message></Error>`)
    return true
  }
