import { createHash } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { TestAuthority } from '../../../checks/verify/authority.ts'
import { POSTFIX, type PostfixServer, startPostfix } from '../../../checks/verify/debian/postfix.ts'
import { newFolder } from '../../../support/folder.ts'
import { needs } from '../../../support/programs.ts'
import { type Host, startHost } from './hosts.ts'
import { hopTo, MESSAGE, Sender } from './sender.ts'

const authority = await TestAuthority.create()
const identity = await authority.issue()
const roots = async (): Promise<readonly string[]> => [authority.rootPem]

/** Postfix relays all mail to the host behind it, where the tests see what arrives. */
const relayTo = (port: number): string => `
mydestination =
relayhost = [127.0.0.1]:${port}
smtpd_relay_restrictions = permit_mynetworks, reject
smtp_tls_security_level = none
`

const soon = { timeout: 20_000, interval: 50 }

describe.skipIf(!needs(POSTFIX))('Postfix as the next host', () => {
  let behind: Host
  let postfix: PostfixServer
  let folder: string
  beforeAll(async () => {
    folder = newFolder()
    behind = await startHost({ hideDSN: false })
    const refused = 'smtpd_recipient_restrictions = check_recipient_access inline:{ nobody@example.test=reject }'
    postfix = await startPostfix(identity, `${relayTo(behind.port)}${refused}`)
  })
  afterAll(async () => {
    await postfix[Symbol.asyncDispose]()
    await behind[Symbol.asyncDispose]()
  })

  /** Starts another Postfix for one test. */
  const another = (with_: Pick<typeof identity, 'key' | 'cert'>, settings = '') =>
    startPostfix(with_, `${relayTo(behind.port)}${settings}`)

  it('takes mail over verified TLS, and passes DSN parameters on', async () => {
    await using sender = new Sender({ roots })
    const hop = hopTo(postfix.port, { tls: 'verify' })
    const result = await sender.sendOne(hop, {
      envelopeId: 'one',
      ret: 'HDRS',
      recipients: [
        { address: 'dsn@example.test', notify: ['SUCCESS', 'FAILURE'], originalRecipient: 'rfc822;first@lab.test' },
      ],
    })
    expect(result).toMatchObject({ kind: 'sent', code: 250, enhancedCode: '2.0.0', passedDsnOn: true })
    expect(sender.last.tls).toMatchObject({ version: 'TLSv1.3', peerCertificate: { verified: true, policy: 'verify' } })
    const arrived = () => behind.received.find(({ to }) => to[0]?.address === 'dsn@example.test')
    await expect.poll(arrived, soon).toMatchObject({
      args: { RET: 'HDRS', ENVID: 'one' },
      to: [{ args: { NOTIFY: 'SUCCESS,FAILURE', ORCPT: 'rfc822;first@lab.test' } }],
    })
    expect(arrived()?.raw).toContain('\r\n\r\nHello.\r\n.dotted\r\n')
  })

  it('takes several messages over one connection, pipelined, and refuses some recipients', async () => {
    await using sender = new Sender({ roots })
    const hop = hopTo(postfix.port, { tls: 'verify' })
    const recipients = [{ address: 'someone@example.test' }, { address: 'nobody@example.test' }]
    for (let n = 0; n < 3; n++) {
      expect((await sender.send([hop], { recipients })).recipients).toMatchObject([
        { kind: 'sent' },
        { kind: 'failed', code: 554, enhancedCode: '5.7.1' },
      ])
    }
    expect(sender.sessions.list()).toHaveLength(1)
  })

  it('takes addresses in UTF-8', async () => {
    await using sender = new Sender({ roots })
    const result = await sender.sendOne(hopTo(postfix.port), { recipients: [{ address: 'jürgen@example.test' }] })
    expect(result).toMatchObject({ kind: 'sent' })
    await expect.poll(() => behind.received.some(({ to }) => to[0]?.address === 'jürgen@example.test'), soon).toBe(true)
  })

  it('takes mail by DANE', async () => {
    await using sender = new Sender()
    const key = identity.certificate.publicKey.export({ type: 'spki', format: 'der' })
    const data = createHash('sha256').update(key).digest()
    const tlsa = [{ usage: 3, selector: 1, matchingType: 1, data }]
    expect(await sender.sendOne(hopTo(postfix.port, { tls: 'dane', tlsa }))).toMatchObject({ kind: 'sent' })
    const other = [{ usage: 3, selector: 1, matchingType: 1, data: Buffer.alloc(32) }]
    expect(await sender.sendOne(hopTo(postfix.port, { tls: 'dane', tlsa: other }))).toMatchObject({
      kind: 'deferred',
      enhancedCode: '4.7.5',
    })
  })

  it('takes mail over implicit TLS', async () => {
    await using sender = new Sender({ roots })
    expect(await sender.sendOne(hopTo(postfix.tlsPort, { tls: 'verify', implicitTls: true }))).toMatchObject({
      kind: 'sent',
    })
  })

  it.each([
    ['has expired', async () => authority.issue({ from: -20, to: -1 }), /has expired/],
    ['is for another name', async () => authority.issue({ names: ['other.test'] }), /is not for localhost/],
    ['is of an unknown authority', async () => (await TestAuthority.create()).issue(), /not trusted/],
  ])('gets nothing if its certificate %s', async (_, issue, why) => {
    await using bad = await another(await issue())
    await using sender = new Sender({ roots })
    const result = await sender.sendOne(hopTo(bad.port, { tls: 'verify' }))
    expect(result).toMatchObject({ kind: 'deferred', enhancedCode: '4.7.5', text: expect.stringMatching(why) })
    expect(sender.transcript.join('\n')).not.toContain('MAIL FROM')
  })

  it('gets nothing without STARTTLS, unless the level allows clear text', async () => {
    await using bare = await another(identity, 'smtpd_tls_security_level = none\n')
    await using sender = new Sender({ roots })
    expect(await sender.sendOne(hopTo(bare.port, { tls: 'encrypt' }))).toMatchObject({
      kind: 'deferred',
      enhancedCode: '4.7.5',
    })
    expect(await sender.sendOne(hopTo(bare.port, { tls: 'may' }))).toMatchObject({ kind: 'sent' })
  })

  it('asks for a client certificate', async () => {
    const file = join(folder, 'clients.pem')
    writeFileSync(file, authority.rootPem)
    const settings = `smtpd_tls_security_level = encrypt\nsmtpd_tls_req_ccert = yes\nsmtpd_tls_CAfile = ${file}\n`
    await using strict = await another(identity, settings)
    const own = await authority.issue({ names: ['lab.test'], purpose: 'clientAuth' })
    await using sender = new Sender({ roots, identity: async () => ({ certificates: [own.cert], key: own.key }) })
    const hop = hopTo(strict.port, { tls: 'verify' })
    expect(await sender.sendOne(hop)).toMatchObject({ kind: 'deferred' })
    expect(await sender.sendOne(hop, {}, MESSAGE, { certificate: 'mine' })).toMatchObject({ kind: 'sent' })
  })
})
