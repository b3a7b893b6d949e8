import { expect } from 'vitest'
import type { HttpLab } from './client.ts'

export interface Received {
  readonly event: string
  readonly id: string
  // biome-ignore lint/suspicious/noExplicitAny: tests check the shape themselves
  readonly data: any
}

/** Reads server-sent events. https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream */
export class EventReader {
  readonly #abort = new AbortController()
  readonly received: Received[] = []
  #wake = (): void => {}

  static async open(http: HttpLab, query: string, headers: Record<string, string>): Promise<EventReader> {
    const reader = new EventReader()
    const response = await fetch(`${http.base}/api/v1/events?${query}`, { headers, signal: reader.#abort.signal })
    expect(response.status).toBe(200)
    void reader.#read(response.body as ReadableStream<Uint8Array>)
    return reader
  }

  async #read(body: ReadableStream<Uint8Array>): Promise<void> {
    let text = ''
    const decoder = new TextDecoder()
    try {
      for await (const chunk of body) {
        text += decoder.decode(chunk, { stream: true })
        for (let end = text.indexOf('\n\n'); end !== -1; end = text.indexOf('\n\n')) {
          const fields = new Map(
            text
              .slice(0, end)
              .split('\n')
              .map((line) => [line.split(': ')[0], line.split(': ').slice(1).join(': ')]),
          )
          text = text.slice(end + 2)
          const event = fields.get('event')
          if (event)
            this.received.push({ event, id: fields.get('id') ?? '', data: JSON.parse(fields.get('data') ?? '') })
        }
        this.#wake()
      }
    } catch {
      // Aborted by the test.
    }
  }

  /** Waits for an event that matches. */
  async next(event: string, matches: (data: Received['data']) => boolean = () => true): Promise<Received['data']> {
    for (;;) {
      const found = this.received.find((one) => one.event === event && matches(one.data))
      if (found) return found.data
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
  }

  /** The id of the latest event. */
  get lastId(): string {
    return this.received.at(-1)?.id ?? ''
  }

  idOf(event: string): string {
    return this.received.find((one) => one.event === event)?.id ?? ''
  }

  close(): void {
    this.#abort.abort()
  }
}
