import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll } from 'vitest'

/** A request that the lab sent to a webhook. */
export interface Received {
  readonly headers: IncomingHttpHeaders
  readonly text: string
  // biome-ignore lint/suspicious/noExplicitAny: tests check the shape of events themselves
  readonly json: any
}

/** A program that receives the events of a provider. */
export class EventReceiver {
  readonly requests: Received[] = []
  readonly #server: Server
  #wake = (): void => {}

  private constructor(statuses: number[]) {
    this.#server = createServer(async (request, response) => {
      let text = ''
      for await (const chunk of request) text += chunk
      this.requests.push({ headers: request.headers, text, json: JSON.parse(text) })
      response.writeHead(statuses.shift() ?? 200).end()
      this.#wake()
    })
  }

  /** Starts one that ends with the tests of the file. @param statuses its first answers; the others are 200 */
  static async ofTests(...statuses: number[]): Promise<EventReceiver> {
    const receiver = new EventReceiver(statuses)
    receiver.#server.listen(0, '127.0.0.1')
    await once(receiver.#server, 'listening')
    afterAll(() => {
      receiver.#server.closeAllConnections()
      receiver.#server.close()
    })
    return receiver
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/events`
  }

  /** Removes and returns the first requests, once there are so many. */
  async take(count: number): Promise<Received[]> {
    while (this.requests.length < count) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
    return this.requests.splice(0, count)
  }
}
