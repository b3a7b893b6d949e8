import { randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { verifyEndpoints } from '../../../src/checks/verify/run.ts'
import { hostEndpoints } from '../../../src/checks/verify/targets.ts'
import { startLab } from '../../../src/testing/start-lab.ts'
import { type ServerIdentity, TestAuthority } from './authority.ts'
import { startDouble } from './double.ts'
import type { Faults } from './double-answers.ts'

const authority = await TestAuthority.create()
const first = await authority.issue()
const second = await authority.issue()

interface Port {
  readonly protocol: 'smtp' | 'imap4' | 'http'
  readonly port: number
  readonly implicitTls?: boolean
}

/** Verifies several ports of one host. Returns outcome and words of the check for each; undefined where it was not made. */
async function look(ports: readonly Port[], ca: string): Promise<(string | undefined)[]> {
  const endpoints = ports.flatMap(({ protocol, port, implicitTls = false }) =>
    hostEndpoints({
      host: '127.0.0.1',
      serverName: 'localhost',
      protocols: [protocol],
      port,
      implicitTls,
      requireSecureChannel: false,
    }),
  )
  const only = ['cross-port-resumption']
  const reports = await verifyEndpoints(endpoints, { timeoutMs: 5_000, now: () => Date.now(), ca: [ca], only })
  return reports.map(({ findings: [found] }) => found && `${found.outcome}: ${found.words}`)
}

describe('a session of one port, offered to another port', () => {
  const ticketKeys = randomBytes(48)

  /** Verifies an SMTP server and an IMAP4 server. */
  async function servers(
    identities: readonly [ServerIdentity, ServerIdentity],
    tls: readonly [Faults['tls'], Faults['tls']],
  ) {
    await using smtp = await startDouble('smtp', identities[0], { tls: tls[0] ?? {} })
    await using imap = await startDouble('imap4', identities[1], { tls: tls[1] ?? {}, implicitTls: true })
    const ports: Port[] = [
      { protocol: 'smtp', port: smtp.port },
      { protocol: 'imap4', port: imap.port, implicitTls: true },
    ]
    return await look(ports, authority.rootPem)
  }

  it.each(['TLSv1.2', 'TLSv1.3'] as const)('must not be resumed with another certificate: %s', async (version) => {
    const shared = { ticketKeys, minVersion: version, maxVersion: version }
    const words = new RegExp(
      `^fail: a ${version} session of another port \\(127.0.0.1, port \\d+\\) is resumed, though this port has another certificate`,
    )
    expect(await servers([first, second], [shared, shared])).toEqual([
      expect.stringMatching(words),
      expect.stringMatching(words),
    ])
  })

  it('is not resumed where the keys of the tickets differ', async () => {
    const own = () => ({ ticketKeys: randomBytes(48) })
    const words = 'pass: sessions of ports with another certificate are not resumed'
    expect(await servers([first, second], [own(), own()])).toEqual([words, words])
  })

  it('may be resumed with the same certificate', async () => {
    const words = 'not-applicable: all ports have the same certificate'
    expect(await servers([first, first], [{ ticketKeys }, { ticketKeys }])).toEqual([words, words])
  })

  it('needs two ports', async () => {
    await using smtp = await startDouble('smtp', first)
    expect(await look([{ protocol: 'smtp', port: smtp.port }], authority.rootPem)).toEqual([undefined])
  })
})

it('the virtual servers of a lab resume no session of each other', async () => {
  await using lab = await startLab({
    hostname: 'localhost',
    virtualServers: [
      { protocol: 'smtp', certificate: { variant: 'p256' } },
      { protocol: 'imap4', certificate: { variant: 'p384' } },
      { protocol: 'http', certificate: { variant: 'rsa' } },
    ],
  })
  const ports: Port[] = [
    { protocol: 'smtp', port: lab.server('smtp').port as number },
    { protocol: 'imap4', port: lab.server('imap4').port as number },
    { protocol: 'imap4', port: lab.server('imap4').tlsPort as number, implicitTls: true },
    { protocol: 'http', port: lab.server('http').tlsPort as number, implicitTls: true },
  ]
  const words = 'pass: sessions of ports with another certificate are not resumed'
  expect(await look(ports, lab.ca)).toEqual([words, words, words, words])
})
