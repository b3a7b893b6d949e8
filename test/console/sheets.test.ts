import { expect, it } from 'vitest'
import { sheets } from '../../console/src/pages/servers/sheets.ts'
import de from '../../console/src/texts/de/servers.ts'
import en from '../../console/src/texts/en/servers.ts'
import ja from '../../console/src/texts/ja/servers.ts'
import { saslMethodNames } from '../../src/core/config/schema/authentication.ts'
import { personalityNames, personalityProtocols } from '../../src/core/config/schema/personality.ts'
import { serverProtocols } from '../../src/core/config/schema.ts'

it.each(serverProtocols)('the sheet of a virtual server offers every personality that works: %s', (protocol) => {
  const fields = Object.values(sheets).flatMap((groups) => groups.flatMap((group) => group.fields))
  const offered = fields.find(({ key, only }) => key === 'personality' && only?.includes(protocol))?.choices
  const works = personalityNames.filter((name) => personalityProtocols[name].includes(protocol))
  expect(offered).toEqual(protocol === 'http' ? undefined : ['', ...works])
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
