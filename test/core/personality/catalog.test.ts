import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { personalityNames, personalityProtocols } from '../../../src/core/config/schema/personality.ts'
import { serverProtocols } from '../../../src/core/config/schema.ts'
import { personalities } from '../../../src/core/personality/index.ts'

/** Texts of replies are keys of the tables. A key that no reply has would never be used. */
const isText = (key: string): boolean => /[a-z] [a-z]|[a-z]\.$/.test(key)

/** Returns the code that writes the replies of a protocol. */
const sourceOf = (protocol: string): string =>
  [`servers/${protocol === 'lmtp' ? 'smtp' : protocol}`, 'src/transport/delivery']
    .flatMap((folder) => readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((file) => join(folder, file)))
    .filter((file) => file.endsWith('.ts'))
    .map((file) => readFileSync(file, 'utf8'))
    .join('\n')

const wordProtocols = serverProtocols.filter((protocol) => protocol !== 'http')

test.each(wordProtocols)('every text that a personality replaces is one of Sealpost’s own: %s', (protocol) => {
  const source = sourceOf(protocol)
  const unknown = personalityNames.flatMap((name) =>
    Object.keys(personalities[name][protocol]?.replies ?? {})
      .filter((key) => isText(key) && !source.includes(key))
      .map((key) => `${name}: ${key}`),
  )
  expect(unknown).toEqual([])
})

test.each(personalityNames)('the configuration knows the protocols of %s', (name) => {
  const own = name === 'sealpost' ? serverProtocols : wordProtocols.filter((protocol) => personalities[name][protocol])
  expect(own).toEqual(serverProtocols.filter((protocol) => personalityProtocols[name].includes(protocol)))
})
