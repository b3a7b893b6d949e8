import { expect, it } from 'vitest'
import { sheets } from '../../console/src/pages/servers/sheets.ts'
import de from '../../console/src/texts/de/servers.ts'
import en from '../../console/src/texts/en/servers.ts'
import ja from '../../console/src/texts/ja/servers.ts'
import { saslMethodNames } from '../../src/core/config/schema/authentication.ts'
import { personalityNames } from '../../src/core/config/schema.ts'

it('the sheet of a virtual server offers every personality', () => {
  const fields = Object.values(sheets).flatMap((groups) => groups.flatMap((group) => group.fields))
  expect(fields.find(({ key }) => key === 'personality')?.choices).toEqual(['', ...personalityNames])
})

it.each([
  ['English', en],
  ['German', de],
  ['Japanese', ja],
])('the hint names every method of authentication in %s', (_, texts) => {
  const named = texts['servers.methodsHint'].split(/[\s,;、()]+/)
  const isNamed = (method: string): boolean => {
    const [, family, hash, plus] = /^(scram-sha)(-\d+)(-plus)?$/.exec(method) ?? []
    if (family === undefined) return named.includes(method)
    return (named.includes(`${family}${hash}`) || named.includes(`${hash}`)) && (!plus || named.includes(plus))
  }
  expect(['anonymous', 'basic', 'basic-over-tls', ...saslMethodNames].filter((method) => !isNamed(method))).toEqual([])
})
