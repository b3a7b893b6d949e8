import type { SMTPServerOptions } from 'smtp-server'
import { expect, it } from 'vitest'
import { connector as connectorSchema } from '../../../../src/core/config/schema/connector.ts'
import type { ConnectorTest, NextHop, ResolvedConnector } from '../../../../src/transport/outgoing/types.ts'
import { type ServerIdentity, TestAuthority } from '../../../checks/verify/authority.ts'
import { startHost } from './hosts.ts'
import { hopTo, Sender } from './sender.ts'

const authority = await TestAuthority.create()
const [good, expired] = await Promise.all([authority.issue(), authority.issue({ from: -20, to: -1 })])

const connector = connectorSchema.parse({ name: 'Outside' }) as ResolvedConnector
const signal = new AbortController().signal

/** Tests a host. No mail may reach it. */
async function tested(
  hop: Partial<NextHop>,
  identity?: ServerIdentity,
  options: Partial<SMTPServerOptions> = {},
): Promise<ConnectorTest> {
  await using host = await startHost(options, identity)
  await using sender = new Sender({ roots: async () => [authority.rootPem] })
  const found = await sender.client.test(connector, [hopTo(host.port, hop)], signal)
  expect(host.received).toEqual([])
  expect(found).toMatchObject({ host: 'localhost', port: host.port, session: sender.last.id })
  expect(sender.last).toMatchObject({ direction: 'out', virtualServer: 'Outside' })
  return found
}

/** Returns the steps as `name` or, if it failed, `name: text`. */
const stepsOf = ({ steps }: ConnectorTest): string[] =>
  steps.map(({ step, ok, text }) => (ok ? step : `${step}: ${text}`))

const onAuth: SMTPServerOptions['onAuth'] = ({ username, password }, _session, done) =>
  password === 'secret' ? done(null, { user: username ?? '' }) : done(new Error('5.7.8 Wrong password'))

it('goes through connection, EHLO, TLS with a verified certificate, log-on and QUIT', async () => {
  const found = await tested({ tls: 'verify', user: 'relay', password: 'secret' }, good, { onAuth })
  expect(found.ok).toBe(true)
  expect(stepsOf(found)).toEqual(['connect', 'EHLO', 'STARTTLS', 'certificate', 'AUTH', 'QUIT'])
  expect(found.steps.map(({ text }) => text)).toEqual([
    expect.stringMatching(/^localhost answers on port \d+$/),
    expect.stringContaining('8BITMIME'),
    expect.stringContaining('TLSv1.3'),
    'the certificate is valid',
    'logged on as relay',
    'the session is closed',
  ])
})

it('says what the certificate lacks where the level does not demand it', async () => {
  const found = await tested({ tls: 'encrypt' }, expired)
  expect(found.ok).toBe(true)
  expect(found.steps.find(({ step }) => step === 'certificate')?.text).toMatch(
    /has expired .*; TLS level encrypt allows that/,
  )
})

it.each([
  ['the certificate has expired', { tls: 'verify' as const }, expired, /^certificate: .*has expired/],
  ['the host has no STARTTLS', { tls: 'verify' as const }, undefined, /^STARTTLS: .*does not offer STARTTLS/],
  ['the password is wrong', { tls: 'verify' as const, user: 'relay', password: 'x' }, good, /^AUTH: .*Wrong password/],
])('stops where %s', async (_, hop, identity, last) => {
  const found = await tested(hop, identity, { onAuth })
  expect(found.ok).toBe(false)
  expect(stepsOf(found).at(-1)).toMatch(last)
  expect(stepsOf(found)[0]).toBe('connect')
})

it('goes on to the next host only where nothing answers', async () => {
  await using host = await startHost()
  await using sender = new Sender()
  const nowhere = hopTo(1, { tls: 'none' })
  expect(await sender.client.test(connector, [nowhere, hopTo(host.port, { tls: 'none' })], signal)).toMatchObject({
    ok: true,
    port: host.port,
  })
  expect(await sender.client.test(connector, [nowhere], signal)).toMatchObject({
    ok: false,
    port: 1,
    steps: [{ step: 'connect', ok: false, text: expect.stringContaining('ECONNREFUSED') }],
  })
})
