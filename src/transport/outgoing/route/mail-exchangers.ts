import { DnsError } from '../../dns/errors.ts'
import type { MxRecord, Resolver } from '../../dns/resolver.ts'
import { RouteError } from '../types.ts'

/** The hosts that take the mail of a domain. */
interface MailExchangers {
  readonly records: readonly MxRecord[]
  /** Whether DNSSEC authenticated the MX records. */
  readonly authenticated: boolean
}

/** Returns the MX records of a domain, the preferred one first. @throws RouteError */
export async function mailExchangers(resolver: Resolver, domain: string, signal: AbortSignal): Promise<MailExchangers> {
  try {
    const { records, authenticated } = await resolver.mx(domain, signal)
    const [only] = records
    if (records.length === 1 && only?.exchange === '') {
      // RFC 7505 section 3
      throw new RouteError(`${domain} accepts no mail (null MX)`, { isPermanent: true, enhancedCode: '5.1.10' })
    }
    return { records: sortByPreference(records.filter(({ exchange }) => exchange !== '')), authenticated }
  } catch (error) {
    if (!(error instanceof DnsError)) throw error
    // The implicit MX: the domain itself. RFC 5321 section 5.1
    if (error.code === 'NODATA') {
      return { records: [{ preference: 0, exchange: domain }], authenticated: error.authenticated }
    }
    if (error.code === 'NXDOMAIN') {
      const options = { isPermanent: true, enhancedCode: '5.1.2', cause: error }
      throw new RouteError(`the domain ${domain} does not exist`, options)
    }
    throw lookupFailed(`the MX records of ${domain} cannot be looked up: ${error.message}`, error)
  }
}

/** Returns the error for a lookup that may succeed later. RFC 3463 section 3.5: X.4.3. */
export const lookupFailed = (message: string, cause: unknown): RouteError =>
  new RouteError(message, { isPermanent: false, enhancedCode: '4.4.3', cause })

/** Sorts by preference. Equal ones get a random order, to spread the load. RFC 5321 section 5.1. */
const sortByPreference = (records: readonly MxRecord[]): MxRecord[] =>
  records
    .map((record) => ({ record, lot: Math.random() }))
    .sort((one, other) => one.record.preference - other.record.preference || one.lot - other.lot)
    .map(({ record }) => record)
