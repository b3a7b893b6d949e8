import { X509Certificate } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { connect } from 'node:tls'
import { describe, expect, it } from 'vitest'
import { CertificateLab } from '../../cli/cert-support.ts'
import { bearer, HttpLab } from './client.ts'

const http = HttpLab.ofTests()

const outside = new CertificateLab()
const other = new CertificateLab()
await outside.outsideAuthority('outside')

/** Returns the thumbprint of the certificate that IMAP4 serves now. */
function served(): Promise<string> {
  const { tlsPort } = http.lab.server('imap4')
  return new Promise((resolve, reject) => {
    const socket = connect({
      port: tlsPort,
      host: '127.0.0.1',
      servername: 'localhost',
      ca: [http.lab.ca, outside.text('outside.pem')],
    })
    socket.on('secureConnect', () => {
      resolve(socket.getPeerCertificate().fingerprint.replaceAll(':', ''))
      socket.destroy()
    })
    socket.on('error', reject)
  })
}

const smtp = 'Default SMTP Virtual Server'
const octets = { 'content-type': 'application/octet-stream' }

describe('certificates over HTTP', () => {
  it('are issued, served immediately, renewed, exported and removed', async () => {
    const issued = await http.request('certificates', {
      json: { for: 'imap4', friendlyName: 'Mail', key: 'p256', names: ['mail.lab.test'] },
    })
    expect(issued.status).toBe(201)
    expect(issued.body).toMatchObject({ state: 'issued', friendlyName: 'Mail' })
    await expect.poll(served).toBe(issued.body.thumbprint)
    const shown = (await http.request('certificates/Mail')).body
    expect(shown).toMatchObject({
      names: ['dns:localhost', 'dns:mail.lab.test'],
      usedBy: ['Default IMAP4 Virtual Server'],
    })
    const renewed = (await http.request('certificates/Mail/renew', { json: { newKey: true } })).body
    expect(renewed).toMatchObject({ state: 'renewed', replaces: issued.body.thumbprint })
    await expect.poll(served).toBe(renewed.thumbprint)
    const pem = (await http.request('certificates/Mail/export', { json: { format: 'pem' } })).body
    expect(pem).toMatch(/BEGIN PRIVATE KEY/)
    expect((await http.request('certificates/unassign', { json: { for: 'imap4' } })).body).toMatchObject({
      friendlyName: 'Mail',
    })
    await expect.poll(served).not.toBe(renewed.thumbprint)
    expect((await http.request('certificates/Mail', { method: 'DELETE' })).status).toBe(204)
    expect((await http.request('certificates/Mail')).status).toBe(404)
  })

  it('are not changed if another administrator has changed them since', async () => {
    const { body: issued } = await http.request('certificates', {
      json: { for: 'imap4', friendlyName: 'Shared', key: 'p256' },
    })
    const path = `certificates/${issued.thumbprint}`
    const read = await http.request(path)
    const ifMatch = { 'if-match': read.headers.get('etag') ?? '' }
    const rename = (friendlyName: string) =>
      http.request(path, { method: 'PATCH', json: { friendlyName }, headers: ifMatch })
    // Both have read the same. One is first.
    const both = await Promise.all([rename('Of Alice'), rename('Of Bob')])
    expect(both.map(({ status }) => status).sort()).toEqual([200, 412])
    const winner = both.find(({ status }) => status === 200)
    const refused = both.find(({ status }) => status === 412)
    expect(refused?.body.detail).toContain(`GET /api/v1/${path}`)
    expect((await http.request(path)).body.friendlyName).toBe(winner?.body.friendlyName)

    for (const [part, options] of [
      ['', { method: 'DELETE' }],
      ['/renew', { json: {} }],
      ['/assign', { json: { for: 'smtp' } }],
    ] as const) {
      const { status } = await http.request(`${path}${part}`, { ...options, headers: ifMatch })
      expect(status, part).toBe(412)
    }
    expect((await http.request(path)).body.usedBy).toEqual(['Default IMAP4 Virtual Server'])

    // Another virtual server that uses it is a change, too.
    const { etag } = winner?.body ?? {}
    const assigned = await http.request(`${path}/assign`, { json: { for: 'smtp', ifMatch: etag } })
    expect(assigned.status).toBe(200)
    expect((await http.request(`${path}?ifMatch=${etag}`, { method: 'DELETE' })).status).toBe(412)
    const renewed = await http.request(`${path}/renew`, { json: {}, headers: { 'if-match': '*' } })
    expect(renewed.status).toBe(200)
    for (const server of ['imap4', 'smtp']) await http.request('certificates/unassign', { json: { for: server } })
    expect((await http.request(`certificates/${renewed.body.thumbprint}`, { method: 'DELETE' })).status).toBe(204)
  })

  it('of an outside authority are requested, signed by it, installed and served', async () => {
    const { body: request } = await http.request('requests', {
      json: { for: 'imap4', commonName: 'localhost', key: 'p256' },
    })
    outside.write('certreq.txt', request.pem)
    await outside.sign('outside', 'certreq.txt', 'answer.pem')
    const answer = outside.text('answer.pem')
    const thumbprint = new X509Certificate(answer).fingerprint.replaceAll(':', '')
    const before = await served()
    const summedUp = await http.request('requests/install?dryRun=true', { body: answer, headers: octets })
    expect(summedUp).toMatchObject({
      status: 200,
      body: {
        thumbprint,
        virtualServer: 'Default IMAP4 Virtual Server',
        usedBy: ['Default IMAP4 Virtual Server'],
        subject: 'CN=localhost',
        names: ['dns:localhost'],
        issuer: 'CN=outside, O=Outside',
        notAfter: new Date(new X509Certificate(answer).validTo).toISOString(),
        key: 'P-256',
        chain: [],
        warnings: [
          expect.stringContaining('expires in 19 days'),
          expect.stringContaining('an incomplete chain: outside is not known here'),
        ],
      },
    })
    expect(await served()).toBe(before)
    expect((await http.request('requests')).body.items).toHaveLength(1)
    const installed = await http.request('requests/install', { body: answer, headers: octets })
    expect(installed.body).toEqual(summedUp.body)
    await expect.poll(served).toBe(thumbprint)
    const again = await http.request('requests/install?dryRun=true', { body: answer, headers: octets })
    expect(again).toMatchObject({ status: 409, body: { detail: expect.stringContaining('already in the store') } })
    const junk = await http.request('requests/install', { body: '<html>', headers: octets })
    expect(junk).toMatchObject({ status: 422, body: { detail: expect.stringMatching(/HTML/i) } })
  })

  it('of a file are summed up before they are imported; a dry run refuses what an import refuses', async () => {
    await other.outsideAuthority('outside')
    const pem = async (authority: string, ...issuers: readonly string[]): Promise<string> => {
      const key = ['-newkey', 'rsa:1024', '-nodes', '-keyout', 'own.key', '-subj', '/CN=other.test']
      await other.openssl('req', '-new', ...key, '-out', 'own.csr')
      await other.sign(authority, 'own.csr', 'own.pem')
      return ['own.pem', 'own.key', ...issuers].map((file) => other.text(file)).join('')
    }
    const send = (query: string, body: string) =>
      http.request(`certificates/import?${query}`, { body, headers: octets })
    const file = await pem('outside', 'outside.pem')
    const count = async () => (await http.request('certificates')).body.items.length
    const before = await count()
    const summedUp = await send('for=imap4&dryRun=true', file)
    expect(summedUp).toMatchObject({
      status: 200,
      body: {
        friendlyName: 'other.test',
        key: 'RSA 1024',
        chain: ['outside'],
        usedBy: ['Default IMAP4 Virtual Server'],
        warnings: expect.arrayContaining([
          expect.stringContaining('Apple clients and OpenSSL 3.2 and later refuse it'),
        ]),
      },
    })
    expect(await count()).toBe(before)
    const imported = await send('for=smtp', file)
    expect(imported).toMatchObject({
      status: 201,
      body: { ...summedUp.body, usedBy: [smtp], virtualServer: smtp },
    })
    expect(imported.headers.get('location')).toMatch(new RegExp(`/certificates/${imported.body.thumbprint}$`))
    expect(await send('dryRun=true', file)).toMatchObject({
      status: 409,
      body: { detail: expect.stringContaining('already in the store as "other.test"') },
    })
    // Another authority with the same name, and one with another name.
    other.write('real.pem', other.text('outside.pem'))
    await other.outsideAuthority('stranger')
    await other.outsideAuthority('outside')
    expect((await send('dryRun=true', await pem('outside', 'real.pem'))).body.detail).toContain(
      'the signature of other.test is wrong: it names outside as its issuer',
    )
    expect((await send('dryRun=true', await pem('outside', 'stranger.pem'))).body.detail).toContain(
      'the issuer is wrong: other.test was issued by outside, but the file contains stranger',
    )
    await http.request('certificates/unassign', { json: { for: 'smtp' } })
  })

  it('are planned with every field of the subject, requested, and the request can be read again', async () => {
    const subject = {
      commonName: 'nowhere.invalid',
      organization: 'Example',
      organizationalUnit: 'Mail',
      country: 'JP',
      state: 'Tokyo',
      locality: 'Minato',
    }
    const wanted = { for: 'smtp', key: 'p256', ...subject }
    const { body: planned } = await http.request('requests/plan', { json: wanted })
    expect(planned.warnings).toEqual([expect.stringContaining('nowhere.invalid')])
    expect((await http.request('requests')).body.items).toEqual([])
    expect((await http.request('requests/plan', { json: { ...wanted, country: 'Japan' } })).body.detail).toMatch(/JP/)

    const { body: created } = await http.request('requests', { json: wanted })
    expect((await http.request('requests/smtp')).body).toBe(created.pem)
    outside.write('plan.csr', created.pem)
    const read = await outside.openssl('req', '-in', 'plan.csr', '-noout', '-subject', '-nameopt', 'RFC2253')
    expect(read.trim()).toBe('subject=CN=nowhere.invalid,OU=Mail,O=Example,L=Minato,ST=Tokyo,C=JP')
    expect((await http.request('requests/smtp', { method: 'DELETE' })).status).toBe(204)
    expect((await http.request('requests/smtp')).status).toBe(404)
  })

  it('that a standalone authority approves are collected', async () => {
    await http.request('authorities', { json: { name: 'Slow CA', key: 'p256', type: 'standalone' } })
    const queued = await http.request('certificates', { json: { for: 'imap4', key: 'p256', authority: 'Slow CA' } })
    expect(queued.body).toMatchObject({ state: 'queued', authority: 'Slow CA' })
    const collect = async () => (await http.request('requests/imap4/collect', { json: {} })).body
    expect(await collect()).toMatchObject({ state: 'pending', certificate: null })
    await http.request(`authorities/requests/${queued.body.id}`, { json: { decision: 'approve' } })
    const collected = await collect()
    expect(collected).toMatchObject({ state: 'installed', virtualServer: 'Default IMAP4 Virtual Server' })
    await expect.poll(served).toBe(collected.certificate.thumbprint)
    await http.request('certificates/unassign', { json: { for: 'imap4' } })
  })

  it('are refused with the reason', async () => {
    const wrong = await http.request('certificates', { json: { for: 'gopher', key: 'dsa' } })
    expect(wrong.status).toBe(422)
    expect(wrong.body.errors).toEqual([
      { pointer: '/key', message: expect.stringMatching(/is not a key type; write rsa-2048/) },
    ])
    const unknown = await http.request('certificates', { json: { for: 'gopher' } })
    expect(unknown.status).toBe(404)
    expect(unknown.body.detail).toMatch(/gopher/)
  })
})

describe('authorities over HTTP', () => {
  it('are created, sign requests, and revoke', async () => {
    expect(
      (await http.request('authorities', { json: { name: 'Test CA', key: 'p256', type: 'standalone' } })).status,
    ).toBe(201)
    const root = (await http.request('authorities/Test%20CA/certificate')).body
    await outside.openssl(
      'req',
      '-new',
      '-newkey',
      'rsa:2048',
      '-nodes',
      '-keyout',
      'k.pem',
      '-subj',
      '/CN=a.test',
      '-out',
      'a.csr',
    )
    const signed = await http.request('authorities/sign?authority=Test%20CA&days=3', {
      body: outside.text('a.csr'),
      headers: octets,
    })
    const [leaf = ''] = signed.body.split(/(?<=END CERTIFICATE-----\n)/)
    expect(new X509Certificate(leaf).checkIssued(new X509Certificate(root))).toBe(true)
    const { items } = (await http.request('authorities/Test%20CA/issued')).body
    expect(
      (await http.request('authorities/revoke', { json: { certificate: items[0].serial, reason: 'keyCompromise' } }))
        .status,
    ).toBe(200)
    expect((await http.request('authorities/Test%20CA', { method: 'DELETE' })).status).toBe(204)
  })

  it('show the revocation lists, OCSP answers and roots that clients get', async () => {
    await using own = await HttpLab.start({
      virtualServers: [{ protocol: 'imap4' }, { protocol: 'http' }],
      certificates: { service: { port: 0, tlsPort: 0, acme: { httpPort: 5002 } } },
      access: { tokens: [{ name: 'one', role: 'tenant', token: 'tenant-tenant-tenant' }] },
    })
    const { items } = (await own.request('authorities')).body
    const path = `authorities/${encodeURIComponent(items[0].name)}`
    const first = (await own.request(`${path}/service`)).body
    expect(first).toMatchObject({
      acme: { httpPort: 5002, tlsAlpnPort: 443, hasDns: false, needsExternalAccount: false },
      crls: [{ revoked: 0 }],
      ocsp: { answers: [] },
    })
    expect(first.acme.directory).toMatch(/^https:\/\/localhost:\d+\/acme\/.*\/directory$/)
    expect((await own.request(`${path}/orders`)).body).toEqual({ items: [], next: null, total: 0 })

    const issued = (await own.request('certificates', { json: { for: 'imap4', key: 'p256' } })).body
    const { serial, certificatePem } = (await own.request(`certificates/${issued.thumbprint}`)).body
    outside.write('leaf.pem', certificatePem)
    outside.write('root.pem', await (await fetch(first.roots)).text())
    const ask = () =>
      outside.openssl(
        ...['ocsp', '-issuer', 'root.pem', '-cert', 'leaf.pem', '-CAfile', 'root.pem', '-url', first.ocsp.url],
      )
    expect(await ask()).toMatch(/leaf.pem: good/)
    await own.request('authorities/revoke', { json: { certificate: serial, reason: 'superseded' } })
    expect(await ask()).toMatch(/leaf.pem: revoked/)
    const { crls, ocsp } = (await own.request(`${path}/service`)).body
    expect(ocsp.answers).toMatchObject([
      { status: 'revoked', subject: 'localhost', client: '127.0.0.1' },
      { status: 'good', subject: 'localhost' },
    ])
    const asTenant = { headers: bearer('tenant-tenant-tenant') }
    expect((await own.request(`${path}/service`, asTenant)).body.ocsp.answers).toEqual([])
    expect(await own.request(`${path}/orders`, asTenant)).toMatchObject({ status: 403 })
    expect(BigInt(`0x${ocsp.answers[0].serial}`)).toBe(BigInt(`0x${serial}`))
    expect(crls[0].revoked).toBe(1)
    const download = async (name: string, url: string): Promise<void> =>
      writeFileSync(outside.path(name), Buffer.from(await (await fetch(url)).arrayBuffer()))
    await download('list.crl', crls[0].url)
    const list = await outside.openssl('crl', '-inform', 'DER', '-in', 'list.crl', '-noout', '-crlnumber', '-text')
    const number = /crlNumber=(?:0x)?([0-9A-F]+)/i.exec(list)?.[1] ?? '0'
    expect(BigInt(`0x${number}`)).toBe(BigInt(crls[0].number))
    expect(list).toContain(serial)
    await download('roots.der', `${own.base}/api/v1/authorities/roots?format=der`)
    expect(await outside.openssl('x509', '-inform', 'DER', '-in', 'roots.der')).toBe(outside.text('root.pem'))
    await download('roots.p7b', `${own.base}/api/v1/authorities/roots?format=p7b`)
    const p7b = await outside.openssl('pkcs7', '-inform', 'DER', '-in', 'roots.p7b', '-print_certs')
    expect(p7b).toContain(outside.text('root.pem').trim())
  })

  it('say that they publish nothing without an authority service', async () => {
    const { items } = (await http.request('authorities')).body
    const { body } = await http.request(`authorities/${encodeURIComponent(items[0].name)}/service`)
    expect(body).toEqual({ url: null, roots: null, acme: null, crls: [], ocsp: null })
    expect((await http.request('authorities/Nobody/service')).status).toBe(404)
    // It opens without a restart.
    const open = { op: 'set', path: '/certificates/service', value: { port: 0 } }
    const changed = await http.request('configuration', { method: 'PATCH', json: { changes: [open] } })
    expect(changed).toMatchObject({ status: 200, body: { afterRestart: [] } })
    const path = `authorities/${encodeURIComponent(items[0].name)}/service`
    expect((await http.request(path)).body.url).toMatch(/^http:/)
  })
})
