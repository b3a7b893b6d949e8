// The types that dns-packet's own would be, so that users of the library need no types of that package.

export interface MxData {
  readonly preference?: number
  readonly exchange: string
}

export interface SrvData {
  readonly priority?: number
  readonly weight?: number
  readonly port: number
  readonly target: string
}

interface SoaData {
  readonly mname: string
  readonly rname: string
  readonly serial?: number
  readonly minimum?: number
}

interface TlsaData {
  readonly usage: number
  readonly selector: number
  readonly matchingType: number
  readonly certificate: Buffer
}

interface RecordOf<Type extends string, Data> {
  readonly type: Type
  readonly name: string
  readonly ttl?: number
  readonly class?: string
  readonly data: Data
}

/** Types whose data the project writes and passes on only. */
type OtherType =
  | 'CAA'
  | 'DNSKEY'
  | 'DS'
  | 'HINFO'
  | 'HTTPS'
  | 'NAPTR'
  | 'NSEC'
  | 'RP'
  | 'RRSIG'
  | 'SSHFP'
  | 'SVCB'
  /** Only in questions. */
  | 'ANY'
  | 'AXFR'
  | 'IXFR'
  /** A type that dns-packet does not know, by its number. */
  | `UNKNOWN_${number}`

/** A record of a zone. `data` has the form of dns-packet. */
export type DnsRecord =
  | RecordOf<'A' | 'AAAA' | 'CNAME' | 'DNAME' | 'NS' | 'PTR', string>
  | RecordOf<'MX', MxData>
  | RecordOf<'SRV', SrvData>
  | RecordOf<'SOA', SoaData>
  | RecordOf<'TLSA', TlsaData>
  | RecordOf<'TXT', readonly (Buffer | string)[]>
  | RecordOf<OtherType, unknown>

export type RecordType = DnsRecord['type']

/** The pseudo-record of EDNS. RFC 6891 section 6.1.2. */
export interface OptRecord {
  readonly type: 'OPT'
  readonly name: string
  readonly udpPayloadSize: number
  readonly extendedRcode: number
  readonly ednsVersion: number
  readonly flags: number
  readonly flag_do: boolean
  readonly options: readonly []
}

export interface Question {
  readonly type: string
  readonly name: string
  readonly class?: string
}

/** A record, or the OPT pseudo-record. */
export type AnyRecord = DnsRecord | OptRecord
