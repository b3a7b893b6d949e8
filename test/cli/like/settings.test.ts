import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { workplaceOfEach } from '../../support/sealpost.ts'

const place = workplaceOfEach()

/** Returns the configuration that `--like` makes, as a user saves it. */
async function labOf(tool: string, env: Record<string, string> = {}) {
  const args = ['config', 'show', '--text', '--secrets', '--like', tool]
  const { status, stdout, stderr } = await place.run(args, { env })
  expect([status, stderr]).toEqual([0, ''])
  const lab = parse(stdout)
  const server = (protocol: string) => lab.virtualServers.find((one: { protocol: string }) => one.protocol === protocol)
  return { lab, text: stdout, smtp: server('smtp'), http: server('http'), pop3: server('pop3') }
}

/** Free ports: check says which ports others have. */
const PORTS = { MP_SMTP_BIND_ADDR: '127.0.0.1:0', MP_UI_BIND_ADDR: '127.0.0.1:0' }

/** Returns what `sealpost check` says about the variables. */
async function problemsOf(tool: string, env: Record<string, string>): Promise<string[]> {
  const { stderr } = await place.run(['check', '--like', tool], { env: { ...PORTS, ...env } })
  return stderr.trimEnd().split('\n')
}

describe('--like mailpit', () => {
  it('makes a lab with the ports and limits of Mailpit, which is a valid file', async () => {
    const { lab, text, smtp, http, pop3 } = await labOf('mailpit')
    expect(smtp).toMatchObject({ port: 1025, tlsPort: 'off', certificate: 'none', authentication: ['anonymous'] })
    expect(http).toMatchObject({ port: 8025, like: { tool: 'mailpit' } })
    expect([smtp.limits.failedLogonDelay, http.limits.failedLogonDelay]).toEqual(['off', 'off'])
    expect([lab.retention, lab.mail.captured, pop3]).toEqual([[{ keep: { count: 500 } }], { folder: 'all' }, undefined])
    place.write('lab.yaml', text.replaceAll(/port: \d+/g, 'port: 0'))
    const { status, stderr } = await place.run(['check', '--config', 'lab.yaml'])
    expect([status, stderr]).toEqual([0, ''])
  })

  it('refuses a long path that is none', async () => {
    const path = `${'name-of-a-page-'.repeat(2)}end x`
    expect((await problemsOf('mailpit', { MP_WEBROOT: path })).join('\n')).toContain('write a path such as /mail')
    expect((await labOf('mailpit', { MP_WEBROOT: 'mail/in.box/' })).http.like.path).toBe('/mail/in.box')
  })

  it('keeps the accounts of different lists apart', async () => {
    const { lab, smtp, http } = await labOf('mailpit', {
      MP_SMTP_AUTH: 'app:one  other:$2y$04$abcdefghijklmnopqrstuuJ8mDg0yWmXzq8kJ7Jw1sQ7U1v1Xo2bO',
      MP_SMTP_AUTH_ALLOW_INSECURE: 'yes',
      MP_UI_AUTH: 'app:two admin:three',
    })
    expect(lab.directory.accounts).toEqual([
      { user: 'app', password: 'two', appPasswords: [{ name: 'MP_SMTP_AUTH', password: 'one' }] },
      { user: 'admin', password: 'three' },
      { user: 'other', passwordHash: expect.stringMatching(/^\$2y\$/) },
    ])
    expect([smtp.authentication, http.like.users]).toEqual([
      ['plain', 'login'],
      ['app', 'admin'],
    ])
    // Senders do not read mail.
    expect(lab.mail.captured.readers).toEqual(['app', 'admin'])
    const pop3 = await labOf('mailpit', { MP_UI_AUTH: 'admin:three', MP_POP3_AUTH: 'reader:four' })
    expect(pop3.lab.mail.captured.readers).toEqual(['admin', 'reader'])
  })

  it('accepts any sender without opening the API', async () => {
    const any = { MP_SMTP_AUTH_ACCEPT_ANY: '1', MP_SMTP_AUTH_ALLOW_INSECURE: '1' }
    expect((await labOf('mailpit', any)).lab.directory.mode).toBe('open')
    const { lab, smtp } = await labOf('mailpit', { ...any, MP_UI_AUTH: 'admin:pw' })
    expect([lab.directory.mode, smtp.acceptAnyPassword]).toEqual([undefined, true])
  })

  it('uses TLS as Mailpit does', async () => {
    const files = { MP_SMTP_TLS_CERT: 'cert.pem', MP_SMTP_TLS_KEY: 'key.pem' }
    const { smtp } = await labOf('mailpit', { ...files, MP_SMTP_AUTH: 'a:b', MP_SMTP_REQUIRE_STARTTLS: 'true' })
    expect(smtp).toMatchObject({
      certificate: { file: `${place.folder}/cert.pem`, keyFile: `${place.folder}/key.pem` },
      requireSecureChannel: true,
      authentication: ['basic-over-tls'],
    })
    const implicit = await labOf('mailpit', { ...files, MP_SMTP_REQUIRE_TLS: 'true' })
    expect(implicit.smtp).toMatchObject({ port: 'off', tlsPort: 1025 })
    const own = await labOf('mailpit', { MP_UI_TLS_CERT: 'sans:mail.test', MP_UI_TLS_KEY: 'sans:mail.test' })
    expect([own.http.certificate, own.http.tlsPort, own.lab.alternativeNames]).toEqual(['auto', 8025, ['mail.test']])
  })

  it('relays by patterns, and to all or some recipients automatically', async () => {
    const { lab } = await labOf('mailpit', {
      MP_SMTP_RELAY_HOST: 'mail.example.com',
      MP_SMTP_RELAY_TLS: 'true',
      MP_SMTP_RELAY_ALLOW_INSECURE: 'true',
      MP_SMTP_RELAY_PORT: '465',
      MP_SMTP_RELAY_MATCHING: '(@one\\.example|@two\\.example)$',
      MP_SMTP_RELAY_BLOCKED_RECIPIENTS: '^ceo@',
    })
    const smartHost = { host: 'mail.example.com', port: 465, tls: 'encrypt', implicitTls: true }
    expect(lab.outgoing.connectors).toEqual([
      expect.objectContaining({
        when: 'automatic',
        smartHost,
        filters: { to: ['*@one.example', '*@two.example'] },
        deny: ['ceo@*'],
      }),
      expect.objectContaining({ when: 'release', smartHost, deny: ['ceo@*'] }),
    ])
  })

  it('reports every wrong value, and what Mailpit refuses', async () => {
    expect(
      await problemsOf('mailpit', { MP_MAX_MESSAGES: 'many', MP_SMTP_BIND_ADDR: '1025', MP_MAX_AGE: '3w' }),
    ).toEqual([
      'MP_MAX_MESSAGES: "many" is not a number; write a whole number from 0',
      'MP_MAX_AGE: "3w" is not an age; write it as 12h or 3d',
      'MP_SMTP_BIND_ADDR: "1025" is not an address with a port; write it as 127.0.0.1:1025',
    ])
    expect(await problemsOf('mailpit', { MP_SMTP_AUTH: 'a:b' })).toEqual([
      'sealpost: --like mailpit: a log-on needs MP_SMTP_TLS_CERT and MP_SMTP_TLS_KEY, or MP_SMTP_AUTH_ALLOW_INSECURE=true',
    ])
    expect(
      await problemsOf('mailpit', { MP_SMTP_RELAY_HOST: 'a.test', MP_SMTP_RELAY_ALLOWED_RECIPIENTS: '[ab]+@' }),
    ).toEqual([expect.stringMatching(/^MP_SMTP_RELAY_HOST: \[ab\]\+@ has no pattern/)])
  })

  it('allows other sites, asks SpamAssassin, and gives tags by searches', async () => {
    place.write('tags.yaml', 'filters: [{ match: "from:shop@", tags: "Shop, Bought" }]')
    const { lab, http } = await labOf('mailpit', {
      MP_API_CORS: 'https://App.example:3000,localhost:5173',
      MP_ENABLE_SPAMASSASSIN: '127.0.0.1:783',
      MP_TAG: 'One,Two=subject:Hello "Three=two words"',
      MP_TAGS_CONFIG: 'tags.yaml',
    })
    expect([http.like.cors, lab.mail.spamFilter]).toEqual([
      ['app.example:3000', 'localhost:5173'],
      'spamd://127.0.0.1:783',
    ])
    expect(lab.mail.tagging.rules).toEqual([
      { match: 'subject:hello', tags: ['One', 'Two'] },
      { match: 'two words', tags: ['Three'] },
      { match: 'from:shop@', tags: ['Shop', 'Bought'] },
    ])
    expect((await labOf('mailpit', { MP_API_CORS: 'a.example *' })).http.like.cors).toEqual(['*'])
    expect(await problemsOf('mailpit', { MP_TAG: 'x', MP_ENABLE_SPAMASSASSIN: 'postmark' })).toEqual([
      'MP_ENABLE_SPAMASSASSIN: the lab sends no mail to Postmark; name a spamd as HOST:PORT',
      'MP_TAG: "x" is not a rule; write TAG=SEARCH',
    ])
  })

  it('names settings that need another one', async () => {
    expect(await problemsOf('mailpit', { MP_SMTP_RELAY_ALL: 'true', MP_POP3_TLS_KEY: 'key.pem' })).toEqual([
      expect.stringMatching(/MP_SMTP_RELAY_ALL: has no effect without MP_SMTP_RELAY_HOST or MP_SMTP_RELAY_CONFIG$/),
      expect.stringMatching(/MP_POP3_TLS_KEY: has no effect without MP_POP3_TLS_CERT$/),
    ])
  })

  it('names settings without a counterpart, and unknown ones', async () => {
    const found = await problemsOf('mailpit', { MP_COMPRESSION: '1', MP_LABLE: 'x', MP_SERVICE_HOST: '10.0.0.1' })
    expect(found).toEqual([
      expect.stringMatching(/MP_COMPRESSION: has no effect: messages are stored as they arrive/),
      expect.stringMatching(/MP_LABLE: unknown variable of Mailpit, ignored; did you mean MP_LABEL\?/),
    ])
  })
})

describe('--like mailhog', () => {
  it('makes a lab with the ports of MailHog, and Jim as faults', async () => {
    const { lab, smtp, http } = await labOf('mailhog', { MH_INVITE_JIM: 'true', MH_HOSTNAME: 'hog.test' })
    expect(smtp).toMatchObject({ port: 1025, authentication: ['anonymous', 'plain'] })
    expect([http.port, lab.hostname, lab.directory.mode]).toEqual([8025, 'hog.test', 'open'])
    expect(lab.testing.faults).toContainEqual({
      name: 'Jim refuses RCPT',
      when: { protocol: 'smtp', verb: 'RCPT', chance: 0.05 },
      do: { reply: '550 5.3.0 Jim refuses RCPT' },
    })
    const apart = await labOf('mailhog', { MH_UI_BIND_ADDR: ':8080' })
    expect(apart.lab.virtualServers).toHaveLength(3)
  })
})

describe('the options', () => {
  it('exclude a file, and say what to do', async () => {
    const both = await place.run(['check', '--like', 'mailpit', '--config', 'lab.yaml'])
    expect([both.status, both.stderr]).toEqual([
      2,
      expect.stringMatching(/config show --text --secrets --like mailpit > lab/),
    ])
    const unknown = await place.run(['check', '--like', 'mailpot'])
    expect([unknown.status, unknown.stderr]).toEqual([2, expect.stringMatching(/did you mean mailpit\?/)])
    const flag = await place.runHere(['start', '--like', 'mailpit', '--', '--smpt', 'x'])
    expect([flag.status, flag.stderr]).toEqual([
      2,
      expect.stringMatching(/--smpt is not a flag of Mailpit; did you mean --smtp\?/),
    ])
    const lonely = await place.runHere(['start', '--', '--max', '3'])
    expect([lonely.status, lonely.stderr]).toEqual([
      2,
      'sealpost: --max is a flag of another tool; name the tool with --like, such as --like mailpit\n',
    ])
  })

  it('take part in the usual order', async () => {
    place.write('lab.yaml', 'certificates: memory\nvirtualServers: [{ protocol: smtp, port: 0 }]\n')
    const env = { SEALPOST_LIKE: 'mailpit', SEALPOST_CONFIG_FILE: 'lab.yaml' }
    const { stderr, stdout } = await place.run(['check'], { env })
    expect([stderr, stdout]).toEqual([
      expect.stringMatching(/SEALPOST_LIKE is ignored because of SEALPOST_CONFIG_FILE/),
      expect.stringMatching(/^lab\.yaml: 1 virtual server, no errors/),
    ])
  })
})
