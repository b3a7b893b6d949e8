import { expect, test } from 'vitest'
import type { DmarcEdition } from '../../../src/core/config/schema/mail-authentication.ts'
import { checkDmarc } from '../../../src/transport/mail-authentication/check-dmarc.ts'
import type { NameLookup } from '../../../src/transport/mail-authentication/names.ts'

/**
 * Checks a message from an author domain that a domain has signed, and whose SPF passes for another one.
 * @param records texts by name; other records by name and type
 */
async function dmarcOf(
  author: string,
  { signer = 'none.test', sender = 'none.test' },
  records: Readonly<Record<string, readonly string[]>>,
  edition: DmarcEdition = 'rfc7489',
) {
  const dkim = [{ result: 'pass' as const, domain: signer, selector: 'one', algorithm: 'rsa-sha256' }]
  const spf = { result: 'pass' as const, domain: sender, identity: 'mailfrom' as const }
  const lookUp: NameLookup = async (name, type) => records[type === 'TXT' ? name : `${name} ${type}`] ?? []
  const found = await checkDmarc([author], { spf, dkim, header: Buffer.alloc(0) }, lookUp, edition)
  return found.result
}

// RFC 7489 sections 3.1.1 and 3.1.2
test.each([
  ['example.co.uk', 'example.co.uk', true],
  ['example.co.uk', 'mail.example.co.uk', true],
  ['news.example.co.uk', 'example.co.uk', true],
  ['news.example.co.uk', 'mail.example.co.uk', true],
  ['news.example.co.uk', 'other.co.uk', false],
  ['github.io', 'github.io', true],
  ['github.io', 'attacker.github.io', false],
  ['attacker.github.io', 'github.io', false],
  ['co.uk', 'attacker.co.uk', false],
  ['example.test', 'sub_domain.example.test', true],
  ['example.test', 'a.example.test/.evil.test', false],
  ['example.test', 'a.example.test:1.evil.test', false],
])('the organization of %s is that of %s: %s', async (author, other, isAligned) => {
  const policy = { [`_dmarc.${author}`]: ['v=DMARC1; p=reject'] }
  expect(await dmarcOf(author, { signer: other }, policy)).toMatchObject({
    result: isAligned ? 'pass' : 'fail',
    dkimAligned: isAligned,
  })
  expect(await dmarcOf(author, { sender: other }, policy)).toMatchObject({
    result: isAligned ? 'pass' : 'fail',
    spfAligned: isAligned,
  })
})

// RFC 7489 section 6.6.4
test('RFC 7489: a policy for no messages asks for the next milder one', async () => {
  const records = { '_dmarc.example.test': ['v=DMARC1; p=reject; pct=0'] }
  expect(await dmarcOf('example.test', {}, records)).toMatchObject({
    policy: 'reject',
    disposition: 'quarantine',
    percent: 0,
  })
})

// RFC 7489 section 6.6.3
test('DMARC is not applied if a domain has several records', async () => {
  const several = ['v=DMARC1; p=none', 'v=DMARC1; p=reject']
  const one = ['v=DMARC1; p=reject']
  expect(
    await dmarcOf('news.example.test', {}, { '_dmarc.news.example.test': several, '_dmarc.example.test': one }),
  ).toEqual({
    result: 'none',
    reason: 'news.example.test has several DMARC records',
    domain: 'news.example.test',
    spfAligned: false,
    dkimAligned: false,
  })
  expect((await dmarcOf('news.example.test', {}, { '_dmarc.example.test': several })).result).toBe('none')
  expect((await dmarcOf('news.example.test', {}, { '_dmarc.example.test': [...one, 'other'] })).result).toBe('fail')
})

/** RFC 9989: by walking up the names. */
const walked = (author: string, records: Readonly<Record<string, readonly string[]>>, signer = 'none.test') =>
  dmarcOf(author, { signer }, records, 'rfc9989')

// RFC 9989 section 4.10
test.each([
  // The record with the fewest labels names the organization, whatever the public suffix list says.
  ['a.example.co.uk', 'b.example.co.uk', { 'example.co.uk': 'p=reject' }, true],
  ['a.example.co.uk', 'other.co.uk', { 'example.co.uk': 'p=reject' }, false],
  ['alice.github.io', 'bob.github.io', { 'github.io': 'p=reject' }, true],
  ['alice.github.io', 'bob.github.io', { 'github.io': 'p=reject; psd=y', 'alice.github.io': 'p=reject' }, false],
  ['mail.alice.github.io', 'alice.github.io', { 'github.io': 'p=reject; psd=y' }, true],
  // psd=n ends the walk at a part of an organization.
  [
    'a.part.example.test',
    'b.part.example.test',
    { 'part.example.test': 'p=reject; psd=n', 'example.test': 'p=none' },
    true,
  ],
  ['a.part.example.test', 'example.test', { 'part.example.test': 'p=reject; psd=n', 'example.test': 'p=none' }, false],
  // Between them, no list would look.
  ['a.b.c.example.test', 'c.example.test', { 'c.example.test': 'p=reject' }, true],
  // Without a record on the way, a domain is its own organization.
  ['example.test', 'example.test', { 'example.test': 'p=reject' }, true],
])('RFC 9989: the organization of %s is that of %s by %j: %s', async (author, signer, records, isAligned) => {
  const texts = Object.fromEntries(
    Object.entries(records).map(([name, tags]) => [`_dmarc.${name}`, [`v=DMARC1; ${tags}`]]),
  )
  expect(await walked(author, texts, signer)).toMatchObject({
    result: isAligned ? 'pass' : 'fail',
    dkimAligned: isAligned,
  })
})

test('RFC 9989: a name of many labels takes eight queries', async () => {
  const asked: string[] = []
  const lookUp: NameLookup = async (name) => {
    asked.push(name)
    return []
  }
  const facts = {
    spf: { result: 'none', domain: '', identity: 'mailfrom' },
    dkim: [],
    header: Buffer.alloc(0),
  } as const
  await checkDmarc(['a.b.c.d.e.f.g.h.i.j.example.test'], facts, lookUp, 'rfc9989')
  const names = ['f.g.h.i.j.', 'g.h.i.j.', 'h.i.j.', 'i.j.', 'j.', ''].map((start) => `${start}example.test`)
  const walk = ['a.b.c.d.e.f.g.h.i.j.example.test', ...names, 'test']
  expect([...new Set(asked)]).toEqual(walk.map((name) => `_dmarc.${name}`))
})

// RFC 9989 section 4.7
test.each([
  ['example.test', 'p=reject; sp=quarantine; np=none', 'reject', 'reject'],
  ['sub.example.test', 'p=reject; sp=quarantine; np=none', 'quarantine', 'quarantine'],
  ['missing.example.test', 'p=quarantine; sp=none; np=reject', 'reject', 'reject'],
  ['missing.example.test', 'p=reject; sp=quarantine', 'quarantine', 'quarantine'],
  ['missing.example.test', 'p=reject', 'reject', 'reject'],
  ['example.test', 'p=reject; t=y', 'reject', 'quarantine'],
  ['example.test', 'p=quarantine; t=y', 'quarantine', 'none'],
  // The tag is gone.
  ['example.test', 'p=reject; pct=0', 'reject', 'reject'],
])('RFC 9989: for %s, “%s” is the policy %s and asks for %s', async (author, tags, policy, disposition) => {
  const records = { '_dmarc.example.test': [`v=DMARC1; ${tags}`], 'sub.example.test MX': ['mail.example.test'] }
  expect(await walked(author, records)).toMatchObject({ result: 'fail', policy, disposition })
})
