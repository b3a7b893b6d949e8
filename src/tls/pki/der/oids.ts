/** Object identifiers, by the names that their standards use. */

export const attributeTypes = {
  CN: '2.5.4.3',
  serialNumber: '2.5.4.5',
  C: '2.5.4.6',
  L: '2.5.4.7',
  ST: '2.5.4.8',
  O: '2.5.4.10',
  OU: '2.5.4.11',
  emailAddress: '1.2.840.113549.1.9.1',
  DC: '0.9.2342.19200300.100.1.25',
} as const
export type AttributeType = keyof typeof attributeTypes

export const extensionIds = {
  subjectKeyIdentifier: '2.5.29.14',
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  crlNumber: '2.5.29.20',
  reasonCode: '2.5.29.21',
  nameConstraints: '2.5.29.30',
  crlDistributionPoints: '2.5.29.31',
  authorityKeyIdentifier: '2.5.29.35',
  extKeyUsage: '2.5.29.37',
  tlsFeature: '1.3.6.1.5.5.7.1.24',
  authorityInfoAccess: '1.3.6.1.5.5.7.1.1',
  acmeIdentifier: '1.3.6.1.5.5.7.1.31',
  logotype: '1.3.6.1.5.5.7.1.12',
  certificatePolicies: '2.5.29.32',
  ocspNoCheck: '1.3.6.1.5.5.7.48.1.5',
} as const

/** Key usage bits. RFC 5280 section 4.2.1.3. */
export const keyUsageBits = {
  digitalSignature: 0,
  nonRepudiation: 1,
  keyEncipherment: 2,
  dataEncipherment: 3,
  keyAgreement: 4,
  keyCertSign: 5,
  cRLSign: 6,
} as const
export type KeyUsage = keyof typeof keyUsageBits

/** Extended key usages. RFC 5280 section 4.2.1.12, RFC 6960 section 4.2.2.2. */
export const purposeIds = {
  serverAuth: '1.3.6.1.5.5.7.3.1',
  clientAuth: '1.3.6.1.5.5.7.3.2',
  codeSigning: '1.3.6.1.5.5.7.3.3',
  emailProtection: '1.3.6.1.5.5.7.3.4',
  timeStamping: '1.3.6.1.5.5.7.3.8',
  OCSPSigning: '1.3.6.1.5.5.7.3.9',
  /** Logos of senders (BIMI): id-kp-BrandIndicatorforMessageIdentification. */
  brandIndicator: '1.3.6.1.5.5.7.3.31',
} as const
export type Purpose = keyof typeof purposeIds

/** Mark certificates (BIMI), by the Minimum Security Requirements for Issuance of Mark Certificates. */
export const markIds = { policy: '1.3.6.1.4.1.53087.1.1', type: '1.3.6.1.4.1.53087.1.13' } as const

/** RFC 4055 section 3.1. */
export const rsassaPss = '1.2.840.113549.1.1.10'

/** Hash algorithms. RFC 3279 section 2.1, RFC 5754 section 2. */
export const hashIds = {
  sha1: '1.3.14.3.2.26',
  sha224: '2.16.840.1.101.3.4.2.4',
  sha256: '2.16.840.1.101.3.4.2.1',
  sha384: '2.16.840.1.101.3.4.2.2',
  sha512: '2.16.840.1.101.3.4.2.3',
} as const

/** PKCS#10 attribute that contains the requested extensions. RFC 2985 section 5.4.2. */
export const extensionRequest = '1.2.840.113549.1.9.14'
export const accessMethods = { ocsp: '1.3.6.1.5.5.7.48.1', caIssuers: '1.3.6.1.5.5.7.48.2' } as const
/** User principal name: an otherName in subjectAltName, a UTF8String. */
export const userPrincipalName = '1.3.6.1.4.1.311.20.2.3'

/** Returns the name of an object identifier in one of the tables above. */
export const nameIn = <T extends string>(table: Record<T, string>, id: string): T | undefined =>
  (Object.keys(table) as T[]).find((name) => table[name] === id)
