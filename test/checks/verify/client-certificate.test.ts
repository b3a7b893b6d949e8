import { expect, it } from 'vitest'
import { TestAuthority } from './authority.ts'
import { startDouble } from './double.ts'
import { inspect } from './inspect.ts'

it.each([
  ['TLSv1.2', 'pass: the server answers with TLSv1.2 .*, and requires a client certificate'],
  ['TLSv1.3', 'pass: implicit TLS works \\(TLSv1.3\\)'],
] as const)('a server that requires a client certificate is not broken: %s', async (version, tlsWords) => {
  const authority = await TestAuthority.create()
  const tls = { minVersion: version, maxVersion: version, requestCert: true, ca: authority.rootPem } as const
  await using double = await startDouble('imap4', await authority.issue(), { tls, implicitTls: true })
  const seen = await inspect('imap4', double.port, { ca: [authority.rootPem], implicitTls: true })
  expect([seen.failed, seen.verdict]).toEqual([[], expect.stringMatching(/^no check failed: \d+ checks passed$/)])
  expect(seen.words('tls')).toMatch(new RegExp(`^${tlsWords}$`))
  expect(seen.words('greeting')).toMatch(/^not-applicable: the server requires a client certificate/)
  expect(seen.words('names')).toMatch(/^pass: issued to localhost/)
  // No text of OpenSSL with its files and lines.
  for (const { words } of seen.findings) expect(words).not.toMatch(/\n|routines|\.c:\d/)
})
