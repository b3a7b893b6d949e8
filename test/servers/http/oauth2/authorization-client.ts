import { createHash, randomBytes } from 'node:crypto'

/** An answer of the authorization server. */
export interface OAuthAnswer {
  readonly status: number
  readonly headers: Headers
  // biome-ignore lint/suspicious/noExplicitAny: tests check the shape of the answer themselves
  readonly body: any
}

type Parameters = Readonly<Record<string, string>>

/** A client of an authorization server, without a browser: it keeps cookies and follows redirects itself. */
export class AuthorizationClient {
  readonly base: string
  readonly #cookies = new Map<string, string>()

  constructor(base: string) {
    this.base = base
  }

  /** Sends a form, or a GET request. */
  async send(path: string, form?: Parameters, headers: Parameters = {}): Promise<OAuthAnswer> {
    const cookie = [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    const response = await fetch(new URL(path, this.base), {
      method: form ? 'POST' : 'GET',
      redirect: 'manual',
      headers: { ...(cookie === '' ? {} : { cookie }), ...headers },
      ...(form ? { body: new URLSearchParams(form) } : {}),
    })
    for (const field of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(field) ?? []
      if (value === '') this.#cookies.delete(name)
      else this.#cookies.set(name, value)
    }
    const text = await response.text()
    const isJson = /json/.test(response.headers.get('content-type') ?? '')
    return { status: response.status, headers: response.headers, body: isJson ? JSON.parse(text) : text }
  }

  /** Follows redirects within the server. Returns the page where they end, or the URI of the client. */
  async follow(path: string, form?: Parameters): Promise<{ readonly at: string; readonly answer: OAuthAnswer }> {
    let at = new URL(path, this.base).href
    let answer = await this.send(at, form)
    for (;;) {
      const location = answer.headers.get('location')
      if (location === null) return { at, answer }
      at = new URL(location, at).href
      if (!at.startsWith(this.base)) return { at, answer }
      answer = await this.send(at)
    }
  }

  /** Logs on at the authorization endpoint. Returns the parameters with which the client is called back. */
  async authorize(parameters: Parameters, user: string, password: string): Promise<Record<string, string>> {
    const page = await this.follow(`/oauth2/authorize?${new URLSearchParams(parameters)}`)
    if (!page.at.startsWith(this.base)) return Object.fromEntries(new URL(page.at).searchParams)
    const { at, answer } = await this.follow(page.at, { user, password, action: 'log-on' })
    if (at.startsWith(this.base)) throw new Error(`no redirect: ${answer.status} ${answer.body}`)
    return Object.fromEntries(new URL(at).searchParams)
  }

  token(form: Parameters, headers: Parameters = {}): Promise<OAuthAnswer> {
    return this.send('/oauth2/token', form, headers)
  }
}

/** Returns a code verifier and its challenge. RFC 7636 section 4. */
export function codeVerifier(): { readonly verifier: string; readonly challenge: Parameters } {
  const verifier = randomBytes(32).toString('base64url')
  const challenge = createHash('sha256').update(verifier).digest('base64url')
  return { verifier, challenge: { code_challenge: challenge, code_challenge_method: 'S256' } }
}
