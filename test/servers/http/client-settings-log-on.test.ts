import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { HttpLab } from './client.ts'

const accounts = [{ user: 'alice', password: 'alice-secret' }]
const certificates = { store: 'memory', key: 'p256' } as const

/** Reads the settings of an account, with the text of a program, and the files for automatic configuration. */
async function read(http: HttpLab, user = 'alice') {
  const query = new URLSearchParams({ account: user, password: 'true' })
  const { body } = await http.request(`client-settings?${query}`)
  const file = async (name: string): Promise<string> =>
    (await http.request(`client-settings/${name}?${query}&signed=false`)).body
  return {
    waysOf: (wanted: string): string[] =>
      body.servers.find(({ protocol }: { protocol: string }) => protocol === wanted).authentication,
    textOf: (wanted: string): string => body.programs.find(({ id }: { id: string }) => id === wanted).text,
    autoconfig: await file('autoconfig'),
    autodiscover: await file('autodiscover'),
    profile: await file('mobileconfig'),
  }
}

/** Returns the texts of an element of XML, in their order. */
const texts = (xml: string, name: string): string[] =>
  [...xml.matchAll(new RegExp(`<${name}>([^<]*)</${name}>`, 'g'))].map(([, text]) => text as string)

/** Returns the ways of a server in autoconfig. */
const waysIn = (xml: string, type: string): string[] =>
  texts(new RegExp(`type="${type}">[^]*?</(?:in|out)`).exec(xml)?.[0] ?? '', 'authentication')

describe('servers without passwords', () => {
  let http: HttpLab
  let settings: Awaited<ReturnType<typeof read>>
  beforeAll(async () => {
    http = await HttpLab.start({
      certificates,
      directory: { accounts },
      virtualServers: [
        { protocol: 'smtp', authentication: ['anonymous'] },
        { protocol: 'pop3', authentication: ['ntlm'] },
        { protocol: 'imap4', authentication: ['xoauth2', 'oauthbearer'] },
        { protocol: 'http' },
      ],
    })
    settings = await read(http)
  })
  afterAll(() => http[Symbol.asyncDispose]())

  it('name what they offer in the API', () => {
    expect(['smtp', 'pop3', 'imap4'].map(settings.waysOf)).toEqual([[], ['ntlm'], ['oauth2']])
  })

  it('name it in autoconfig, with the endpoints of the authorization server', async () => {
    const { autoconfig } = settings
    expect(waysIn(autoconfig, 'imap')).toEqual(['OAuth2'])
    expect(waysIn(autoconfig, 'pop3')).toEqual(['NTLM'])
    expect(waysIn(autoconfig, 'smtp')).toEqual(['none'])
    const discovery = (await http.request('/.well-known/openid-configuration')).body
    // The document names its endpoints by the origin of the request.
    const ofIssuer = (endpoint: string): string => `${discovery.issuer}${new URL(endpoint).pathname}`
    expect(texts(autoconfig, 'authURL')).toEqual([ofIssuer(discovery.authorization_endpoint)])
    expect(texts(autoconfig, 'tokenURL')).toEqual([ofIssuer(discovery.token_endpoint)])
    expect(texts(autoconfig, 'issuer')).toEqual([new URL(discovery.issuer).host])
    expect(texts(autoconfig, 'scope')).toEqual(['imap4'])
    // Programs that know no account yet read the same.
    const found = (await http.request('/mail/config-v1.1.xml?emailaddress=alice@lab.test')).body
    expect(found.replaceAll('alice@lab.test', 'alice')).toBe(autoconfig)
  })

  it('turn SPA on in autodiscover where only NTLM logs on, and log-on off where there is none', () => {
    expect(texts(settings.autodiscover, 'Type')).toEqual(['IMAP', 'POP3', 'SMTP'])
    expect(texts(settings.autodiscover, 'SPA')).toEqual(['off', 'on', 'off'])
    expect(texts(settings.autodiscover, 'AuthRequired')).toEqual(['on', 'on', 'off'])
  })

  it('have no password in the profile for Apple Mail', () => {
    expect(settings.profile.match(/EmailAuth\w+/g)).toEqual(['EmailAuthNone', 'EmailAuthNone'])
    expect(settings.profile).not.toContain('alice-secret')
  })

  it('are named in the instructions, with a token instead of a password', () => {
    expect(settings.textOf('thunderbird').split('\n')).toEqual(
      expect.arrayContaining([
        'Authentication   POP3: NTLM',
        'Authentication   IMAP4: OAuth2',
        'Authentication   SMTP: No authentication',
      ]),
    )
    expect(settings.textOf('outlook-express')).toContain('Secure Password Authentication (NTLM): tick it for POP3.')
    expect(settings.textOf('outlook-express')).toContain('Outlook Express cannot log on to IMAP4')
    const token = 'sealpost access-token --account alice'
    expect(settings.textOf('mutt')).toContain(`set imap_oauth_refresh_command = "${token}"`)
    expect(settings.textOf('mbsync')).toContain(`PassCmd "${token}"\nAuthMechs OAUTHBEARER XOAUTH2\n`)
    expect(settings.textOf('imapflow')).toContain(`auth: { user: 'alice', accessToken: '(${token})' }`)
    expect(settings.textOf('nodemailer')).not.toContain('auth:')
  })

  it('accept clear text where there is no log-on', async () => {
    const { servers } = (await http.request('client-settings?account=alice')).body
    const smtp = servers.find(({ protocol }: { protocol: string }) => protocol === 'smtp')
    expect([smtp.logonNeedsTls, smtp.ports.at(-1).security]).toEqual([false, 'none'])
  })
})

describe('names and passwords with spaces and special characters', () => {
  const user = "Anna O'Neil"
  const password = 'abcd "e$f\\'
  const start = (authentication: ('basic' | 'xoauth2')[]) =>
    HttpLab.start({
      certificates,
      directory: { accounts: [{ user, addresses: ['anna@lab.test'], password }] },
      virtualServers: [
        { protocol: 'imap4', authentication },
        { protocol: 'nntp', authentication },
        { protocol: 'http' },
      ],
    })

  it('are quoted as each program reads them', async () => {
    await using http = await start(['basic'])
    const { textOf } = await read(http, user)
    expect(textOf('mutt')).toContain('set imap_pass = "abcd \\"e\\$f\\\\"\n')
    expect(textOf('mbsync')).toContain('User "Anna O\'Neil"\nPass "abcd \\"e$f\\\\"\n')
    expect(textOf('tin')).toContain(` "${password}" `)
  })

  it('are one argument of the command that prints an access token', async () => {
    await using http = await start(['xoauth2'])
    const { textOf } = await read(http, user)
    const command = "sealpost access-token --account 'Anna O'\\''Neil'"
    expect(textOf('thunderbird')).toContain(`Access token     ${command}\n`)
    const quoted = command.replace('\\', '\\\\')
    expect(textOf('mutt')).toContain(`set imap_oauth_refresh_command = "${quoted}"\n`)
    expect(textOf('mbsync')).toContain(`PassCmd "${quoted}"\n`)
  })
})

describe('servers with passwords, NTLM and access tokens', () => {
  const authentication = ['anonymous', 'basic', 'ntlm', 'xoauth2'] as const

  it('name all of them, passwords first over TLS, and never to a program that lacks them', async () => {
    await using http = await HttpLab.start({
      certificates,
      directory: { accounts },
      virtualServers: [
        { protocol: 'smtp', authentication: [...authentication] },
        { protocol: 'imap4', authentication: [...authentication] },
        { protocol: 'http' },
      ],
    })
    const settings = await read(http)
    for (const type of ['imap', 'smtp']) {
      expect(waysIn(settings.autoconfig, type)).toEqual(['password-cleartext', 'password-encrypted', 'NTLM', 'OAuth2'])
    }
    expect(texts(settings.autodiscover, 'SPA')).toEqual(['off', 'off'])
    expect(settings.profile.match(/EmailAuth\w+/g)).toEqual(['EmailAuthPassword', 'EmailAuthPassword'])
    expect(settings.textOf('thunderbird')).toContain('Normal password (or Encrypted password, NTLM, OAuth2)\n')
    expect(settings.textOf('k-9')).toContain('Normal password (or Encrypted password)\n')
    expect(settings.textOf('outlook-express')).toContain('(NTLM): ticked or empty for IMAP4, SMTP.')
  })

  it('prefer what does not show the password where there is no TLS', async () => {
    await using http = await HttpLab.start({
      certificates,
      directory: { accounts },
      virtualServers: [
        { protocol: 'imap4', certificate: 'none', tlsPort: 'off', authentication: ['basic', 'ntlm'] },
        { protocol: 'http' },
      ],
    })
    const settings = await read(http)
    expect(waysIn(settings.autoconfig, 'imap')).toEqual(['password-encrypted', 'NTLM', 'password-cleartext'])
    expect(settings.autoconfig).not.toContain('<oAuth2>')
    expect(texts(settings.autodiscover, 'SPA')).toEqual(['on'])
    expect(settings.profile).toContain('EmailAuthCRAMMD5')
  })

  it('offer only what a directory of unknown passwords can check', async () => {
    await using http = await HttpLab.start({
      certificates,
      virtualServers: [{ protocol: 'imap4', authentication: ['basic', 'ntlm'] }, { protocol: 'http' }],
    })
    const { body } = await http.request('/mail/config-v1.1.xml?emailaddress=alice@lab.test')
    expect(waysIn(body, 'imap')).toEqual(['password-cleartext'])
  })

  it('show an app password to an account with two factors, or none', async () => {
    await using http = await HttpLab.start({
      certificates,
      directory: {
        accounts: [
          { user: 'alice', password: 'own', twoFactor: true, appPasswords: [{ name: 'phone', password: 'of-phone' }] },
          { user: 'bob', password: 'own', twoFactor: true },
        ],
      },
      virtualServers: [{ protocol: 'imap4' }, { protocol: 'http' }],
    })
    const passwordOf = async (user: string): Promise<string | null> =>
      (await http.request(`client-settings?account=${user}&password=true`)).body.password
    expect([await passwordOf('alice'), await passwordOf('bob')]).toEqual(['of-phone', null])
  })
})
