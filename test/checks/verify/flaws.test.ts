import { constants, getDiffieHellman, privateDecrypt, randomBytes } from 'node:crypto'
import { createSecureContext } from 'node:tls'
import { describe, expect, it } from 'vitest'
import { supportsGroup } from '../../../src/core/config/openssl.ts'
import { vector } from '../../../src/tls/negotiation/octets.ts'
import { some } from '../../support/thorough.ts'
import { type ServerIdentity, TestAuthority } from './authority.ts'
import { type Craft, startCrafted } from './crafted.ts'
import { startDouble } from './double.ts'
import type { Faults } from './double-answers.ts'
import { inspect } from './inspect.ts'

const authority = await TestAuthority.create()
const good = await authority.issue()

/** Runs one check against a hand-made server, and returns its outcome and words. */
async function crafted(craft: Craft, check: string, timeoutMs = 5_000): Promise<string> {
  await using server = await startCrafted(good, craft)
  return await words(server.port, check, true, timeoutMs)
}

/** Runs one check against a double with the TLS of Node.js. */
async function double(faults: Faults, check: string): Promise<string> {
  await using server = await startDouble('imap4', good, faults)
  return await words(server.port, check, faults.implicitTls === true)
}

async function words(port: number, check: string, implicitTls: boolean, timeoutMs = 5_000): Promise<string> {
  const options = { ca: [authority.rootPem], implicitTls, only: [check], timeoutMs }
  return (await inspect('imap4', port, options)).words(check)
}

describe('a server that current clients cannot talk to', () => {
  const rc4 = { versions: [0x0300], suites: [0x0005, 0x0004] }
  const des = { versions: [0x0301], suites: [0x0009] }

  it.each([
    ['SSL 3.0 and RC4 only', rc4, 'SSLv3 TLS_RSA_WITH_RC4_128_SHA', 'RC4 \\(128 bits\\)', 'SSLv3'],
    ['TLS 1.0 and DES only', des, 'TLSv1 TLS_RSA_WITH_DES_CBC_SHA', 'DES \\(56 bits\\)', 'TLSv1'],
  ])('%s is examined with a hand-made ClientHello', async (_, craft, agreed, weak, version) => {
    await using server = await startCrafted(good, craft)
    const seen = await inspect('imap4', server.port, { ca: [authority.rootPem], implicitTls: true })
    expect(seen.words('tls')).toBe(
      `fail: the server answers with ${agreed} and accepts nothing that current clients offer`,
    )
    expect(seen.words('versions')).toMatch(new RegExp(`^fail: accepts ${version}, against RFC 8996`))
    expect(seen.words('suites')).toMatch(new RegExp(`^(?:fail|warn): accepts ${weak}`))
    expect(seen.words('negotiated')).toMatch(new RegExp(`^fail: ${agreed}, `))
    // Its certificate is read from the wire.
    expect(seen.words('names')).toMatch(/^pass: issued to localhost/)
    expect(seen.words('chain')).toMatch(/^pass: /)
  })
})

describe('a server whose certificate has expired', () => {
  it('is checked for renegotiation and for its greeting', async () => {
    const expired = await authority.issue({ from: -9, to: -1 })
    await using server = await startDouble('imap4', expired, {
      implicitTls: true,
      renegotiations: 99,
      tls: { maxVersion: 'TLSv1.2' },
    })
    const only = ['greeting', 'dates', 'renegotiation']
    const seen = await inspect('imap4', server.port, { ca: [authority.rootPem], implicitTls: true, only })
    expect(seen.failed).toEqual(['dates', 'renegotiation'])
    expect(seen.words('renegotiation')).toMatch(/^fail: the client can renegotiate at least 10 times/)
  })
})

describe('weak suites', () => {
  it('names every class that is accepted, and not only the worst', async () => {
    const craft = { suites: [0x009c, 0x0001, 0x0005, 0x000a] }
    expect(await crafted(craft, 'suites')).toBe('fail: accepts NULL (0 bits); also RC4 (128 bits), 3DES (112 bits)')
  })
})

describe('SSL 2.0', () => {
  it('fails if it is accepted', async () => {
    expect(await crafted({ sslv2: true }, 'versions')).toMatch(
      /^fail: accepts SSLv2, against RFC 8996 \(accepted: SSLv2, TLSv1.2; /,
    )
  })
  it('passes if it is refused', async () => {
    expect(await double({}, 'versions')).toBe('pass: accepted: TLSv1.2, TLSv1.3; refused: SSLv2, SSLv3, TLSv1, TLSv1.1')
  })
})

describe('downgrade protection', () => {
  it('passes if fallbacks are refused and downgrades are marked', async () => {
    expect(await double({}, 'downgrade')).toBe(
      'pass: a client that fell back to TLSv1.2 is refused (TLS_FALLBACK_SCSV)',
    )
  })
  it('passes if there is one version', async () => {
    expect(await double({ tls: { minVersion: 'TLSv1.3' } }, 'downgrade')).toMatch(
      /^pass: the server accepts one version/,
    )
  })
  it('warns if a fallback is accepted', async () => {
    expect(await crafted({ versions: [0x0302, 0x0303] }, 'downgrade')).toMatch(
      /^warn: a client that fell back to TLSv1.1 is accepted/,
    )
  })
})

describe('renegotiation', () => {
  it('passes if it is refused', async () => {
    expect(await double({}, 'renegotiation')).toBe('pass: the server refuses renegotiation by the client')
    expect(await double({ implicitTls: true }, 'renegotiation')).toBe(
      'pass: the server refuses renegotiation by the client',
    )
  })
  it('warns if it is accepted some times', async () => {
    const tls = { maxVersion: 'TLSv1.2' } as const
    expect(await double({ renegotiations: 3, tls }, 'renegotiation')).toMatch(
      /^warn: the client can renegotiate 3 times/,
    )
  })
  it('fails if it is accepted without limit', async () => {
    const renegotiations = Number.POSITIVE_INFINITY
    expect(await double({ renegotiations }, 'renegotiation')).toMatch(
      /^fail: the client can renegotiate at least 10 times/,
    )
  })
  it('fails if it is not bound to the connection', async () => {
    expect(await crafted({ extensions: {} }, 'renegotiation')).toMatch(
      /^fail: the server does not support secure renegotiation/,
    )
  })
})

describe('compression', () => {
  it('passes if it is refused, fails if it is accepted', async () => {
    expect(await double({}, 'compression')).toBe('pass: the server does not compress')
    expect(await crafted({ compression: 1 }, 'compression')).toBe('fail: the server accepts TLS compression (CRIME)')
  })
})

describe('Diffie-Hellman groups', () => {
  const DHE_RSA_WITH_AES_128_GCM_SHA256 = 0x009e
  const dhe = (prime: Buffer, generator = Buffer.from([2])) => ({
    suites: [DHE_RSA_WITH_AES_128_GCM_SHA256],
    keyExchange: Buffer.concat([vector(2, prime), vector(2, generator), vector(2, randomBytes(prime.length - 1))]),
  })

  it('pass with 2,048 bits, or if none is used', async () => {
    expect(await double({}, 'dh-groups')).toMatch(/^pass: not used/)
    expect(await double({ tls: { dhparam: 'auto' } }, 'dh-groups')).toMatch(/^pass: \d{4} bits/)
  })
  it('warn if only suites without a certificate have a short one, as OpenSSL chooses', async () => {
    const tls = { maxVersion: 'TLSv1.2', ciphers: 'ADH-AES128-SHA:DHE-RSA-AES256-SHA:@SECLEVEL=0' } as const
    expect(await double({ tls: { ...tls, dhparam: 'auto' } }, 'dh-groups')).toMatch(
      /^warn: 1024 bits .*in suites without a certificate: below 2048 bits/,
    )
  })
  it('fail below 2,048 bits, and name a group that many servers share', async () => {
    const prime = Buffer.from(OAKLEY_2, 'hex')
    expect(await crafted(dhe(prime), 'dh-groups')).toBe(
      'fail: 1024 bits (group 2 of RFC 2409): below 2048 bits (RFC 9325 section 4.5)',
    )
  })
  it('warn if two handshakes get the same key', async () => {
    expect(await crafted(dhe(getDiffieHellman('modp14').getPrime()), 'dh-groups')).toBe(
      'warn: 2048 bits (group 14 of RFC 3526): two handshakes get the same key, which can be attacked (Raccoon, CVE-2020-1968)',
    )
  })
  it('fail if the modulus is not a prime number, or the generator is 1', async () => {
    const odd = Buffer.concat([Buffer.from([0xff]), Buffer.alloc(255, 0xff)])
    expect(await crafted(dhe(odd), 'dh-groups')).toBe('fail: 2048 bits: the modulus is not a prime number')
    expect(await crafted(dhe(Buffer.from(OAKLEY_2, 'hex'), Buffer.from([1])), 'dh-groups')).toMatch(
      /the generator or the public value/,
    )
  })
})

describe('ROBOT', () => {
  const flawed = (): Craft => ({
    onRecord({ contentType, content }, answer) {
      if (contentType !== 22 || content[0] !== 16) return
      answer(21, Buffer.from([2, isPadded(content) ? 20 : 51]))
    },
  })
  const isPadded = (keyExchange: Buffer): boolean => {
    const plain = privateDecrypt({ key: good.key, padding: constants.RSA_NO_PADDING }, keyExchange.subarray(6))
    return plain[0] === 0 && plain[1] === 2 && plain.at(-49) === 0
  }

  it('passes if every padding gets the same answer', async () => {
    const tls = { maxVersion: 'TLSv1.2', ciphers: 'AES128-SHA' } as const
    expect(await double({ tls }, 'robot')).toMatch(/^pass: every padding gets the same answer \(alert 20, closed\)/)
    expect(await double({ tls: { ciphers: 'ECDHE-RSA-AES128-GCM-SHA256' } }, 'robot')).toMatch(/^pass: not possible/)
  })
  it('fails if the answer depends on the padding', async () => {
    expect(await crafted(flawed(), 'robot')).toMatch(
      /^fail: the answer depends on the padding.*valid padding: alert 20.*wrong first octets: alert 51/,
    )
  })
  it('fails if the answer depends on it only as long as the client’s Finished is missing', async () => {
    const hasty: Craft = {
      onRecord({ contentType, content }, answer) {
        const isWrong = contentType === 22 && content[0] === 16 && !isPadded(content)
        if (isWrong || contentType === 20) answer(21, Buffer.from([2, 20]))
      },
    }
    expect(await crafted(hasty, 'robot')).toMatch(
      /^fail: the answer depends on the padding.*valid padding: closed; wrong first octets: alert 20.*, without Finished$/,
    )
  })
})

describe('other certificates', () => {
  const both = async (rsa: ServerIdentity): Promise<Faults> => {
    const curve = await authority.issue({ key: 'p256' })
    return { tls: { key: [curve.key, rsa.key], cert: [curve.cert, rsa.cert] } }
  }

  it('pass with one certificate, and with two good ones', async () => {
    expect(await double({}, 'other-certificates')).toBe('pass: every handshake shows the same certificate')
    expect(await double(await both(good), 'other-certificates')).toBe('pass: with an RSA key: good')
  })
  it('fail if only clients without elliptic curves get the bad one', async () => {
    const expired = await both(await authority.issue({ from: -30, to: -2, names: ['other.test'] }))
    expect(await double(expired, 'dates')).toMatch(/^pass/)
    expect(await double(expired, 'other-certificates')).toMatch(
      /^fail: with an RSA key: not issued to localhost, other.test expired on .*, 2 days ago$/,
    )
  })
})

describe('older suites', () => {
  it('are reported for information', async () => {
    expect(await double({ tls: { maxVersion: 'TLSv1.2', ciphers: 'AES128-SHA' } }, 'older-suites')).toBe(
      'pass: accepts suites with CBC and suites without forward secrecy, for information (RFC 9325 section 4.1)',
    )
    expect(await double({ tls: { ciphers: 'ECDHE-RSA-AES128-GCM-SHA256' } }, 'older-suites')).toBe(
      'pass: none with CBC or without forward secrecy',
    )
  })
})

describe('recommendations of RFC 9325', () => {
  it.each([
    [{}, /^pass: the server prefers ECDHE with AES-GCM to RSA/],
    [{ maxVersion: 'TLSv1.2', ciphers: 'AES128-SHA' }, /^warn: the server has none of the recommended suites/],
    [
      { ciphers: 'AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256', honorCipherOrder: true },
      /^warn: the server prefers suites without forward secrecy/,
    ],
    // SSL_OP_NO_EXTENDED_MASTER_SECRET, which Node.js does not name.
    [
      { secureOptions: 1 },
      /^warn: the server does not support extended_master_secret, so keys are not bound to the handshake/,
    ],
    [{ minVersion: 'TLSv1.3' }, /^not-applicable: the server does not accept TLS 1.2/],
  ] as const)('%j', async (tls, words) => {
    expect(await double({ tls }, 'recommendations')).toMatch(words)
  })
})

describe('groups', () => {
  it('are reported for information', async () => {
    expect(await double({ tls: { ecdhCurve: 'X448:P-384' } }, 'groups')).toBe(
      'pass: accepted: X448, P-384; ML-KEM alone: none, for information (draft-ietf-tls-mlkem)',
    )
    expect(await double({ tls: { maxVersion: 'TLSv1.2' } }, 'groups')).toMatch(/^not-applicable/)
    if (supportsGroup('MLKEM768'))
      expect(await double({ tls: { ecdhCurve: 'X25519MLKEM768:MLKEM768:MLKEM1024' } }, 'groups')).toMatch(
        /; ML-KEM alone: MLKEM768, MLKEM1024, for/,
      )
  })
})

describe('FREAK', () => {
  it('passes without export suites, and fails with them', async () => {
    expect(await double({}, 'freak')).toBe('pass: no suite with a temporary RSA key is accepted')
    const keyExchange = Buffer.concat([vector(2, randomBytes(64)), vector(2, Buffer.from([1, 0, 1]))])
    expect(await crafted({ versions: [0x0301], suites: [0x0003], keyExchange }, 'freak')).toBe(
      'fail: export suites with an RSA key of 512 bits are accepted (FREAK, CVE-2015-0204)',
    )
  })
})

describe('CBC padding', () => {
  const old = ['AES128-SHA', 'ECDHE-RSA-AES128-SHA', 'DHE-RSA-AES256-SHA']
  const current = [...old, 'AES256-SHA256', 'ECDHE-RSA-AES128-SHA256', 'DHE-RSA-AES256-SHA256']
  const cases = [
    ...(['TLSv1', 'TLSv1.1'] as const).flatMap((version) => old.map((suite) => [version, suite] as const)),
    ...current.map((suite) => ['TLSv1.2', suite] as const),
  ]

  it.each(some(cases, 4))('passes if every wrong record gets the same answer: %s, %s', async (version, suite) => {
    const ciphers = `${suite}:@SECLEVEL=0`
    const tls = { minVersion: version, maxVersion: version, ciphers, dhparam: 'auto' } as const
    expect(await double({ tls }, 'cbc-padding')).toBe('pass: every padding gets the same answer (alert 20)')
  })
  it('passes without CBC', async () => {
    expect(await double({ tls: { ciphers: 'ECDHE-RSA-AES128-GCM-SHA256' } }, 'cbc-padding')).toMatch(
      /^pass: not possible: the server accepts no suite with CBC/,
    )
  })
})

describe('Heartbleed', () => {
  const HEARTBEAT = 24
  const heartbeats = { 0xff01: Buffer.from([0]), 15: Buffer.from([1]) }

  it('passes without heartbeats, and if a malformed one is ignored', async () => {
    expect(await double({}, 'heartbleed')).toBe('pass: the server does not support heartbeats')
    const silent: Craft = { extensions: heartbeats, onRecord: () => {} }
    expect(await crafted(silent, 'heartbleed', 500)).toBe('pass: a malformed heartbeat is not answered (silent)')
  })
  it('fails if a malformed one is answered', async () => {
    const bleeds: Craft = {
      extensions: heartbeats,
      onRecord: ({ contentType }, answer) => {
        if (contentType === HEARTBEAT) answer(HEARTBEAT, Buffer.alloc(4096))
      },
    }
    expect(await crafted(bleeds, 'heartbleed')).toMatch(/^fail: a malformed heartbeat returns 4096 octets/)
  })
})

describe('early ChangeCipherSpec', () => {
  it('passes if it is refused', async () => {
    expect(await double({}, 'ccs-injection')).toMatch(/^pass: .* is refused \(alert 10\)/)
  })
  it('fails if keys are in use afterwards', async () => {
    let seen = 0
    const accepts: Craft = {
      onRecord: ({ contentType }, answer) => {
        if (contentType === 20 && ++seen === 2) answer(21, Buffer.from([2, 20]))
      },
    }
    expect(await crafted(accepts, 'ccs-injection')).toMatch(
      /^fail: ChangeCipherSpec is accepted before the key exchange \(alert 20/,
    )
  })
})

describe('ALPN', () => {
  it('passes if it is not used, and if the server chooses the protocol', async () => {
    expect(await double({}, 'alpn')).toBe('pass: not used')
    expect(await double({ tls: { ALPNProtocols: ['imap'] } }, 'alpn')).toBe(
      'pass: the server chooses imap; clients that offer only other protocols are refused',
    )
    const ALPNCallback = ({ protocols }: { protocols: string[] }) => protocols[0]
    expect(await double({ tls: { ALPNCallback } }, 'alpn')).toMatch(
      /^pass: .*; clients that offer only other protocols are served, for information/,
    )
  })
  it('fails if the protocol is refused', async () => {
    expect(await double({ tls: { ALPNProtocols: ['h2'] } }, 'alpn')).toBe('fail: clients that offer imap are refused')
  })
})

describe('session resumption', () => {
  const ticketKeys = randomBytes(48)

  it('passes without resumption, and for another name with the same certificate', async () => {
    expect(await double({}, 'resumption')).toBe('pass: sessions are not resumed')
    expect(await double({ tls: { ticketKeys } }, 'resumption')).toMatch(
      /^pass: TLSv1.2 and TLSv1.3 sessions are resumed for another name, which has the same certificate$/,
    )
  })
  it.each(['TLSv1.2', 'TLSv1.3'] as const)('fails for another name with another certificate: %s', async (version) => {
    const others = { own: good, other: await authority.issue({ names: ['other.test'] }) }
    const versions = { minVersion: version, maxVersion: version }
    const context = (identity: ServerIdentity) => createSecureContext({ ...identity, ...versions })
    const contexts = { own: context(others.own), other: context(others.other) }
    const tls: Faults['tls'] = {
      ...versions,
      ticketKeys,
      SNICallback: (name, done) => done(null, contexts[name === 'localhost' ? 'own' : 'other']),
    }
    expect(await double({ tls }, 'resumption')).toMatch(
      /^fail: TLSv1.\d sessions are resumed for another name, which has another/,
    )
  })
})

describe('certificate transparency', () => {
  const timestamp = Buffer.concat([Buffer.from([0]), randomBytes(32), Buffer.alloc(8), Buffer.alloc(6)])

  it('is reported for information', async () => {
    expect(await double({}, 'transparency')).toBe('pass: no timestamps of transparency logs (SCTs)')
    const timestamps = vector(2, Buffer.concat([vector(2, timestamp), vector(2, timestamp)]))
    await using server = await startDouble('imap4', await authority.issue({ timestamps }))
    expect(await words(server.port, 'transparency', false)).toMatch(
      /^pass: .*: 2 in the certificate, 0 in the handshake$/,
    )
  })
  it('warns about a malformed list', async () => {
    await using server = await startDouble(
      'imap4',
      await authority.issue({ timestamps: vector(2, Buffer.from([0, 9])) }),
    )
    expect(await words(server.port, 'transparency', false)).toMatch(/^warn: .* is malformed/)
  })
})

/** The prime of group 2 of RFC 2409. */
const OAKLEY_2 =
  'ffffffffffffffffc90fdaa22168c234c4c6628b80dc1cd129024e088a67cc74020bbea63b139b22514a08798e3404ddef9519b3cd3a431b302b0a6df25f14374fe1356d6d51c245e485b576625e7ec6f44c42e9a637ed6b0bff5cb6f406b7edee386bfb5a899fa5ae9f24117c4b1fe649286651ece65381ffffffffffffffff'
