import { LookupError, type NameLookup } from '../mail-authentication/names.ts'
import { addressOf } from '../report-address.ts'

/** A URI of a record that gets reports, or why it gets none. */
export interface ReportTarget {
  readonly uri: string
  readonly to?: string
  readonly problem?: string
}

/** Most URIs of a domain that get a report. */
const MAX_TARGETS = 5
const IS_RECORD = /^v[ \t]*=[ \t]*DMARC1[ \t]*(?:;|$)/

/** Returns the URIs of a tag. RFC 7489 section 6.2 allows a size after `!`. */
const urisOf = (record: string, tag: 'rua' | 'ruf'): readonly string[] =>
  (new RegExp(`;[ \\t]*${tag}[ \\t]*=([^;]*)`, 'i').exec(record)?.[1] ?? '')
    .split(',')
    .map((uri) => uri.trim().replace(/!\d+[kmgt]?$/i, ''))
    .filter((uri) => uri !== '')

/**
 * Returns where a domain wants reports. Destinations elsewhere must have agreed in DNS. RFC 9990 section 4, RFC 9991 section 5.
 * @param organizationOf returns the organizational domain of a name. May reject with a LookupError
 */
export async function reportTargets(
  tag: 'rua' | 'ruf',
  { record, domain }: { readonly record: string; readonly domain: string },
  lookUp: NameLookup,
  organizationOf: (domain: string) => Promise<string>,
): Promise<readonly ReportTarget[]> {
  const uris = urisOf(record, tag).slice(0, MAX_TARGETS)
  const found = uris.map(async (uri): Promise<readonly ReportTarget[]> => {
    const to = addressOf(uri)
    if (to === undefined) return [{ uri, problem: `${uri} is not a mailto: URI with one address` }]
    try {
      const host = hostOf(to)
      if ((await organizationOf(host)) === (await organizationOf(domain))) return [{ uri, to }]
      return await verifyExternal(tag, { uri, to, domain, host }, lookUp)
    } catch (error) {
      if (error instanceof LookupError) return [{ uri, problem: error.message }]
      throw error
    }
  })
  return (await Promise.all(found)).flat()
}

const hostOf = (address: string): string => address.slice(address.lastIndexOf('@') + 1).toLowerCase()

/** RFC 9990 section 4, steps 2 to 9. */
async function verifyExternal(
  tag: 'rua' | 'ruf',
  {
    uri,
    to,
    domain,
    host,
  }: { readonly uri: string; readonly to: string; readonly domain: string; readonly host: string },
  lookUp: NameLookup,
): Promise<readonly ReportTarget[]> {
  const name = `${domain}._report._dmarc.${host}`
  const records = (await lookUp(name, 'TXT')).map((text) => text.trim()).filter((text) => IS_RECORD.test(text))
  if (records.length === 0)
    return [{ uri, problem: `${host} does not agree to reports about ${domain}: no record at ${name}` }]
  const others = records.flatMap((record) => urisOf(record, tag))
  if (others.length === 0) return [{ uri, to }]
  return others.map((other) => {
    const address = addressOf(other)
    if (address !== undefined && hostOf(address) === host) return { uri: other, to: address }
    return { uri: other, problem: `the record at ${name} names another host` }
  })
}
