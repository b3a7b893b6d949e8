import { createHash } from 'node:crypto'
import {
  type DnsDefect,
  type RecordDefectName,
  recordDefectNames,
  type SignatureDefectName,
} from '../../../core/config/schema/dns.ts'
import type { SignatureState } from '../dnssec/sign.ts'
import type { DnsRecord } from '../message.ts'
import { isSpf, makeRecord, textRecord, txtValue } from '../records.ts'
import { concernsName } from './scope.ts'

/** The facts that a defect of records needs. */
interface DefectFacts {
  readonly zone: string
  /** The TLSA records of certificates that were served before. */
  readonly previousTlsa: readonly DnsRecord[]
}

type Apply = (records: readonly DnsRecord[], facts: DefectFacts) => DnsRecord[]

/** Changes each record of a type. A record becomes any number of records. */
const each =
  (type: string, change: (record: DnsRecord, facts: DefectFacts) => readonly DnsRecord[]): Apply =>
  (records, facts) =>
    records.flatMap((record) => (record.type === type ? change(record, facts) : [record]))

/** Replaces the MX records of each name by one, and adds other records. */
const replaceMx =
  (exchange: (zone: string) => string, more: (zone: string, ttl: number) => readonly DnsRecord[] = () => []): Apply =>
  (records, { zone }) => {
    const mx = records.filter(({ type }) => type === 'MX')
    const names = new Set(mx.map(({ name }) => name))
    const ttl = mx[0]?.ttl ?? 0
    const wrong = [...names].map((name) =>
      makeRecord(name, 'MX', ttl, { preference: exchange(zone) === '.' ? 0 : 10, exchange: exchange(zone) }),
    )
    return [...records.filter(({ type }) => type !== 'MX'), ...wrong, ...(names.size > 0 ? more(zone, ttl) : [])]
  }

const spf = (change: (text: string, record: DnsRecord) => readonly string[]): Apply =>
  each('TXT', (record) =>
    isSpf(record)
      ? change(txtValue(record), record).map((text) => textRecord(record.name, record.ttl ?? 0, text))
      : [record],
  )

/** SPF permits ten terms that need DNS queries. RFC 7208 section 4.6.4. */
const EXCESSIVE_LOOKUPS = 11
const numbers = Array.from({ length: EXCESSIVE_LOOKUPS }, (_, index) => index + 1)

/** Names that only defects have. */
const host = { nowhere: 'no-such-host', alias: 'mx-alias' }

const applications: Readonly<Record<RecordDefectName, Apply>> = {
  'wrong-mx': replaceMx((zone) => `${host.nowhere}.${zone}`),
  // RFC 2181 section 10.3 forbids it.
  'cname-mx': (records, facts) => {
    const target = records.find(({ type }) => type === 'MX')
    const exchange = target?.type === 'MX' ? target.data.exchange : '.'
    const alias = (zone: string): string => `${host.alias}.${zone}`
    return replaceMx(alias, (zone, ttl) => [makeRecord(alias(zone), 'CNAME', ttl, exchange)])(records, facts)
  },
  // RFC 7505
  'null-mx': replaceMx(() => '.'),
  'missing-mx': each('MX', () => []),
  'mismatching-tlsa': each('TLSA', (record) => {
    if (record.type !== 'TLSA') return []
    const { certificate, ...data } = record.data
    const other = createHash('sha256').update('mismatch').update(certificate).digest()
    return [makeRecord(record.name, 'TLSA', record.ttl ?? 0, { ...data, certificate: other })]
  }),
  'expired-tlsa': (records, { previousTlsa }) => {
    const old = records.flatMap((record) => (record.type === 'TLSA' ? oldTlsa(record, previousTlsa) : []))
    return [...records.filter(({ type }) => type !== 'TLSA'), ...distinct(old)]
  },
  // Certificate usage 0 does not apply to SMTP. RFC 7672 section 3.1.3
  'unusable-tlsa': each('TLSA', (record) =>
    record.type === 'TLSA' ? [makeRecord(record.name, 'TLSA', record.ttl ?? 0, { ...record.data, usage: 0 })] : [],
  ),
  'missing-tlsa': each('TLSA', () => []),
  'missing-spf': spf(() => []),
  // RFC 7208 section 4.5
  'double-spf': spf((text) => [text, 'v=spf1 ?all']),
  'invalid-spf': spf(() => ['v=spf1 ip4:not-an-address -all']),
  'excessive-spf': (records, facts) => {
    const changed = spf((_, { name }) => [
      `v=spf1 ${numbers.map((number) => `include:spf${number}.${name}`).join(' ')} -all`,
    ])(records, facts)
    const included = records
      .filter(isSpf)
      .flatMap(({ name, ttl = 0 }) => numbers.map((number) => textRecord(`spf${number}.${name}`, ttl, 'v=spf1 ?all')))
    return [...changed, ...included]
  },
  'missing-dmarc': each('TXT', (record) => (/^_dmarc\./.test(record.name) ? [] : [record])),
}

/** Returns the records of the certificates that a port had before; if it had none, the record of a made-up key. */
function oldTlsa(record: DnsRecord, previous: readonly DnsRecord[]): readonly DnsRecord[] {
  const old = previous.filter(({ name }) => name === record.name)
  if (old.length > 0) return old
  const certificate = createHash('sha256').update('an old key of ').update(record.name).digest()
  return [makeRecord(record.name, 'TLSA', record.ttl ?? 0, { usage: 3, selector: 1, matchingType: 1, certificate })]
}

const distinct = (records: readonly DnsRecord[]): DnsRecord[] => {
  const keys = records.map(({ name, data }) => `${name} ${JSON.stringify(data)}`)
  return records.filter((_, index) => keys.indexOf(keys[index] ?? '') === index)
}

const isOfRecords = (name: string): name is RecordDefectName => (recordDefectNames as readonly string[]).includes(name)

/** Applies the defects of a zone to its records. Those that a defect adds are not limited to its name. */
export function defectiveRecords(
  records: readonly DnsRecord[],
  defects: readonly DnsDefect[],
  facts: DefectFacts,
): readonly DnsRecord[] {
  return defects.reduce<readonly DnsRecord[]>((all, defect) => {
    if (!isOfRecords(defect.defect)) return all
    const concerned = all.filter(({ name }) => concernsName(defect, name))
    const others = all.filter(({ name }) => !concernsName(defect, name))
    return [...others, ...applications[defect.defect](concerned, facts)]
  }, records)
}

const states: Readonly<Record<SignatureDefectName, SignatureState>> = {
  'bogus-signature': 'bogus',
  'expired-signature': 'expired',
  'missing-signature': 'missing',
}

/** Returns the state of the signatures of a zone with these defects. */
export const signatureState = (defects: readonly DnsDefect[]): SignatureState =>
  defects.map(({ defect }) => states[defect as SignatureDefectName]).find((state) => state !== undefined) ?? 'good'
