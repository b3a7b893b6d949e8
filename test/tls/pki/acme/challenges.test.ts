import { X509Certificate } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createServer as createTlsServer } from 'node:tls'
import acme from 'acme-client'
import { describe, expect, it } from 'vitest'
import type { AcmeOptions } from '../../../../src/tls/pki/acme/options.ts'
import { txtLookup } from '../../../../src/tls/pki/acme/validation/txt-records.ts'
import { freePort } from '../../../support/free-ports.ts'
import { isThorough } from '../../../support/thorough.ts'
import {
  type AcmeChallenge,
  type AcmeClient,
  acmeClient,
  type Create,
  obtainBy,
  openAcme,
  serveAnswers,
  startAcme,
} from './support.ts'

/** Obtains a certificate whose names are proved by one kind of challenge. */
const obtain = (from: AcmeClient, names: readonly string[], type: string, create: Create): Promise<string> =>
  obtainBy(type, from, names, {
    create: (authorization, challenge, answer) => {
      expect(challenge.type).toBe(type)
      return create(authorization, challenge, answer)
    },
  })

describe('dns-01', () => {
  it('proves the control of names and wildcards by TXT records', async () => {
    const records = new Map<string, string[]>()
    const txt = async (name: string) => records.get(name) ?? []
    await using lab = await startAcme({}, [], { txt })
    const pem = await obtain(
      await acmeClient(lab.directory),
      ['lab.test', '*.lab.test'],
      'dns-01',
      async ({ identifier }, _, answer) => {
        expect(identifier.value).toBe('lab.test')
        // Both challenges have the same name, and its records are kept side by side. RFC 8555 section 8.4
        const all = records.get('_acme-challenge.lab.test') ?? []
        records.set('_acme-challenge.lab.test', [...all, answer])
      },
    )
    expect(new X509Certificate(pem).subjectAltName).toBe('DNS:lab.test, DNS:*.lab.test')
    expect(records.get('_acme-challenge.lab.test')).toHaveLength(2)
  })

  it('reports missing and wrong records, and a source that fails', async () => {
    const answers: (() => Promise<string[]>)[] = [
      async () => [],
      async () => ['something else'],
      () => Promise.reject(new Error('SERVFAIL')),
    ]
    await using lab = await startAcme({}, [], { txt: () => (answers.shift() ?? (async () => []))() })
    const reasons = [/has no TXT record/, /other TXT records: something else/, /cannot be read: SERVFAIL/]
    for (const reason of reasons) {
      await expect(obtain(await acmeClient(lab.directory), ['*.lab.test'], 'dns-01', async () => {})).rejects.toThrow(
        reason,
      )
    }
  })

  it('is not offered if the lab cannot read TXT records: wildcards are refused', async () => {
    await using lab = await startAcme()
    const account = await acmeClient(lab.directory)
    await account.createAccount({ termsOfServiceAgreed: true })
    const order = (value: string) => account.createOrder({ identifiers: [{ type: 'dns', value }] })
    await expect(order('*.lab.test')).rejects.toThrow(/wildcards need dns-01/)
    const [authorization] = await account.getAuthorizations(await order('mail.lab.test'))
    expect(authorization?.challenges.map(({ type }) => type as string)).toEqual(['http-01', 'tls-alpn-01'])
  })

  it('reads records from a DNS server', async () => {
    await using server = await serveTxt({ '_acme-challenge.lab.test': ['one', 'two'] })
    const lookup = txtLookup(`127.0.0.1:${server.port}`)
    expect([...(await lookup('_acme-challenge.lab.test'))].sort()).toEqual(['one', 'two'])
    expect(await lookup('_acme-challenge.other.test')).toEqual([])
  })

  it('reads records from a program', async () => {
    const program = "process.argv[1] === '_acme-challenge.lab.test' ? console.log('one\\ntwo') : process.exit(3)"
    const lookup = txtLookup([process.execPath, '-e', program])
    expect(await lookup('_acme-challenge.lab.test')).toEqual(['one', 'two'])
    await expect(lookup('_acme-challenge.other.test')).rejects.toThrow(/Command failed/)
  })
})

/** Starts a DNS server that answers questions for TXT records. RFC 1035 section 4.1. */
async function serveTxt(records: Readonly<Record<string, readonly string[]>>) {
  const socket = createSocket('udp4')
  socket.on('message', (query, { port, address }) => {
    const labels: string[] = []
    let at = 12
    for (let length = query[at] ?? 0; length > 0; length = query[at] ?? 0) {
      labels.push(query.subarray(at + 1, at + 1 + length).toString('latin1'))
      at += 1 + length
    }
    const texts = records[labels.join('.')]
    const header = Buffer.from(query.subarray(0, 12))
    header.writeUInt16BE(texts ? 0x8180 : 0x8183, 2)
    header.writeUInt16BE(texts?.length ?? 0, 6)
    header.writeUInt32BE(0, 8)
    const answers = (texts ?? []).map((text) => {
      const fixed = Buffer.from([0xc0, 12, 0, 16, 0, 1, 0, 0, 0, 0, 0, text.length + 1, text.length])
      return Buffer.concat([fixed, Buffer.from(text, 'latin1')])
    })
    socket.send(Buffer.concat([header, query.subarray(12, at + 5), ...answers]), port, address)
  })
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve))
  return {
    port: socket.address().port,
    [Symbol.asyncDispose]: () => new Promise<void>((done) => socket.close(() => done())),
  }
}

describe('tls-alpn-01', () => {
  /** Serves one certificate to clients that negotiate a protocol. */
  async function serveCertificate(port: number, protocol = 'acme-tls/1') {
    const server = createTlsServer({ ALPNProtocols: [protocol] })
    server.on('tlsClientError', () => {})
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
    return { server, [Symbol.asyncDispose]: () => new Promise<void>((done) => server.close(() => done())) }
  }

  async function obtainByTls(
    lab: { directory: string },
    port: number,
    answerFor: (answer: string) => string,
    protocol?: string,
  ) {
    await using serving = await serveCertificate(port, protocol)
    const key = await acme.crypto.createPrivateEcdsaKey('P-256')
    return await obtain(
      await acmeClient(lab.directory),
      ['mail.lab.test'],
      'tls-alpn-01',
      async (authorization, _, answer) => {
        const [, cert] = await acme.crypto.createAlpnCertificate(authorization, answerFor(answer), key)
        serving.server.addContext('mail.lab.test', { key, cert })
      },
    )
  }

  it('proves the control of a name by a certificate of its own', async () => {
    const port = await freePort()
    await using lab = await startAcme({}, [], { tlsAlpnPort: port })
    expect(new X509Certificate(await obtainByTls(lab, port, (answer) => answer)).subjectAltName).toBe(
      'DNS:mail.lab.test',
    )
  })

  it.runIf(isThorough)('refuses another key authorization, another protocol and a port that is closed', async () => {
    const port = await freePort()
    await using lab = await startAcme({}, [], { tlsAlpnPort: port })
    await expect(obtainByTls(lab, port, (answer) => `${answer}x`)).rejects.toThrow(/another key authorization/)
    await expect(obtainByTls(lab, port, (answer) => answer, 'h2')).rejects.toThrow(/no application protocol|acme-tls/i)
    await expect(
      obtain(await acmeClient(lab.directory), ['mail.lab.test'], 'tls-alpn-01', async () => {}),
    ).rejects.toThrow(/ECONNREFUSED/)
  })
})

describe('profiles', () => {
  const profiles = { brief: { lifetimeMs: 300_000, description: 'Five minutes' } }

  it('are listed, and decide the lifetime of a certificate', async () => {
    await using lab = await startAcme({}, [], { profiles })
    const { meta } = (await (await fetch(lab.directory)).json()) as { meta: { profiles: object } }
    expect(meta.profiles).toEqual({ brief: 'Five minutes' })
    const account = await acmeClient(lab.directory)
    await account.createAccount({ termsOfServiceAgreed: true })
    const identifiers = [{ type: 'dns' as const, value: 'mail.lab.test' }]
    await expect(account.createOrder({ identifiers, profile: 'other' } as never)).rejects.toThrow(
      /no profile "other"; there are: brief/,
    )
    const order = await account.createOrder({ identifiers, profile: 'brief' } as never)
    expect(order).toMatchObject({ profile: 'brief' })
    const { validFrom, validTo } = new X509Certificate(await finish(lab, account, order))
    expect(Date.parse(validTo) - Date.parse(validFrom)).toBe(300_000)
  })
})

/** Proves the names of an order by http-01 and fetches the certificate. */
async function finish(
  lab: { httpPort: number },
  account: AcmeClient,
  order: Awaited<ReturnType<AcmeClient['createOrder']>>,
) {
  await using served = await serveAnswers(lab.httpPort)
  for (const { status, challenges } of await account.getAuthorizations(order)) {
    if (status === 'valid') continue
    const challenge = challenges.find(({ type }) => type === 'http-01') as AcmeChallenge
    served.answers.set(challenge.token, await account.getChallengeKeyAuthorization(challenge))
    await account.completeChallenge(challenge)
    await account.waitForValidStatus(challenge)
  }
  const [, csr] = await acme.crypto.createCsr({ altNames: order.identifiers.map(({ value }) => value) })
  return await account.getCertificate(await account.finalizeOrder(order, csr))
}

describe('strictness', () => {
  const strict = {
    rejectNonces: 0,
    reuseAuthorizations: 1,
    orderLifetimeMs: [86_400_000, 86_400_000],
    validationDelayMs: 0,
    seed: 1,
  } as const

  it('rejects a share of the good nonces, which clients must try again', async () => {
    await using lab = await startAcme({}, [], { strictness: { ...strict, rejectNonces: 0.4 } })
    const account = await acmeClient(lab.directory)
    await account.createAccount({ termsOfServiceAgreed: true })
    const order = await account.createOrder({ identifiers: [{ type: 'dns', value: 'mail.lab.test' }] })
    expect(await finish(lab, account, order)).toContain('BEGIN CERTIFICATE')
    await using never = await startAcme({}, [], { strictness: { ...strict, rejectNonces: 1 } })
    const other = await acmeClient(never.directory)
    await expect(other.createAccount({ termsOfServiceAgreed: true })).rejects.toThrow(/strictness\.rejectNonces/)
  })

  it('does not reuse authorizations, and varies the lifetime of orders', async () => {
    const orderLifetimeMs = [600_000, 6_000_000] as const
    await using lab = await startAcme({}, [], { strictness: { ...strict, reuseAuthorizations: 0, orderLifetimeMs } })
    const account = await acmeClient(lab.directory)
    await account.createAccount({ termsOfServiceAgreed: true })
    const create = () => account.createOrder({ identifiers: [{ type: 'dns', value: 'mail.lab.test' }] })
    const first = await create()
    await finish(lab, account, first)
    const second = await create()
    expect(second.authorizations).not.toEqual(first.authorizations)
    expect(second.status).toBe('pending')
    for (const { expires } of [first, second]) {
      const lifeMs = Date.parse(expires ?? '') - Date.now()
      expect(lifeMs).toBeGreaterThan(500_000)
      expect(lifeMs).toBeLessThan(6_000_000)
    }
    expect(first.expires).not.toBe(second.expires)
  })
})

describe('a restart', () => {
  it('keeps accounts, orders and authorizations: a client continues where it was', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'sealpost-acme-'))
    const options: AcmeOptions = {
      httpPort: await freePort(),
      addresses: [],
      caaIdentities: ['authority.test'],
      externalAccounts: {},
    }
    const port = await freePort()
    const identifiers = [{ type: 'dns' as const, value: 'mail.lab.test' }]
    const first = await openAcme(folder, options, port)
    const account = await acmeClient(first.directory)
    await account.createAccount({ termsOfServiceAgreed: true })
    const order = await account.createOrder({ identifiers })
    const [authorization] = await account.getAuthorizations(order)
    await first[Symbol.asyncDispose]()
    // Files of others are ignored.
    await writeFile(join(folder, 'certs/acme/junk'), 'junk')
    const second = await openAcme(folder, options, port)
    expect((await account.getOrder(order)).status).toBe('pending')
    expect((await account.getAuthorizations(order))[0]).toEqual(authorization)
    const pem = await finish(second, account, order)
    await second[Symbol.asyncDispose]()
    {
      await using _third = await openAcme(folder, options, port)
      const valid = await account.getOrder(order)
      expect(valid.status).toBe('valid')
      expect(await account.getCertificate(valid)).toBe(pem)
      // The authorization is still good for the next order.
      expect((await account.createOrder({ identifiers })).status).toBe('ready')
    }
    await rm(folder, { recursive: true })
  })
})
