import type { Tags, TestRow } from '../language.ts'
import { fieldAddresses } from '../mail.ts'
import { anyMatch, MATCHING } from '../match.ts'
import type { Call } from '../run.ts'

/** `:index` and `:last`. RFC 5260 section 6, RFC 5293 section 5 */
export const INDEX = (extension: string): Tags => ({
  index: {
    extension,
    value: { type: 'number', check: (text) => (text === '0' ? 'count from 1' : undefined) },
  },
  last: { extension, needs: 'index' },
})

type Part = (address: string) => string | undefined

const at = (address: string): number => address.lastIndexOf('@')
const local: Part = (address) => address.slice(0, at(address))
/** The separator of RFC 5233 section 4. */
const SEPARATOR = '+'

/** RFC 5228 section 2.7.4, RFC 5233 section 4. Undefined: the address does not have the part. */
const PARTS: Readonly<Record<string, Part>> = {
  all: (address) => address,
  localpart: local,
  domain: (address) => address.slice(at(address) + 1),
  user: (address) => local(address)?.split(SEPARATOR, 1)[0],
  detail(address) {
    const before = local(address) ?? ''
    return before.includes(SEPARATOR) ? before.slice(before.indexOf(SEPARATOR) + 1) : undefined
  },
}

const ADDRESS_PART: Tags = {
  all: { group: 'address part' },
  localpart: { group: 'address part' },
  domain: { group: 'address part' },
  user: { group: 'address part', extension: 'subaddress' },
  detail: { group: 'address part', extension: 'subaddress' },
}

function partsOf(call: Call, addresses: readonly string[]): string[] {
  const part = Object.entries(PARTS).find(([name]) => call.has(name))?.[1] ?? ((address: string) => address)
  return addresses.flatMap((address) => (address === '' ? '' : (part(address) ?? [])))
}

/** Fields that hold addresses. RFC 5228 section 5.1, RFC 5322 section 3.6; the last ones are in use without a standard. */
const ADDRESS_FIELDS = new Set(
  'from to cc bcc sender reply-to resent-from resent-to resent-cc resent-bcc resent-sender resent-reply-to mail-followup-to mail-reply-to disposition-notification-to return-receipt-to errors-to delivered-to envelope-to return-path x-original-to apparently-to abuse-reports-to'.split(
    ' ',
  ),
)

const KEYS = { name: 'keys', type: 'strings' } as const
const FIELDS = { name: 'header names', type: 'strings' } as const

/** RFC 5228 sections 5.1, 5.4, 5.5, 5.7, 5.9. */
export const headerTests: readonly TestRow[] = [
  {
    name: 'header',
    tags: { ...MATCHING, ...INDEX('index') },
    arguments: [FIELDS, KEYS],
    test: (call) => anyMatch(call, call.indexed(call.run.mail.values(call.texts('header names'))), call.texts('keys')),
  },
  {
    name: 'address',
    tags: { ...MATCHING, ...ADDRESS_PART, ...INDEX('index') },
    arguments: [
      {
        ...FIELDS,
        check: (name) =>
          ADDRESS_FIELDS.has(name.toLowerCase()) ? undefined : `${name} holds no addresses; use the test header`,
      },
      KEYS,
    ],
    test(call) {
      const values = call.indexed(call.run.mail.raws(call.texts('header names')))
      return anyMatch(call, partsOf(call, fieldAddresses(values)), call.texts('keys'))
    },
  },
  {
    name: 'envelope',
    extensions: ['envelope'],
    tags: { ...MATCHING, ...ADDRESS_PART },
    arguments: [
      {
        name: 'parts',
        type: 'strings',
        check: (part) => (/^(?:from|to)$/i.test(part) ? undefined : 'use "from" or "to"'),
      },
      KEYS,
    ],
    test(call) {
      const { envelope } = call.run.message
      const addresses = call.texts('parts').map((part) => envelope[part.toLowerCase() as 'from' | 'to'])
      return anyMatch(call, partsOf(call, addresses), call.texts('keys'))
    },
  },
  {
    name: 'exists',
    arguments: [FIELDS],
    test: (call) => call.texts('header names').every((name) => call.run.mail.raws([name]).length > 0),
  },
  {
    name: 'size',
    tags: { over: { group: 'relation' }, under: { group: 'relation' } },
    arguments: [{ name: 'limit', type: 'number' }],
    test(call) {
      const { octets } = call.run.mail
      const limit = call.number('limit') as number
      return call.has('over') ? octets > limit : octets < limit
    },
  },
]
