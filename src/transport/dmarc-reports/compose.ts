import { once } from 'node:events'
import { formatDate } from '../../mail/format/dates.ts'
import { textPart, uniqueToken, writeMultipart } from '../delivery/reports/parts.ts'
import type { DmarcReport, ReportForm } from './types.ts'
import { writeDmarcReport } from './write.ts'

/** Where a report goes, and who sends it. */
export interface ReportAddressing {
  readonly from: string
  readonly to: string
  /** The domain that sends it. */
  readonly submitter: string
  /** Milliseconds since the epoch. */
  readonly at: number
}

/** Returns an aggregate report as a message. RFC 9990 section 3.5.2. */
export async function composeDmarcReport(
  report: DmarcReport,
  { from, to, submitter, at }: ReportAddressing,
  form: ReportForm,
): Promise<Buffer> {
  const token = uniqueToken()
  const { domain } = report.policy
  const times = [report.startsAt, report.endsAt].map((ms) => Math.floor(ms / 1000)).join('!')
  const zipped = await gzipReport(writeDmarcReport(report, form), form.defect === 'gzip-bomb')
  const octets = form.defect === 'truncated-gzip' ? zipped.subarray(0, zipped.length / 2) : zipped
  return writeMultipart({
    boundary: `report-${token}`,
    head: [
      ['From', `<${from}>`],
      ['To', `<${to}>`],
      ['Subject', `Report Domain: ${domain} Submitter: ${submitter} Report-ID: <${report.reportId}>`],
      ['Date', formatDate(at)],
      ['Message-ID', `<${token}@${submitter}>`],
      ['Auto-Submitted', 'auto-generated'],
    ],
    parts: [
      textPart(`This is a DMARC aggregate report of ${submitter} about mail from ${domain}.\r\n`),
      {
        fields: [
          ['Content-Type', 'application/gzip'],
          ['Content-Transfer-Encoding', 'base64'],
          ['Content-Disposition', `attachment; filename="${submitter}!${domain}!${times}.xml.gz"`],
        ],
        content: octets.toString('base64').replace(/.{76}(?=.)/g, '$&\r\n'),
      },
    ],
  })
}

/** A bomb grows to 32 MiB: enough for a test, and not for an attack. */
const BOMB_PIECES = 512
const PIECE = ' '.repeat(64 * 1024)

/** @param isBomb adds white space that compresses well, before the end of the file */
async function gzipReport(xml: string, isBomb: boolean): Promise<Buffer> {
  const { createGzip } = await import('node:zlib') // Loaded on demand: most labs send no reports.
  const gzip = createGzip()
  const pieces: Buffer[] = []
  gzip.on('data', (piece: Buffer) => pieces.push(piece))
  const end = xml.lastIndexOf('</feedback>')
  gzip.write(xml.slice(0, end))
  for (let piece = 0; isBomb && piece < BOMB_PIECES; piece++) if (!gzip.write(PIECE)) await once(gzip, 'drain')
  gzip.end(xml.slice(end))
  await once(gzip, 'end')
  return Buffer.concat(pieces)
}
