import type { NameRecordsConfig } from '../config/schema/mail-authentication.ts'
import { DnsError } from '../dns/errors.ts'
import { normalName } from '../dns/names.ts'
import type { Resolver } from '../dns/resolver.ts'

/** The types of records that SPF, DKIM, DMARC and BIMI ask for. */
type AskedType = 'TXT' | 'A' | 'AAAA' | 'MX' | 'PTR'

/** The records of a name in the form of `dns.promises.resolve`. */
type NameAnswer = string[][] | string[] | { priority: number; exchange: string }[]

/** Looks up records. Rejects with an Error whose `code` is one of `node:dns`, such as ENOTFOUND. */
export type NameLookup = (name: string, type: string) => Promise<NameAnswer>

/** Where the records come from, the first place first. */
interface NameSources {
  /** Records of the configuration, by name. */
  readonly records: Readonly<Record<string, NameRecordsConfig>>
  /** TXT records with the lab's own keys. */
  readonly keys: () => Promise<readonly { readonly name: string; readonly text: string }[]>
  /** The zones of the lab; undefined without DNS. */
  readonly resolver: Resolver | undefined
  /** Ends lookups that take too long. */
  readonly signal: AbortSignal
}

/** An error of `node:dns`. */
class LookupError extends Error {
  override readonly name = 'LookupError'
  readonly code: string
  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

/** Creates lookups in places that the lab knows. No other place is ever asked. */
export function namesOf({ records, keys, resolver, signal }: NameSources): NameLookup {
  const known = new Map(Object.entries(records).map(([name, own]) => [normalName(name), own]))
  return async (name, type) => {
    const wanted = normalName(name)
    const own = known.get(wanted)
    if (own) {
      const answer = answerOf(own, type)
      if (answer && answer.length > 0) return answer
    }
    if (type === 'TXT') {
      const key = (await keys()).find((record) => normalName(record.name) === wanted)
      if (key) return [[key.text]]
    }
    const isKnown = own !== undefined || [...known.keys()].some((one) => one.endsWith(`.${wanted}`))
    const missing = (): LookupError =>
      new LookupError(isKnown ? 'ENODATA' : 'ENOTFOUND', `${name} has no ${type} record`)
    if (!resolver || !isAsked(type)) throw missing()
    return lookUp(resolver, name, type, signal, missing)
  }
}

const ASKED: readonly AskedType[] = ['TXT', 'A', 'AAAA', 'MX', 'PTR']
const isAsked = (type: string): type is AskedType => ASKED.some((one) => one === type)

function answerOf({ txt, a, aaaa, mx, ptr }: NameRecordsConfig, type: string): NameAnswer | undefined {
  const answers: Readonly<Record<AskedType, NameAnswer | undefined>> = {
    TXT: txt?.map((text) => [text]),
    A: a,
    AAAA: aaaa,
    MX: mx?.map((exchange, index) => ({ priority: 10 * (index + 1), exchange })),
    PTR: ptr,
  }
  return isAsked(type) ? answers[type] : undefined
}

/** The codes of `node:dns`. A name outside of the lab's zones, which its server refuses, does not exist for the lab. */
const CODES: Readonly<Record<string, string>> = {
  NXDOMAIN: 'ENOTFOUND',
  REFUSED: 'ENOTFOUND',
  NODATA: 'ENODATA',
  TIMEOUT: 'ETIMEOUT',
}

async function lookUp(
  resolver: Resolver,
  name: string,
  type: AskedType,
  signal: AbortSignal,
  missing: () => LookupError,
): Promise<NameAnswer> {
  try {
    return answerFrom(
      (await resolver.lookup(name, type, signal)).records.map(({ data }) => data),
      type,
    )
  } catch (error) {
    if (signal.aborted) throw new LookupError('ETIMEOUT', `${name} ${type}: no answer in time`, { cause: error })
    if (!(error instanceof DnsError)) throw error
    const code = CODES[error.code] ?? 'ESERVFAIL'
    throw code === 'ENOTFOUND' ? missing() : new LookupError(code, error.message, { cause: error })
  }
}

function answerFrom(data: readonly unknown[], type: AskedType): NameAnswer {
  if (type === 'TXT') return data.map((one) => [Buffer.concat([one as Buffer[]].flat()).toString()])
  if (type !== 'MX') return data.map(String)
  return (data as { preference?: number; exchange: string }[]).map(({ preference = 0, exchange }) => ({
    priority: preference,
    exchange: exchange.replace(/\.$/, ''),
  }))
}
