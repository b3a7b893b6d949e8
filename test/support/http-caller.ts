/** The answer to a request, its body parsed if it is JSON. */
export interface HttpAnswer {
  readonly status: number
  // biome-ignore lint/suspicious/noExplicitAny: tests check the shape of the answer themselves
  readonly body: any
}

/** Calls the HTTP API of a lab in another process as its administrator alice. */
export class HttpCaller {
  readonly #base: string

  constructor(port: number) {
    this.#base = `http://127.0.0.1:${port}`
  }

  /** Sends a request; with `json`, POST is the default. Paths without a leading `/` are below `/api/v1`. */
  async request(path: string, json?: unknown, method = json === undefined ? 'GET' : 'POST'): Promise<HttpAnswer> {
    const response = await fetch(`${this.#base}${path.startsWith('/') ? path : `/api/v1/${path}`}`, {
      method,
      headers: {
        authorization: `Basic ${Buffer.from('alice:secret').toString('base64')}`,
        ...(json === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(json === undefined ? {} : { body: JSON.stringify(json) }),
    })
    const text = await response.text()
    const isJson = /json/.test(response.headers.get('content-type') ?? '')
    return { status: response.status, body: isJson && text !== '' ? JSON.parse(text) : text }
  }
}
