import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { supportsGroup } from '../../../src/core/config/openssl.ts'
import { describeTranscript } from '../../../src/core/sessions/describe.ts'
import { groupName } from '../../../src/core/sessions/tls-groups.ts'
import type { SessionRecord } from '../../../src/core/sessions/types.ts'
import { echoTlsSettings, startEcho } from '../../support/echo-server.ts'
import { opensslCertificate, run } from '../../support/openssl.ts'
import { runProgram } from '../../support/run-program.ts'
import { some } from '../../support/thorough.ts'

const certificate = opensslCertificate(['localhost'])
const hasHybrid = supportsGroup('X25519MLKEM768')
/** The client's OpenSSL sends several key shares from version 3.5 on. */
let clientIsNew: boolean
beforeAll(async () => {
  const { stdout } = await run('openssl', ['version'])
  clientIsNew = /^OpenSSL 3\.([5-9]|\d\d)/.test(stdout)
})

type Echo = Awaited<ReturnType<typeof startEcho>>
const serverGroups = [undefined, ['P-256', 'X25519', 'P-384'], ['P-384'], ...(hasHybrid ? [['X25519MLKEM768']] : [])]

describe.each(
  some(
    serverGroups.map((groups) => ({ groups })),
    2,
  ),
)('a server with the groups $groups', ({ groups }) => {
  let echo: Echo
  beforeAll(async () => {
    echo = await startEcho({ tls: echoTlsSettings([certificate], groups ? { groups } : {}) })
  })
  afterAll(() => echo[Symbol.asyncDispose]())

  test.each([
    'X25519',
    'P-384:X25519:P-256',
    'ffdhe2048:P-521',
    '*X25519:*P-256',
    '*P-256:*X25519',
    '*P-384:*P-256',
    '*X25519MLKEM768:*X25519',
    '*X25519:X25519MLKEM768',
    '*X448:*P-384:P-256',
  ])(
    'records the group that the client %s reports, and whether it was asked for a second ClientHello',
    async (list) => {
      if (!clientIsNew && /[*M]/.test(list)) return
      const { output, record } = await connect(echo, ['-tls1_3', '-groups', list, '-msg'])
      const hellos = output.match(/ClientHello/g)?.length
      if (record.tls) {
        expect(record.tls.keyExchange).toBe(reported(output))
        expect(record.tls.helloRetryRequest).toBe(hellos === 2)
        expect(describeTranscript(record).join('\n')).toMatch(
          hellos === 2 ? /key exchange \S+ after a HelloRetryRequest/ : /key exchange \S+;/,
        )
      } else {
        const offered = list.replaceAll('*', '').replaceAll(':', ', ')
        expect(record.refusals).toEqual([
          `TLS handshake: no key-exchange group in common: the client offers ${offered}; this virtual server allows ${groups?.join(', ')}; allow one of the client’s with tls.groups`,
        ])
      }
      // The client that shares a group is served, any other one is not.
      const own = groups ?? [
        'X25519',
        'P-256',
        'P-384',
        'P-521',
        'X448',
        'ffdhe2048',
        ...(hasHybrid ? ['X25519MLKEM768'] : []),
      ]
      expect(record.tls !== undefined).toBe(
        list
          .replaceAll('*', '')
          .split(':')
          .some((name) => own.includes(name)),
      )
    },
  )
})

test('a client of TLS 1.2 without a shared group: the refusal names the groups', async () => {
  await using echo = await startEcho({ tls: echoTlsSettings([certificate], { groups: ['P-384', 'P-521'] }) })
  const { record } = await connect(echo, ['-tls1_2', '-groups', 'X25519:P-256'])
  expect(record.refusals).toEqual([
    'TLS handshake: no key-exchange group in common: the client offers X25519, P-256; this virtual server allows P-384, P-521; allow one of the client’s with tls.groups',
  ])
})

async function connect(echo: Echo, args: readonly string[]): Promise<{ output: string; record: SessionRecord }> {
  const known = echo.sessions.list().length
  const to = ['s_client', '-connect', `127.0.0.1:${echo.server.tlsPort}`]
  const { stdout, stderr } = await runProgram('openssl', [...to, ...args])
  const output = stdout + stderr
  await expect.poll(() => echo.sessions.list()[known]?.endedAt).toBeDefined()
  return { output, record: echo.sessions.list()[known] as SessionRecord }
}

/** Returns the group that s_client reports, by our name for it. */
function reported(output: string): string | undefined {
  const negotiated = /Negotiated TLS1\.3 group: (?!<NULL>)(\S+)/.exec(output)?.[1]
  const key = /(?:Peer|Server) Temp Key: (?:ECDH, )?(\w+)(?:, (\d+) bits)?/.exec(output)
  const names: Record<string, string> = {
    prime256v1: 'P-256',
    secp384r1: 'P-384',
    secp521r1: 'P-521',
    DH: `ffdhe${key?.[2]}`,
  }
  return negotiated ?? names[key?.[1] ?? ''] ?? key?.[1]
}

test('unknown groups are shown by their number', () => {
  expect(groupName(0xfeed)).toBe('group 0xfeed')
})
