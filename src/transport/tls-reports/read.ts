import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'
import { z } from 'zod'
import { runInSlices } from '../../core/time/time-slice.ts'
import { everyPart, partOctetsOrRawInSteps } from '../../mail/format/parts.ts'
import type { MessagePart } from '../../mail/format/types.ts'
import { checkLimits } from './limits.ts'
import { TLS_REPORT_GZIP, TLS_REPORT_JSON, type TlsReport, TlsReportError } from './types.ts'

/** Larger reports are not read: a small gzip file could fill the memory. */
const MAX_REPORT_OCTETS = 1024 * 1024

const texts = z.union([z.array(z.string()), z.string().transform((text) => [text])]).default([])
const count = z.number().int().nonnegative()
const time = z.iso.datetime({ offset: true }).transform((text) => Date.parse(text))

/** The JSON form. Fields that it does not know are ignored. RFC 8460 section 4.4. */
const reportFile = z.object({
  'organization-name': z.string(),
  'date-range': z.object({ 'start-datetime': time, 'end-datetime': time }),
  'contact-info': z.string().default(''),
  'report-id': z.string(),
  policies: z.array(z.unknown()),
})

const policyEntry = z.object({
  policy: z.object({
    'policy-type': z.string(),
    'policy-domain': z.string(),
    'policy-string': texts,
    'mx-host': texts,
  }),
  summary: z.object({ 'total-successful-session-count': count, 'total-failure-session-count': count }),
  'failure-details': z
    .array(
      z.object({
        'result-type': z.string(),
        'failed-session-count': count,
        'sending-mta-ip': z.string().optional(),
        'receiving-mx-hostname': z.string().optional(),
        'receiving-mx-helo': z.string().optional(),
        'receiving-ip': z.string().optional(),
        'additional-information': z.string().optional(),
        'failure-reason-code': z.string().optional(),
      }),
    )
    .default([]),
})

/** Reads a report, compressed by gzip or not. @throws TlsReportError */
export async function readTlsReport(octets: Buffer): Promise<TlsReport> {
  const isGzip = octets[0] === 0x1f && octets[1] === 0x8b
  const plain = isGzip ? await unzip(octets) : octets
  if (plain.length > MAX_REPORT_OCTETS) throw new TlsReportError('the TLS report is too large')
  const json = jsonOf(plain)
  checkLimits(json)
  const { policies, ...file } = parseChecked(reportFile, json)
  // One after the other: checking stops at the first mistake
  return tlsReport(
    file,
    policies.map((entry, index) => parseChecked(policyEntry, entry, 'policies', index)),
  )
}

/** @param path where the value is in the file */
function parseChecked<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
  ...path: PropertyKey[]
): z.infer<Schema> {
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  const where = [...path, ...(issue?.path ?? [])].join('.')
  throw new TlsReportError(`the TLS report has a mistake: ${where}: ${issue?.message ?? ''}`)
}

async function unzip(octets: Buffer): Promise<Buffer> {
  try {
    return await promisify(gunzip)(octets, { maxOutputLength: MAX_REPORT_OCTETS })
  } catch (error) {
    throw new TlsReportError(`the TLS report cannot be decompressed: ${(error as Error).message}`, { cause: error })
  }
}

function jsonOf(octets: Buffer): unknown {
  try {
    return JSON.parse(octets.toString('utf8'))
  } catch (error) {
    throw new TlsReportError(`the TLS report is not JSON: ${(error as Error).message}`, { cause: error })
  }
}

function tlsReport(
  file: Omit<z.infer<typeof reportFile>, 'policies'>,
  policies: readonly z.infer<typeof policyEntry>[],
): TlsReport {
  return {
    organizationName: file['organization-name'],
    contactInfo: file['contact-info'],
    reportId: file['report-id'],
    startsAt: file['date-range']['start-datetime'],
    endsAt: file['date-range']['end-datetime'],
    policies: policies.map(({ policy, summary, 'failure-details': failures }) => ({
      policyType: policy['policy-type'],
      policyDomain: policy['policy-domain'],
      policyStrings: policy['policy-string'],
      mxHosts: policy['mx-host'],
      successfulSessions: summary['total-successful-session-count'],
      failedSessions: summary['total-failure-session-count'],
      failures: failures.map((one) => ({
        resultType: one['result-type'],
        failedSessions: one['failed-session-count'],
        ...optionalEntry('sendingMtaIp', one['sending-mta-ip']),
        ...optionalEntry('receivingMxHostname', one['receiving-mx-hostname']),
        ...optionalEntry('receivingMxHelo', one['receiving-mx-helo']),
        ...optionalEntry('receivingIp', one['receiving-ip']),
        ...optionalEntry('additionalInformation', one['additional-information']),
        ...optionalEntry('failureReasonCode', one['failure-reason-code']),
      })),
    })),
  }
}

const optionalEntry = <Key extends string>(key: Key, value: string | undefined): { [K in Key]?: string } =>
  (value === undefined ? {} : { [key]: value }) as { [K in Key]?: string }

const REPORT_TYPES = [TLS_REPORT_GZIP, TLS_REPORT_JSON]

/** Returns the TLS report of a message, or why it cannot be read; undefined if it has none. RFC 8460 section 5.3. */
export async function tlsReportIn(
  raw: Buffer,
  structure: MessagePart,
): Promise<TlsReport | TlsReportError | undefined> {
  const part = everyPart(structure).find(({ type, subtype }) =>
    REPORT_TYPES.includes(`${type}/${subtype}`.toLowerCase()),
  )
  if (part === undefined) return undefined
  try {
    return await readTlsReport(await runInSlices(partOctetsOrRawInSteps(raw, part)))
  } catch (error) {
    if (error instanceof TlsReportError) return error
    throw error
  }
}
