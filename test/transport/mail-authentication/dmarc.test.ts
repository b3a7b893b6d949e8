import { expect, test } from 'vitest'
import { checkDmarc } from '../../../src/transport/mail-authentication/check-dmarc.ts'

/** Checks a message from an author domain that a domain has signed, and whose SPF passes for another one. */
async function dmarcOf(
  author: string,
  { signer = 'none.test', sender = 'none.test' },
  records: Readonly<Record<string, readonly string[]>>,
) {
  const dkim = [{ result: 'pass' as const, domain: signer, selector: 'one', algorithm: 'rsa-sha256' }]
  const spf = { result: 'pass' as const, domain: sender, identity: 'mailfrom' as const }
  const found = await checkDmarc([author], { spf, dkim, header: Buffer.alloc(0) }, async (name) => records[name] ?? [])
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
