import type { MessageAuthentication } from '../../mail/format/authentication-results.ts'
import { DailyResults, type DayOf, type ResultPlace } from '../daily-results.ts'
import type { JudgedMessage } from '../mail-authentication/mail-authentication.ts'
import type { DmarcRow } from './types.ts'

/** The messages of one day under the policy of a domain. */
interface DayMessages {
  /** The record that applied last. RFC 9990 section 3.2. */
  readonly record: string
  readonly rows: readonly DmarcRow[]
}
export type DmarcDay = DayOf<DayMessages>

/** A judged message in the form of a report. */
export interface DmarcCount {
  /** The domain that has the record. */
  readonly domain: string
  readonly record: string
  readonly row: Omit<DmarcRow, 'count'>
}

/** Different rows of a report. More are not counted. */
const MAX_ROWS = 1000
/** Signatures of a row. RFC 9990 section 3.1.3 allows 100. */
const MAX_SIGNATURES = 20
/** Characters of a name that a sender chooses. */
const MAX_NAME = 255

/** The messages that the lab judged, by policy domain and day. */
export class DmarcResults extends DailyResults<DmarcCount, DayMessages> {
  constructor(...place: ResultPlace) {
    super(place, { key: 'dmarc-results', contentOf: dayMessages, sum: sumOf, subtract: withoutSent })
  }
}

/** Returns how a message counts; undefined if no DMARC record applies to it. */
export function countOf({ results, recipients, isRefused }: JudgedMessage): DmarcCount | undefined {
  const { spf, dmarc } = results
  const { record, policyDomain, disposition = 'none' } = dmarc
  const isJudged = dmarc.result === 'pass' || dmarc.result === 'fail'
  if (!isJudged || record === undefined || policyDomain === undefined) return undefined
  const applied = isRefused ? 'reject' : 'none'
  const envelopeTo = new Set(recipients.map((address) => domainOf(address)))
  const [onlyTo] = envelopeTo
  return {
    domain: policyDomain,
    record,
    row: {
      sourceIp: spf.clientAddress ?? '',
      disposition: dmarc.result === 'pass' && dmarc.policy !== 'none' ? 'pass' : applied,
      dkim: dmarc.dkimAligned ? 'pass' : 'fail',
      spf: dmarc.spfAligned ? 'pass' : 'fail',
      reasons: reasonsOf(dmarc, disposition, applied),
      headerFrom: cut(dmarc.domain),
      ...(spf.identity === 'mailfrom' ? { envelopeFrom: cut(spf.domain) } : { envelopeFrom: '' }),
      ...(envelopeTo.size === 1 && onlyTo ? { envelopeTo: cut(onlyTo) } : {}),
      dkimResults: signaturesOf(results),
      ...(spf.domain !== '' && { spfResult: { domain: cut(spf.domain), result: spf.result } }),
    },
  }
}

/** Returns why a failing message was not treated as its policy says. RFC 9990 section 3.1.6. */
function reasonsOf(
  { result, percent, policy = 'none' }: MessageAuthentication['dmarc'],
  wanted: string,
  applied: string,
): DmarcRow['reasons'] {
  if (result === 'pass') return []
  if (percent !== undefined && wanted !== policy) return [{ type: 'policy_test_mode' }]
  return wanted === applied ? [] : [{ type: 'local_policy', comment: 'the lab accepts this mail' }]
}

/** Returns the signatures: those that pass and are aligned first. RFC 9990 section 3.1.3. */
function signaturesOf({ dkim }: MessageAuthentication): DmarcRow['dkimResults'] {
  const rank = ({ result, aligned }: (typeof dkim)[number]): number => (result === 'pass' ? (aligned ? 0 : 1) : 2)
  return dkim
    .toSorted((one, other) => rank(one) - rank(other))
    .slice(0, MAX_SIGNATURES)
    .map(({ domain, selector, result }) => ({ domain: cut(domain), selector: cut(selector), result }))
}

const cut = (name: string): string => name.slice(0, MAX_NAME)

const domainOf = (address: string): string => address.slice(address.lastIndexOf('@') + 1).toLowerCase()

const dayMessages = ({ record, row }: DmarcCount): DayMessages => ({ record, rows: [{ ...row, count: 1 }] })

function sumOf(all: readonly DayMessages[]): DayMessages {
  const rows = new Map<string, DmarcRow>()
  for (const row of all.flatMap((one) => one.rows)) {
    const key = rowKey(row)
    const known = rows.get(key)
    if (known || rows.size < MAX_ROWS) rows.set(key, { ...row, count: row.count + (known?.count ?? 0) })
  }
  return { record: all.at(-1)?.record ?? '', rows: [...rows.values()] }
}

function withoutSent({ record, rows }: DayMessages, sent: DayMessages): DayMessages | undefined {
  const gone = new Map(sent.rows.map((row) => [rowKey(row), row.count]))
  const left = rows.flatMap((row) => {
    const count = row.count - (gone.get(rowKey(row)) ?? 0)
    return count > 0 ? [{ ...row, count }] : []
  })
  return left.length === 0 ? undefined : { record, rows: left }
}

const rowKey = ({ count: _, ...row }: Partial<DmarcRow>): string => JSON.stringify(Object.entries(row).sort())
