import { promisify } from 'node:util'
import { gunzip, inflateRaw } from 'node:zlib'
import { runInSlices } from '../../core/time/time-slice.ts'
import { filenameOf } from '../../mail/format/attachments.ts'
import { headerFields, unfoldValue } from '../../mail/format/headers.ts'
import { everyPart, partOctetsOrRawInSteps } from '../../mail/format/parts.ts'
import type { MessagePart } from '../../mail/format/types.ts'
import { parseXml, type XmlElement, XmlError } from '../xml.ts'
import { DMARC_NAMESPACE, type DmarcReport, DmarcReportError, type DmarcRow } from './types.ts'

/** Larger reports are not read: a small gzip file could fill the memory. RFC 9990 section 9.1 */
const MAX_REPORT_OCTETS = 4 * 1024 * 1024
/** The end of the year 9999. Later times have no date in RFC 3339. */
const LAST_SECOND = 253_402_300_799
/** The namespaces of RFC 9990, of RFC 7489, and of drafts that are still in use. */
const NAMESPACES = new Set([undefined, DMARC_NAMESPACE, 'http://dmarc.org/dmarc-xml/0.1'])

/** Reads an aggregate report: XML, compressed by gzip or zip or not. @throws DmarcReportError */
export async function readDmarcReport(octets: Buffer): Promise<DmarcReport> {
  const plain = await decompressReport(octets)
  if (plain.length > MAX_REPORT_OCTETS) throw new DmarcReportError('the DMARC report is too large')
  const root = rootOf(plain.toString('utf8'))
  if (root.name !== 'feedback')
    throw new DmarcReportError(`the DMARC report begins with ${root.name}, not with feedback`)
  if (!NAMESPACES.has(root.namespace))
    throw new DmarcReportError(`the DMARC report has the namespace ${root.namespace}`)
  const version = textIn(root, 'version')
  // RFC 9990 section 3.1.1.2
  if (version !== undefined && Number(version) !== 1)
    throw new DmarcReportError(`the DMARC report has the version ${version}`)
  const metadata = child(root, 'report_metadata')
  const range = child(metadata, 'date_range')
  const policy = child(root, 'policy_published')
  const optional = (key: string): string | undefined => textIn(policy, key)
  return {
    organizationName: requiredText(metadata, 'org_name'),
    email: requiredText(metadata, 'email'),
    reportId: requiredText(metadata, 'report_id'),
    startsAt: secondsIn(range, 'begin') * 1000,
    endsAt: secondsIn(range, 'end') * 1000,
    policy: {
      domain: requiredText(policy, 'domain'),
      p: requiredText(policy, 'p'),
      ...optionalEntry('sp', optional('sp')),
      ...optionalEntry('np', optional('np')),
      ...optionalEntry('adkim', optional('adkim')),
      ...optionalEntry('aspf', optional('aspf')),
      ...optionalEntry('fo', optional('fo')),
      ...optionalEntry('testing', optional('testing')),
      ...optionalEntry('discoveryMethod', optional('discovery_method')),
    },
    rows: childrenNamed(root, 'record').map(rowOf),
  }
}

function rootOf(text: string): XmlElement {
  try {
    return parseXml(text)
  } catch (error) {
    if (!(error instanceof XmlError)) throw error
    throw new DmarcReportError(`the DMARC report ${error.message}`, { cause: error })
  }
}

function rowOf(record: XmlElement): DmarcRow {
  const row = child(record, 'row')
  const evaluated = child(row, 'policy_evaluated')
  const identifiers = child(record, 'identifiers')
  const results = child(record, 'auth_results')
  const count = numberIn(row, 'count')
  if (count < 1) throw new DmarcReportError(`the DMARC report has the count ${count}`)
  const [spf] = childrenNamed(results, 'spf')
  return {
    sourceIp: requiredText(row, 'source_ip'),
    count,
    disposition: requiredText(evaluated, 'disposition'),
    dkim: requiredText(evaluated, 'dkim'),
    spf: requiredText(evaluated, 'spf'),
    reasons: childrenNamed(evaluated, 'reason').map((reason) => ({
      type: requiredText(reason, 'type'),
      ...optionalEntry('comment', textIn(reason, 'comment')),
    })),
    headerFrom: requiredText(identifiers, 'header_from'),
    ...optionalEntry('envelopeFrom', textIn(identifiers, 'envelope_from')),
    ...optionalEntry('envelopeTo', textIn(identifiers, 'envelope_to')),
    dkimResults: childrenNamed(results, 'dkim').map((one) => ({
      domain: requiredText(one, 'domain'),
      selector: textIn(one, 'selector') ?? '',
      result: requiredText(one, 'result'),
    })),
    ...(spf && { spfResult: { domain: requiredText(spf, 'domain'), result: requiredText(spf, 'result') } }),
  }
}

async function decompressReport(octets: Buffer): Promise<Buffer> {
  const options = { maxOutputLength: MAX_REPORT_OCTETS }
  try {
    if (octets.readUInt16BE(0) === 0x1f8b) return await promisify(gunzip)(octets, options)
    // Many receivers send zip files: a local header, and the file after it. APPNOTE.TXT section 4.3.7
    if (octets.readUInt32BE(0) !== 0x504b0304) return octets
    const start = 30 + octets.readUInt16LE(26) + octets.readUInt16LE(28)
    const isStored = octets.readUInt16LE(8) === 0
    if (isStored) return octets.subarray(start, start + octets.readUInt32LE(18))
    return await promisify(inflateRaw)(octets.subarray(start), options)
  } catch (error) {
    throw new DmarcReportError(`the DMARC report cannot be decompressed: ${(error as Error).message}`, { cause: error })
  }
}

const childrenNamed = (element: XmlElement, name: string): XmlElement[] =>
  element.children.filter((one) => one.name === name)

function child(element: XmlElement, name: string): XmlElement {
  const found = element.children.find((one) => one.name === name)
  if (!found) throw new DmarcReportError(`the DMARC report has no ${name} in ${element.name}`)
  return found
}

const textIn = (element: XmlElement, name: string): string | undefined =>
  element.children.find((one) => one.name === name)?.text.trim()

const requiredText = (element: XmlElement, name: string): string => child(element, name).text.trim()

function numberIn(element: XmlElement, name: string): number {
  const text = requiredText(element, name)
  if (/^[-+]?\d{1,15}$/.test(text)) return Number(text)
  throw new DmarcReportError(`the DMARC report has the ${name} ${text.slice(0, 40)}`)
}

/** Returns a UNIX time. */
function secondsIn(element: XmlElement, name: string): number {
  const seconds = numberIn(element, name)
  if (seconds >= 0 && seconds <= LAST_SECOND) return seconds
  throw new DmarcReportError(`the DMARC report has the ${name} ${seconds}`)
}

const optionalEntry = <Key extends string>(key: Key, value: string | undefined): { [K in Key]?: string } =>
  (value === undefined ? {} : { [key]: value }) as { [K in Key]?: string }

/** Names of files with reports: receiver!domain!begin!end. RFC 9990 section 3.5.2. */
const FILE_NAME = /^[^!/]+![^!/]+!\d+!\d+(?:![^!/]*)?\.(?:xml(?:\.gz)?|zip)$/i

/** Returns the aggregate report of a message, or why it cannot be read; undefined if it has none. */
export async function dmarcReportIn(
  raw: Buffer,
  structure: MessagePart,
): Promise<DmarcReport | DmarcReportError | undefined> {
  const part = everyPart(structure).find((one) => FILE_NAME.test(filenameOf(one) ?? ''))
  if (part === undefined) return undefined
  try {
    return await readDmarcReport(await runInSlices(partOctetsOrRawInSteps(raw, part)))
  } catch (error) {
    if (error instanceof DmarcReportError) return error
    throw error
  }
}

/** The fields of a feedback report. RFC 5965 section 3. */
type FeedbackFields = readonly { readonly name: string; readonly value: string }[]

/** Returns the fields of the feedback report in a message, such as a DMARC failure report (RFC 9991); undefined if it has none. */
export async function feedbackFieldsIn(raw: Buffer, structure: MessagePart): Promise<FeedbackFields | undefined> {
  const part = everyPart(structure).find(
    ({ type, subtype }) => `${type}/${subtype}`.toLowerCase() === 'message/feedback-report',
  )
  if (part === undefined) return undefined
  const octets = await runInSlices(partOctetsOrRawInSteps(raw, part))
  return headerFields(octets).map((field) => ({
    name: octets.toString('latin1', field.start, octets.indexOf(':', field.start)),
    value: Buffer.from(unfoldValue(octets, field), 'latin1').toString().trim(),
  }))
}
