import { type Overview, overview } from '../../mail/overview.ts'
import type { OverviewRecord } from './tables.ts'

/** What of an overview is on disk; the size is in the entry. */
const overviewFields = ['subject', 'from', 'date', 'messageId', 'references', 'lines', 'xref'] as const

/** Of a message's octets. */
export const overviewRecord = (raw: Buffer): OverviewRecord => {
  const { bytes: _, ...made } = overview(raw)
  return overviewFields.map((field) => made[field])
}

/** The overview that a record was made of; `bytes` is the article's size in octets. */
export const fromOverviewRecord = (record: OverviewRecord, bytes: number): Overview => ({
  ...(Object.fromEntries(overviewFields.map((field, at) => [field, record[at]])) as unknown as Overview),
  bytes,
})
