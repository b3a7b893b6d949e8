import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { connect } from 'node:tls'
import { describe, expect, test } from 'vitest'
import { pop3 } from '../../../servers/pop3/session.ts'
import { startLab } from '../../../src/testing/start-lab.ts'
import { LineClient } from '../../support/line-client.ts'
import { startMailLab } from '../../support/mail-lab.ts'

describe('a required secure channel', () => {
  const refusedInClear = `
    S: +OK Sealpost POP3 server ready
    C: USER alice
    S: -ERR [AUTH] *STLS*
    C: PASS secret
    S: -ERR [AUTH] *STLS*
    C: APOP alice 0123456789abcdef0123456789abcdef
    S: -ERR [AUTH] *STLS*
    C: AUTH PLAIN AGFsaWNlAHNlY3JldA==
    S: -ERR [AUTH] *STLS*
    C: AUTH
    S: -ERR [AUTH] *STLS*
    C: CAPA
    S: +OK *`

  test.each([
    ['requireSecureChannel', { requireSecureChannel: true }],
    ['basic-over-tls', { authentication: ['basic-over-tls' as const] }],
  ])('%s: a log-on before STLS is neither offered nor accepted', async (_, server) => {
    await using lab = await startMailLab(pop3, { server })
    const client = await LineClient.open(lab.port)
    await client.play(refusedInClear)
    const shown = await client.lines((line) => line === '.')
    const offered = [
      'TOP',
      'UIDL',
      'RESP-CODES',
      'AUTH-RESP-CODE',
      'PIPELINING',
      'EXPIRE NEVER',
      'UTF8 USER',
      'LANG',
      'STLS',
    ]
    expect(shown).toEqual([...offered, 'IMPLEMENTATION Sealpost', '.'])
    await client.play('C: STLS\nS: +OK *')
    await client.startTls(lab.ca)
    await client.play('C: USER alice\nS: +OK*\nC: PASS secret\nS: +OK*\nC: QUIT\nS: +OK*\nS: (end)')
    const refusals = lab.sessions()[0]?.refusals.join('\n') ?? ''
    expect(refusals).toContain('A secure channel is required before USER')
    expect(JSON.stringify(lab.sessions())).not.toContain('secret')
  })

  test('anonymous only: no log-on is accepted', async () => {
    await using lab = await startMailLab(pop3, { server: { authentication: ['anonymous'] } })
    using client = await LineClient.openTls(lab.tlsPort, lab.ca)
    await client.play('S: +OK *\nC: USER alice\nS: -ERR [AUTH] Logon is not offered*\nC: AUTH\nS: -ERR [AUTH] *')
  })
})

test('RFC 5034: AUTH EXTERNAL is accepted where passwords are not', async () => {
  await using lab = await startLab({
    directory: { accounts: [{ user: 'alice', password: 'secret' }] },
    virtualServers: [{ protocol: 'pop3', clientCertificates: 'accept', authentication: ['anonymous'] }],
  })
  const { pkcs12 } = await lab.authorities.issueUser({ commonName: 'Alice', emails: ['alice@lab.test'] })
  const socket = connect({
    host: '127.0.0.1',
    port: lab.server('pop3').tlsPort,
    ca: lab.ca,
    servername: 'localhost',
    pfx: pkcs12('pw'),
    passphrase: 'pw',
  })
  await once(socket, 'secureConnect')
  using client = new LineClient(socket)
  await client.play(`S: +OK *
    C: AUTH
    S: +OK *
    S: EXTERNAL
    S: .
    C: AUTH PLAIN AGFsaWNlAHNlY3JldA==
    S: -ERR The authentication mechanism is not offered.
    C: USER alice
    S: -ERR [AUTH] Logon is not offered*
    C: AUTH EXTERNAL =
    S: +OK 0 messages*`)
})

describe('RFC 2595 section 4: STLS', () => {
  test('STLS drops pipelined clear text and forgets USER', async () => {
    await using lab = await startMailLab(pop3)
    using client = await LineClient.open(lab.port)
    await client.play('S: +OK *\nC: USER alice\nS: +OK*')
    client.send('STLS\r\nPASS secret\r\nSTAT\r\n')
    await client.play('S: +OK Begin TLS negotiation now.')
    await client.startTls(lab.ca)
    await client.play('C: PASS secret\nS: -ERR Send USER first.\nC: STLS\nS: -ERR *already*')
  })

  test('STLS takes no argument, and is refused without a certificate', async () => {
    await using lab = await startMailLab(pop3, { bare: true })
    using client = await LineClient.open(lab.port)
    await client.play(
      'S: +OK *\nC: STLS now\nS: -ERR *\nC: STLS\nS: -ERR TLS is not available: no certificate *\nC: CAPA\nS: +OK *',
    )
    expect(await client.lines((line) => line === '.')).not.toContain('STLS')
  })
})

describe('RFC 1939 section 7: APOP', () => {
  const digest = (greeting: string | undefined, password: string): string => {
    const timestamp = /<[^<>]+@localhost>$/.exec(greeting ?? '')?.[0]
    if (timestamp === undefined) throw new Error(`no timestamp in the greeting: ${greeting}`)
    return createHash('md5')
      .update(timestamp + password)
      .digest('hex')
  }

  test('the digest proves the password, and every greeting has a new timestamp', async () => {
    await using lab = await startMailLab(pop3)
    const client = await LineClient.open(lab.port)
    const greeting = await client.line()
    client.send(`APOP alice ${digest(greeting, 'wrong')}\r\nAPOP nobody ${digest(greeting, '')}\r\n`)
    await client.play('S: -ERR [AUTH] *\nS: -ERR [AUTH] *')
    client.send(`APOP alice ${digest(greeting, 'secret').toUpperCase()}\r\n`)
    await client.play('S: +OK 0 messages*')
    client.destroy()
    const greetings = new Set<string | undefined>()
    for (let session = 0; session < 210; session++) {
      using other = await LineClient.open(lab.port)
      greetings.add(/ <[0-9a-f]{24}@localhost>$/.exec((await other.line()) ?? '')?.[0])
    }
    expect(greetings).not.toContain(undefined)
    expect(greetings.size).toBe(210)
  })
})
