import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { parseAllDocuments } from 'yaml'
import { type AskedType, LookupError, type NameLookup } from '../../../../src/transport/mail-authentication/names.ts'
import { checkHost } from '../../../../src/transport/mail-authentication/spf/evaluate.ts'

/** Records of a name, one type each. TIMEOUT: every other lookup fails. */
type Records = readonly ('TIMEOUT' | Readonly<Record<string, string | readonly (string | number)[]>>)[]

interface Scenario {
  readonly description: string
  readonly tests: Readonly<
    Record<
      string,
      {
        readonly helo: string
        readonly host: string
        readonly mailfrom: string
        readonly result: string | readonly string[]
        readonly explanation?: string
      }
    >
  >
  readonly zonedata: Readonly<Record<string, Records>>
}

/** The test suite of openspf.org for RFC 7208, release 2014.04, as pyspf has it. Its licence is beside it. */
const SUITE = join(import.meta.dirname, 'rfc7208-tests.yml')

const scenarios = parseAllDocuments(readFileSync(SUITE, 'utf8'), { version: '1.1' }).map(
  (document) => document.toJS() as Scenario,
)

/** Returns lookups in the records of a scenario, with SPF records as TXT records, as the suite asks for. */
function namesIn(zonedata: Scenario['zonedata']): NameLookup {
  const zones = new Map(Object.entries(zonedata).map(([name, records]) => [name.toLowerCase(), records]))
  const lookUp = async (name: string, type: AskedType, aliases = 0): Promise<readonly string[]> => {
    const records = zones.get(name.toLowerCase().replace(/\.$/, '')) ?? []
    const own = records.flatMap((record) => (record === 'TIMEOUT' ? [] : Object.entries(record)))
    const wanted = type === 'TXT' && !own.some(([kind]) => kind === 'TXT') ? 'SPF' : type
    const found = own.filter(([kind, value]) => kind === wanted && value !== 'NONE').map(([, value]) => value)
    if (found.length === 0 && records.includes('TIMEOUT')) throw new LookupError(`${name} ${type}: no answer in time`)
    const [alias] = own.filter(([kind]) => kind === 'CNAME')
    if (alias && aliases > 8) throw new LookupError(`${name}: too many CNAME records`)
    if (alias) return lookUp(String(alias[1]), type, aliases + 1)
    return found.map((value) => (type === 'MX' ? String(value[1]) : [value].flat().join('')))
  }
  return lookUp
}

describe.each(scenarios)('$description', ({ tests, zonedata }) => {
  test.each(Object.entries(tests))('%s', async (_, { helo, host, mailfrom, result, explanation }) => {
    const [, localPart = '', domain = helo] = /^(.*)@(.*)$/.exec(mailfrom) ?? []
    const found = await checkHost(
      {
        address: host.replace(/^::ffff:(?=[\d.]+$)/i, ''),
        domain: domain.toLowerCase(),
        sender: `${localPart || 'postmaster'}@${domain}`,
        helo,
        receiver: 'mx.lab.test',
        at: Date.UTC(2026, 0),
      },
      namesIn(zonedata),
    )
    expect([result].flat()).toContain(found.result)
    if (explanation !== undefined) expect(found.explanation ?? 'DEFAULT').toBe(explanation)
  })
})
