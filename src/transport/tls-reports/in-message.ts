import { everyPart, partOctetsOrRaw } from '../../mail/format/parts.ts'
import type { MessagePart } from '../../mail/format/types.ts'
import { readTlsReport } from './read.ts'
import { TLS_REPORT_GZIP, TLS_REPORT_JSON, type TlsReport, TlsReportError } from './types.ts'

/** A TLS report in a message, or the reason why it cannot be read. */
type ReportInMessage = TlsReport | TlsReportError

const types = [TLS_REPORT_GZIP, TLS_REPORT_JSON]

/** Returns the TLS report of a message; undefined if it has none. RFC 8460 section 5.3. */
export async function tlsReportIn(raw: Buffer, structure: MessagePart): Promise<ReportInMessage | undefined> {
  const part = everyPart(structure).find(({ type, subtype }) => types.includes(`${type}/${subtype}`.toLowerCase()))
  if (part === undefined) return undefined
  try {
    return await readTlsReport(partOctetsOrRaw(raw, part))
  } catch (error) {
    if (error instanceof TlsReportError) return error
    throw error
  }
}
