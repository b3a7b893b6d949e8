import { randomBytes } from 'node:crypto'
import { deflateSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startLab, type TestLab } from '../../../src/testing/index.ts'
import { context, integer, octetString, oid, sequence } from '../../../src/tls/pki/der/encode.ts'
import { isLong } from '../../support/long.ts'
import { needs } from '../../support/programs.ts'
import { OpensslCms } from './openssl-cms.ts'

const ROUNDS = Number(process.env.SEALPOST_FUZZ_ROUNDS ?? (isLong ? 40 : 10))
const TEXT = 'Content-Type: text/plain\r\n\r\nThe code is 123456.\r\n'

/** Pseudo-random numbers from 0 to 1, the same for each seed (mulberry32). */
function randomOf(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

const HEADER = 'Content-Type: application/pkcs7-mime; name=smime.p7m\r\nContent-Transfer-Encoding: '
const entityOf = (der: Buffer): Buffer => Buffer.from(`${HEADER}base64\r\n\r\n${der.toString('base64')}\r\n`)

/** A CompressedData whose content is a value. RFC 3274 section 1.1. */
function compressedData(content: Buffer): Buffer {
  const algorithm = sequence(oid('1.2.840.113549.1.9.16.3.8'))
  const encapsulated = sequence(oid('1.2.840.113549.1.7.1'), context(0, content))
  const data = sequence(integer(0), algorithm, encapsulated)
  return sequence(oid('1.2.840.113549.1.9.16.1.9'), context(0, data))
}

const compressed = (entity: string | Buffer): Buffer => compressedData(octetString(deflateSync(entity)))

/** Empty OCTET STRINGs inside constructed ones of indefinite length. */
function nested(levels: number, values: number): Buffer {
  const inner = Buffer.alloc(2 * values, Buffer.of(0x04, 0))
  return Buffer.concat([Buffer.alloc(2 * levels, Buffer.of(0x24, 0x80)), inner, Buffer.alloc(2 * levels)])
}

describe.skipIf(!needs('openssl'))('hostile S/MIME', () => {
  let lab: TestLab
  let cms: OpensslCms

  beforeAll(async () => {
    lab = await startLab()
    cms = new OpensslCms(lab)
  })
  afterAll(async () => {
    cms[Symbol.dispose]()
    await lab.stop()
  })

  test('mutated messages can be read, and changed text is never valid', async () => {
    const seed = Math.floor(Math.random() * 2 ** 31)
    const random = randomOf(seed)
    const [alice, bob] = [await cms.user('alice'), await cms.user('bob')]
    await lab.certificates.import(bob.pkcs12, { password: 'secret' })
    const forms = [
      await cms.sign(alice, TEXT, ['-nodetach', '-outform', 'DER']),
      await cms.encrypt([bob], await cms.sign(alice, TEXT), ['-aes-256-gcm', '-outform', 'DER']),
      await cms.encrypt([bob], TEXT, ['-aes256', '-outform', 'DER']),
    ]
    for (let round = 0; round < ROUNDS; round++) {
      const der = Buffer.from(forms[round % forms.length] as Buffer)
      for (let change = 0; change <= random() * 4; change++) {
        der[Math.floor(random() * der.length)] = Math.floor(random() * 256)
      }
      const cut = random() < 0.1 ? der.subarray(0, Math.floor(random() * der.length)) : der
      const subject = `round ${round}.`
      const { smime } = await cms.send(entityOf(cut), { subject })
      expect(smime, `seed ${seed} round ${round}`).toBeDefined()
      if (smime?.signature === 'valid')
        expect(smime.opened?.text, `seed ${seed} round ${round}`).toBe('The code is 123456.\n')
      await lab.reset()
    }
  })

  test('many layers, signatures and recipients end', async () => {
    const [alice, bob] = [await cms.user('alice'), await cms.user('bob')]
    await lab.certificates.import(bob.pkcs12, { password: 'secret' })
    let entity: Buffer = Buffer.from(TEXT)
    for (let layer = 0; layer < 10; layer++) entity = await cms.sign(alice, entity, ['-nodetach', '-nocerts'])
    expect((await cms.send(entity, { subject: 'deep' })).smime?.layers).toHaveLength(8)
    const signers = Array.from({ length: 6 }, () => ['-signer', alice.file])
      .flat()
      .slice(2)
    const many = await cms.sign(alice, TEXT, signers)
    expect((await cms.send(many, { subject: 'many signers' })).smime).toMatchObject({
      signature: 'invalid',
      problems: ['it cannot be read: it has more than 5 signatures'],
    })
    const copies = Array.from({ length: 30 }, () => bob)
    expect((await cms.send(await cms.encrypt(copies, TEXT), { subject: 'many recipients' })).smime).toMatchObject({
      encryption: 'opened',
    })
  })

  test.each([
    { levels: 40, values: 10, problem: 'broken ASN.1: nested too deeply' },
    { levels: 3, values: 10, problem: 'broken ASN.1: OCTET STRING nested too deeply' },
    { levels: 1, values: 100_001, problem: 'broken ASN.1: too many values' },
  ])('$values values in $levels indefinite lengths are not read', async ({ levels, values, problem }) => {
    const entity = entityOf(compressedData(nested(levels, values)))
    const { smime } = await cms.send(entity, { subject: `${levels} levels` })
    expect(smime?.problems).toEqual([`it cannot be read: ${problem}`])
  })

  test('large mail that was signed while it was read is valid', async () => {
    const alice = await cms.user('alice')
    const text = `${TEXT}${'A line of a long message that has some words.\r\n'.repeat(100_000)}`
    const signed = await cms.sign(alice, text, ['-nodetach', '-stream', '-outform', 'DER'])
    expect(signed[1], 'indefinite length').toBe(0x80)
    expect((await cms.send(entityOf(signed), { subject: 'streamed' })).smime?.signature).toBe('valid')
  })

  test('two compressed layers are opened', async () => {
    const twice = entityOf(compressed(entityOf(compressed(TEXT))))
    const { smime } = await cms.send(twice, { subject: 'twice' })
    expect(smime?.opened?.text).toBe('The code is 123456.\n')
    const thrice = await cms.send(entityOf(compressed(twice)), { subject: 'thrice' })
    expect(thrice.smime?.layers).toHaveLength(3)
    expect(thrice.smime?.problems).toEqual(['it is compressed more than 2 times'])
  })

  test('compressed layers share one limit', async () => {
    // A fortieth as long when it is compressed.
    const block = Buffer.concat([randomBytes(1_000), Buffer.alloc(39_000)])
    const padding = Buffer.alloc(20 * 1024 * 1024, block)
    const inner = Buffer.concat([Buffer.from(`${HEADER}binary\r\n\r\n`), compressed(block), padding])
    const outer = Buffer.concat([Buffer.from(`${HEADER}binary\r\n\r\n`), compressed(padding), padding])
    for (const [entity, problems] of [
      [inner, []],
      [outer, ['the compressed content is broken or too large']],
    ] as const) {
      const { smime } = await cms.send(entityOf(compressed(entity)), { subject: `${problems.length} problems` })
      expect(smime?.layers).toHaveLength(2)
      expect(smime?.problems).toEqual(problems)
    }
  })

  test('content beyond 1 MiB is at most a hundred times as long as its compressed octets', async () => {
    for (const [octets, problems] of [
      [1_000_000, []],
      [2_000_000, ['the compressed content is broken or too large']],
    ] as const) {
      const { smime } = await cms.send(entityOf(compressed(Buffer.alloc(octets))), { subject: `${octets} octets` })
      expect(smime?.problems).toEqual(problems)
    }
  })
})
