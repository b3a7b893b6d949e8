import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { createSecureContext, TLSSocket } from 'node:tls'
import { expect, it } from 'vitest'
import { type ServerIdentity, TestAuthority } from '../../../checks/verify/authority.ts'
import { hopTo, Sender } from './sender.ts'

const authority = await TestAuthority.create()
const stranger = await TestAuthority.create()
const identities: Readonly<Record<string, ServerIdentity>> = {
  expired: await authority.issue({ from: -20, to: -1 }),
  'for another name': await authority.issue({ names: ['mail.elsewhere.test'] }),
  untrusted: await stranger.issue(),
  'self-signed': await authority.selfSigned(),
}
const data = createHash('sha256').update('another certificate').digest()
const tlsa = [{ usage: 3, selector: 1, matchingType: 1, data }]

/** Starts a host that greets and offers STARTTLS, and keeps what arrives under TLS. */
async function startHost(identity: ServerIdentity, isImplicit: boolean) {
  const secureContext = createSecureContext({ key: identity.key, cert: identity.cert })
  const sockets: Socket[] = []
  const received: Buffer[] = []
  const secure = (raw: Socket): void => {
    const socket = new TLSSocket(raw, { isServer: true, secureContext })
    sockets.push(socket)
    socket.on('error', () => {})
    socket.on('secure', () => {
      socket.write('220 host.test\r\n')
    })
    socket.on('data', (chunk: Buffer) => received.push(chunk))
  }
  const server = createServer((raw) => {
    sockets.push(raw)
    raw.on('error', () => {})
    if (isImplicit) return secure(raw)
    raw.write('220 host.test\r\n')
    const onLine = (line: Buffer): void => {
      if (!line.toString().startsWith('STARTTLS')) {
        raw.write('250-host.test\r\n250-AUTH PLAIN\r\n250 STARTTLS\r\n')
        return
      }
      raw.off('data', onLine)
      raw.write('220 go\r\n')
      secure(raw)
    }
    raw.on('data', onLine)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    received,
    end() {
      for (const socket of sockets) socket.destroy()
    },
    /** Whether every connection to the host has ended. */
    get hasEnded() {
      return sockets.length > 0 && sockets.every((socket) => socket.destroyed)
    },
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

const cases = (['verify', 'secure', 'dane'] as const).flatMap((tls) =>
  [false, true].flatMap((isImplicit) => Object.keys(identities).map((name) => [tls, isImplicit, name] as const)),
)

it.each(cases)(
  '%s, implicit TLS %s: sends no octet under TLS if the certificate is %s',
  async (tls, isImplicit, name) => {
    await using host = await startHost(identities[name] as ServerIdentity, isImplicit)
    await using sender = new Sender({ roots: async () => [authority.rootPem] })
    const hop = hopTo(host.port, {
      tls,
      ...(isImplicit ? { implicitTls: true } : {}),
      ...(tls === 'dane' ? { tlsa } : {}),
    })
    expect(await sender.sendOne(hop)).toMatchObject({ kind: 'deferred', enhancedCode: '4.7.5' })
    expect(sender.last.tls).toMatchObject({ peerCertificate: { verified: false } })
    await expect.poll(() => host.hasEnded, { timeout: 30_000 }).toBe(true)
    expect(Buffer.concat(host.received).toString()).toBe('')
  },
)

it.each([false, true])('implicit TLS %s: speaks to a host that has a trusted certificate', async (isImplicit) => {
  await using host = await startHost(await authority.issue(), isImplicit)
  await using sender = new Sender({ roots: async () => [authority.rootPem] })
  const sent = sender.sendOne(hopTo(host.port, { tls: 'verify', ...(isImplicit ? { implicitTls: true } : {}) }))
  await expect.poll(() => Buffer.concat(host.received).toString(), { timeout: 30_000 }).toMatch(/^EHLO /)
  host.end()
  expect(await sent).toMatchObject({ kind: 'deferred' })
})
