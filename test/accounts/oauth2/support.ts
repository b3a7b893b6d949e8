import type { LabInput, Protocol } from '../../../src/core/config/schema.ts'
import { startLab } from '../../../src/testing/start-lab.ts'
import type { TestLab } from '../../../src/testing/test-lab.ts'
import { LineClient } from '../../support/line-client.ts'

type Mechanism = 'XOAUTH2' | 'OAUTHBEARER'
export const mechanisms: readonly Mechanism[] = ['XOAUTH2', 'OAUTHBEARER']

/** How a protocol carries a log-on. */
interface Dialect {
  /** The log-on with an initial response. */
  readonly command: (mechanism: string, response: string) => string
  /** The word before a challenge. */
  readonly challenge: string
  readonly success: string
  readonly failure: string
  /** The answer to a command in clear that needs TLS. */
  readonly needsTls: string
  /** Lines of the greeting, and what the client sends first. */
  readonly hello?: string
}

export const dialects: Readonly<Record<Protocol, Dialect>> = {
  smtp: {
    hello: 'EHLO client.test',
    command: (mechanism, response) => `AUTH ${mechanism} ${response}`,
    challenge: '334',
    success: '235 2.7.0 Authentication successful',
    failure: '535 5.7.8 Authentication failed: the access token is not accepted',
    needsTls: '530 5.7.0 Must issue a STARTTLS command first',
  },
  pop3: {
    command: (mechanism, response) => `AUTH ${mechanism} ${response}`,
    challenge: '+',
    success: '+OK ',
    failure: '-ERR [AUTH] Logon failure: the access token is not accepted.',
    needsTls: '-ERR [AUTH] A secure channel is required before AUTH. Use STLS first.',
  },
  imap4: {
    command: (mechanism, response) => `A AUTHENTICATE ${mechanism} ${response}`,
    challenge: '+',
    success: 'A OK ',
    failure: 'A NO [AUTHENTICATIONFAILED] Logon failure: the access token is not accepted.',
    needsTls: 'A NO [PRIVACYREQUIRED] A secure channel is required. Use STARTTLS first.',
  },
  nntp: {
    command: (mechanism, response) => `AUTHINFO SASL ${mechanism} ${response}`,
    challenge: '383',
    success: '281 Authenticated as ',
    failure: '481 Authentication failed: the access token is not accepted',
    needsTls: '483 A secure channel is required. Use STARTTLS first',
  },
}

export const protocolNames = Object.keys(dialects) as Protocol[]

/** A lab with alice and bob. */
export const startTokenLab = (config: LabInput = {}): Promise<TestLab> =>
  startLab({
    directory: {
      accounts: [
        { user: 'alice', password: 'secret' },
        { user: 'bob', password: 'geheim' },
      ],
    },
    ...config,
  })

/** Returns the response of a mechanism. */
export function response(mechanism: Mechanism, token: string, user = 'alice'): string {
  const text =
    mechanism === 'XOAUTH2'
      ? `user=${user}\x01auth=Bearer ${token}\x01\x01`
      : `n,${user === '' ? '' : `a=${user}`},\x01auth=Bearer ${token}\x01\x01`
  return Buffer.from(text).toString('base64')
}

/** The client's message after an error response. */
export const acknowledgements: Readonly<Record<Mechanism, string>> = { XOAUTH2: '', OAUTHBEARER: 'AQ==' }

/** Connects over TLS, and reads the greeting. */
export async function open(lab: TestLab, protocol: Protocol): Promise<LineClient> {
  const client = await LineClient.openTls(lab.server(protocol).tlsPort ?? 0, lab.ca)
  await greet(client, protocol)
  return client
}

/** Reads the greeting, and says hello. */
export async function greet(client: LineClient, protocol: Protocol): Promise<void> {
  await client.line()
  const { hello } = dialects[protocol]
  if (hello === undefined) return
  client.send(`${hello}\r\n`)
  await client.lines((line) => /^\d{3} /.test(line))
}

/** Sends a log-on with an initial response, and returns the next line. */
export async function logOn(
  client: LineClient,
  protocol: Protocol,
  mechanism: string,
  initial: string,
): Promise<string | undefined> {
  client.send(`${dialects[protocol].command(mechanism, initial)}\r\n`)
  return client.line()
}
