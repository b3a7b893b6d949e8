import { promisify } from 'node:util'
import { formatDate } from '../../mail/format/dates.ts'
import { textPart, uniqueToken, writeMultipart } from '../delivery/reports/parts.ts'
import { TLS_REPORT_GZIP, type TlsReport } from './types.ts'
import { writeTlsReport } from './write.ts'

/** Where a report goes, and who sends it. */
interface ReportAddressing {
  readonly from: string
  readonly to: string
  /** The domain that the report is about. */
  readonly domain: string
  /** The domain that sends it. */
  readonly submitter: string
  /** Milliseconds since the epoch. */
  readonly at: number
}

/** Returns the report as a message. RFC 8460 section 5.3. */
export async function composeTlsReport(report: TlsReport, addressing: ReportAddressing): Promise<Buffer> {
  const { from, to, domain, submitter, at } = addressing
  const token = uniqueToken()
  const id = headerId(report.reportId)
  const { gzip } = await import('node:zlib') // Loaded on demand: most labs send no reports.
  const zipped = await promisify(gzip)(writeTlsReport(report))
  return writeMultipart({
    boundary: `report-${token}`,
    reportType: 'tlsrpt',
    head: [
      ['From', `<${from}>`],
      ['To', `<${to}>`],
      ['Subject', `Report Domain: ${domain} Submitter: ${submitter} Report-ID: <${id}>`],
      ['Date', formatDate(at)],
      ['Message-ID', `<${token}@${submitter}>`],
      ['Auto-Submitted', 'auto-generated'],
      ['TLS-Report-Domain', domain],
      ['TLS-Report-Submitter', submitter],
      // A report about broken TLS must arrive without it. RFC 8689 section 5
      ['TLS-Required', 'No'],
    ],
    parts: [
      textPart(`This is a report of ${submitter} about TLS sessions with mail hosts of ${domain}.\r\n`),
      {
        fields: [
          ['Content-Type', TLS_REPORT_GZIP],
          ['Content-Transfer-Encoding', 'base64'],
          ['Content-Disposition', `attachment; filename="${fileName(report, domain, submitter)}"`],
        ],
        content: zipped.toString('base64').replace(/.{76}(?=.)/g, '$&\r\n'),
      },
    ],
  })
}

const MAX_ID = 200

/** Returns the id of a report, which is any text in the file, as the header can have it. RFC 8460 section 5.3. */
const headerId = (id: string): string => id.replace(/[^\x21-\x7e]|[<>]/g, '').slice(0, MAX_ID)

/** RFC 8460 section 5.1. */
const fileName = ({ startsAt, endsAt }: TlsReport, domain: string, submitter: string): string =>
  `${submitter}!${domain}!${Math.floor(startsAt / 1000)}!${Math.floor(endsAt / 1000)}.json.gz`
