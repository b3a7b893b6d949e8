import type { ReportForm } from '../../../../core/config/schema/report-words.ts'
import { writeExchange2003Report } from './exchange2003.ts'
import { writeEximReport } from './exim.ts'
import type { WriteReport } from './form.ts'
import { writeGmailReport } from './gmail.ts'
import { writeMicrosoft365Report } from './microsoft365.ts'
import { writePostfixReport } from './postfix.ts'
import { writeQmailReport } from './qmail.ts'
import { writeStandardReport } from './standard.ts'

/** The forms of reports. */
export const reportWriters: Readonly<Record<ReportForm, WriteReport>> = {
  standard: writeStandardReport,
  postfix: writePostfixReport,
  exim: writeEximReport,
  exchange2003: writeExchange2003Report,
  microsoft365: writeMicrosoft365Report,
  gmail: writeGmailReport,
  qmail: writeQmailReport,
}
