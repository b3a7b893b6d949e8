import { generateKeyPairSync } from 'node:crypto'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { SignJWT } from 'jose'
import { afterAll, describe, expect, test } from 'vitest'
import { startLab } from '../../../src/testing/start-lab.ts'
import { logOn, open, response } from './support.ts'

/** An issuer outside of the lab, with a key that it can replace. */
class OutsideIssuer {
  readonly #server: Server
  #key = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  #kid = 'one'
  requests = 0
  internalRequests = 0
  redirectedRequests = 0

  constructor() {
    this.#server = createServer(({ url }, answer) => {
      if (url === '/endless') {
        const send = (): void => {
          while (answer.write(' '.repeat(65_536)));
        }
        answer.on('drain', send)
        return send()
      }
      if (url === '/elsewhere') {
        this.redirectedRequests++
        return answer.writeHead(302, { location: '/internal' }).end()
      }
      if (url === '/internal') this.internalRequests++
      this.requests++
      const key = { ...this.#key.publicKey.export({ format: 'jwk' }), kid: this.#kid, alg: 'ES256', use: 'sig' }
      answer.setHeader('content-type', 'application/jwk-set+json').end(JSON.stringify({ keys: [key] }))
    })
  }

  async start(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve))
  }

  stop(): void {
    this.#server.close()
    this.#server.closeAllConnections()
  }

  get jwksUri(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/jwks`
  }

  sign(claims: object, header: object = {}): Promise<string> {
    return new SignJWT({ iss: ISSUER, aud: 'https://mail.corp.test', scope: 'imap4', ...claims })
      .setProtectedHeader({ alg: 'ES256', kid: this.#kid, ...header })
      .setExpirationTime('5m')
      .sign(this.#key.privateKey)
  }
}

const ISSUER = 'https://login.corp.test/v2.0'

const outside = new OutsideIssuer()
await outside.start()
const lab = await startLab({
  directory: { accounts: [{ user: 'alice', password: 'secret', addresses: ['alice@corp.test'] }] },
  oauth2: {
    issuers: [
      { issuer: ISSUER, jwksUri: outside.jwksUri, audience: 'https://mail.corp.test', userClaim: 'upn' },
      { issuer: 'https://gone.corp.test', jwksUri: 'http://127.0.0.1:1/jwks', requireScope: false },
      { issuer: 'https://elsewhere.corp.test', jwksUri: new URL('/elsewhere', outside.jwksUri).href },
      { issuer: 'https://endless.corp.test', jwksUri: new URL('/endless', outside.jwksUri).href },
    ],
  },
  virtualServers: [{ protocol: 'imap4' }],
})
afterAll(async () => {
  outside.stop()
  await lab.stop()
})

/** Returns the answer to a log-on, and why it was refused. */
async function tryToken(token: string): Promise<{ answer: string | undefined; notes: readonly string[] }> {
  const client = await open(lab, 'imap4')
  const answer = await logOn(client, 'imap4', 'XOAUTH2', response('XOAUTH2', token))
  client.destroy()
  const { transcript = [] } = lab.sessions().at(-1) ?? {}
  return { answer, notes: transcript.flatMap((entry) => (entry.kind === 'note' ? [entry.text] : [])) }
}

test('accepts a token of a listed issuer, whose claim names the account by address', async () => {
  expect((await tryToken(await outside.sign({ upn: 'alice@corp.test' }))).answer).toMatch(/^A OK /)
  expect((await tryToken(await outside.sign({ upn: 'alice', scope: undefined, scp: 'imap4 other' }))).answer).toMatch(
    /^A OK /,
  )
  expect((await tryToken(await outside.sign({ upn: 'alice' }, { typ: 5 }))).answer).toMatch(/^A OK /)
  expect(outside.requests).toBe(1)
})

describe('refuses a token of a listed issuer', () => {
  test.each([
    [{ upn: 'alice', aud: 'https://localhost' }, 'is for https://localhost, not for https://mail.corp.test'],
    [{ upn: 'alice', scope: 'smtp' }, 'has the scope smtp, but needs the scope imap4'],
    [{ upn: 'mallory' }, 'names the user mallory, who has no account'],
    [{}, 'names the user none, who has no account'],
    [{ upn: 'alice', nbf: 1e300 }, 'has a start of validity that is not a time (nbf)'],
    [{ upn: 'alice', nbf: 4_000_000_000 }, 'is not valid before 2096-10-02T07:06:40.000Z'],
    [{ upn: 'alice', iss: 'https://login.corp.test' }, 'names the issuer https://login.corp.test, which is neither'],
  ])('%j', async (claims, why) => {
    const { answer, notes } = await tryToken(await outside.sign(claims))
    expect(answer).toMatch(/^\+ eyJ/)
    expect(notes.join('\n')).toContain(`XOAUTH2: the access token ${why}`)
  })

  test('that is signed with the key of another', async () => {
    const other = new OutsideIssuer()
    expect((await tryToken(await other.sign({ upn: 'alice' }))).notes.join('\n')).toContain(
      'has a signature that is not its issuer’s',
    )
  })

  test('whose keys do not end', async () => {
    const { notes } = await tryToken(await outside.sign({ upn: 'alice', iss: 'https://endless.corp.test' }))
    expect(notes.join('\n')).toContain('are not available (they have more than 1048576 octets)')
  })

  test('whose keys are elsewhere: redirects are not followed', async () => {
    const { notes } = await tryToken(await outside.sign({ upn: 'alice', iss: 'https://elsewhere.corp.test' }))
    expect(notes.join('\n')).toContain('keys are not available')
    expect(outside.redirectedRequests).toBeGreaterThan(0)
    expect(outside.internalRequests).toBe(0)
  })

  test('whose keys cannot be had', async () => {
    const { answer, notes } = await tryToken(await outside.sign({ upn: 'alice', iss: 'https://gone.corp.test' }))
    expect(answer).toMatch(/^\+ eyJ/)
    expect(notes.join('\n')).toContain('cannot be verified: its issuer’s keys are not available')
  })
})
