import type { NameRecordsConfig } from '../../core/config/schema/mail-authentication.ts'
import { DnsError } from '../dns/errors.ts'
import type { DnsRecord } from '../dns/message.ts'
import { normalName } from '../dns/names.ts'
import type { MxData } from '../dns/record-data.ts'
import { txtValue } from '../dns/records.ts'
import type { Resolver } from '../dns/resolver.ts'

/** The types of records that SPF, DKIM, DMARC and BIMI ask for. */
export type AskedType = 'TXT' | 'A' | 'AAAA' | 'MX' | 'PTR'

/**
 * Looks up the texts, addresses or host names of records. Returns an empty list if the name or its records do not exist.
 * @throws LookupError
 */
export type NameLookup = (name: string, type: AskedType) => Promise<readonly string[]>

/** Records that cannot be looked up now. */
export class LookupError extends Error {
  override readonly name = 'LookupError'
}

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

/** Creates lookups in places that the lab knows. No other place is ever asked. */
export function nameLookup({ records, keys, resolver, signal }: NameSources): NameLookup {
  const known = new Map(Object.entries(records).map(([name, own]) => [normalName(name), own]))
  return async (name, type) => {
    const wanted = normalName(name)
    const own = known.get(wanted)?.[type.toLowerCase() as Lowercase<AskedType>] ?? []
    if (own.length > 0) return own
    const key = type === 'TXT' && (await keys()).find((record) => normalName(record.name) === wanted)
    if (key) return [key.text]
    return resolver ? lookUp(resolver, name, type, signal) : []
  }
}

async function lookUp(resolver: Resolver, name: string, type: AskedType, signal: AbortSignal): Promise<string[]> {
  try {
    return (await resolver.lookup(name, type, signal)).records.map(recordValue)
  } catch (error) {
    if (signal.aborted) throw new LookupError(`${name} ${type}: no answer in time`, { cause: error })
    if (!(error instanceof DnsError)) throw error
    // The server of the lab refuses names outside of its zones: they do not exist for the lab.
    if (error.isPermanent || error.code === 'REFUSED') return []
    throw new LookupError(error.message, { cause: error })
  }
}

function recordValue(record: DnsRecord): string {
  if (record.type === 'TXT') return txtValue(record)
  return record.type === 'MX' ? (record.data as MxData).exchange.replace(/\.$/, '') : String(record.data)
}
