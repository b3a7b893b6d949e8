import { X509Certificate } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { type LabInput, serverProtocols as protocols } from '../../../../src/core/config/schema.ts'
import { startLab } from '../../../../src/testing/start-lab.ts'
import type { AcmeAuthority } from '../../../../src/tls/pki/acme/client/authority.ts'
import { acmePath } from '../../../../src/tls/pki/acme/directory.ts'
import { renewalId } from '../../../../src/tls/pki/acme/renewal-id.ts'
import { thumbprintOf } from '../../../../src/tls/pki/certificate/certificate.ts'
import { freePort } from '../../../support/free-ports.ts'
import { isLong } from '../../../support/long.ts'
import { certificateOn, loadAccounts, SessionLoad } from '../../../support/session-load.ts'

const resolver = async () => ['127.0.0.1']

/**
 * Starts a lab that obtains the certificate of its IMAP4 server from its own ACME directory.
 * @param config its `certificates.service.acme` gets the port of the client
 */
async function startWithAcme(config: Partial<LabInput> = {}, challenge: Partial<AcmeAuthority> = {}) {
  const httpPort = await freePort()
  const { certificates: given, ...rest } = config
  const certificates = typeof given === 'object' ? given : {}
  const service = typeof certificates.service === 'object' ? certificates.service : {}
  const lab = await startLab({
    virtualServers: [{ protocol: 'imap4' }],
    ...rest,
    certificates: { ...certificates, service: { ...service, port: 0, acme: { ...service.acme, httpPort } } },
  })
  const [authority] = await lab.authorities.list()
  const directoryUrl = `${lab.authorityServiceUrl}${acmePath(authority?.name ?? '')}/directory`
  const planned = await lab.certificates.plan({ for: 'imap4', names: ['127.0.0.1'], resolver })
  const record = await lab.certificates.issueByAcme(planned, {
    directoryUrl,
    httpAddress: '127.0.0.1',
    httpPort,
    ...challenge,
  })
  return { lab, record, directoryUrl, [Symbol.asyncDispose]: () => lab[Symbol.asyncDispose]() }
}

describe('a certificate obtained by ACME', () => {
  it('is renewed by command through ACME, with its old key or a new one, and served', async () => {
    await using started = await startWithAcme()
    const { lab, record } = started
    let old = record.thumbprint
    const keys = new Set<string>()
    for (const newKey of [false, true]) {
      const renewal = await lab.certificates.renew(old, { newKey })
      if (renewal.state !== 'renewed') throw new Error(renewal.state)
      expect(renewal.replaces).toBe(old)
      old = renewal.record.thumbprint
      const port = lab.server('imap4').tlsPort
      await expect.poll(async () => thumbprintOf(await certificateOn(port, lab.ca)), { timeout: 20_000 }).toBe(old)
      const served = await certificateOn(port, lab.ca)
      expect(served.subjectAltName).toBe('DNS:localhost, IP Address:127.0.0.1')
      keys.add(served.publicKey.export({ type: 'spki', format: 'pem' }).toString())
    }
    expect(keys.size).toBe(2)
    expect(await lab.certificates.pending()).toEqual([])
  })

  it('stays in use if the renewal fails, and nothing is left behind that blocks another', async () => {
    await using started = await startWithAcme()
    const { lab, record } = started
    await lab.reload({ virtualServers: [{ protocol: 'imap4' }] })
    await expect(lab.certificates.renew(record.thumbprint)).rejects.toThrow(/cannot be reached/)
    expect(await lab.certificates.pending()).toEqual([])
    expect(await lab.certificates.thumbprintInUse('imap4')).toBe(record.thumbprint)
    expect(await lab.certificates.issue({ for: 'imap4', resolver })).toMatchObject({ state: 'issued' })
  })

  it('is renewed by a running lab when the authority suggests it, and not before', async () => {
    await using started = await startWithAcme()
    const { lab, record, directoryUrl } = started
    const { certificatePem } = await lab.certificates.show(record.thumbprint)
    const id = renewalId(new X509Certificate(certificatePem))
    const window = async () => {
      const response = await fetch(directoryUrl.replace('/directory', `/renewal-info/${id}`))
      const { suggestedWindow } = (await response.json()) as { suggestedWindow: { start: string; end: string } }
      return suggestedWindow
    }
    const { start, end } = await window()
    await lab.clock.moveTo(Date.parse(start) - 60_000)
    expect(await lab.certificates.thumbprintInUse('imap4')).toBe(record.thumbprint)
    await lab.clock.moveTo(Date.parse(end) + 60_000)
    const renewed = await lab.certificates.thumbprintInUse('imap4')
    expect(renewed).not.toBe(record.thumbprint)
    expect(lab.server('imap4').certificate?.thumbprint).toBe(renewed)
    // The new one is not due.
    await lab.clock.advance('1d')
    expect(await lab.certificates.thumbprintInUse('imap4')).toBe(renewed)
  })

  it('leaves its predecessors in the store until they expire', async () => {
    const acme = { profiles: { brief: { lifetime: '5m' } } }
    await using started = await startWithAcme({ certificates: { service: { acme } } }, { profile: 'brief' })
    const { lab, record } = started
    const replaced = async (): Promise<string[][]> =>
      (await lab.certificates.list()).flatMap(({ thumbprint, replacedBy }) =>
        replacedBy === undefined ? [] : [[thumbprint, replacedBy]],
      )
    const renew = async (thumbprint: string): Promise<string> => {
      const renewal = await lab.certificates.renew(thumbprint)
      return renewal.state === 'renewed' ? renewal.record.thumbprint : renewal.state
    }
    const second = await renew(record.thumbprint)
    expect(await replaced()).toEqual([[record.thumbprint, second]])
    const third = await renew(second)
    expect(await replaced()).toEqual([
      [record.thumbprint, third],
      [second, third],
    ])
    await lab.clock.advance('4m')
    const fourth = await lab.certificates.thumbprintInUse('imap4')
    expect(fourth).not.toBe(third)
    await lab.clock.advance('2m')
    await renew(fourth ?? '')
    expect((await replaced()).map(([thumbprint]) => thumbprint)).toEqual([fourth])
  })

  it('is renewed immediately when it is revoked', async () => {
    await using started = await startWithAcme()
    const { lab, record } = started
    const { serial } = await lab.certificates.show(record.thumbprint)
    await lab.authorities.revoke(serial, 'superseded')
    await lab.clock.advance('7h')
    expect(await lab.certificates.thumbprintInUse('imap4')).not.toBe(record.thumbprint)
  })

  it('is not renewed with renew: false', async () => {
    await using started = await startWithAcme({ certificates: { store: 'memory', key: 'p256', renew: false } })
    const { lab, record } = started
    await lab.clock.advance('390d')
    expect(await lab.certificates.thumbprintInUse('imap4')).toBe(record.thumbprint)
  })

  it('that lives for seconds is renewed in time under load, without a broken session', {
    timeout: 300_000,
  }, async () => {
    const renewals = isLong ? 3 : 1
    // Long enough that a renewal on a busy machine ends in time.
    const seconds = isLong ? 40 : 12
    const profiles = { brief: { lifetime: `${seconds}s` } }
    await using started = await startWithAcme(
      {
        certificates: { service: { acme: { profiles } } },
        directory: { accounts: loadAccounts },
        virtualServers: protocols.map((protocol) => ({ protocol })),
      },
      { profile: 'brief' },
    )
    const { lab, record } = started
    for (const protocol of ['smtp', 'pop3', 'nntp', 'http']) await lab.certificates.assign(record.thumbprint, protocol)
    const load = new SessionLoad(lab)
    const seen = new Set<string>()
    // Each handshake verifies the certificate: one that has expired ends the test.
    for (let turn = 0; seen.size <= renewals; turn++) {
      const protocol = protocols[turn % protocols.length] ?? 'imap4'
      const certificate = await certificateOn(lab.server(protocol).tlsPort, lab.ca, protocol)
      if (certificate.checkHost('localhost') && lifeOf(certificate) === seconds * 1000)
        seen.add(thumbprintOf(certificate))
    }
    const exchangesBefore = load.exchanges
    await expect.poll(() => load.exchanges).toBeGreaterThan(exchangesBefore)
    await load.stop()
  })
})

const lifeOf = ({ validFrom, validTo }: X509Certificate): number => Date.parse(validTo) - Date.parse(validFrom)
