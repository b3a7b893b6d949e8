/** Object identifiers of PKCS#12 bags and attributes. RFC 7292 section 4.2, RFC 2985 section 5.5. */
export const bagIds = {
  key: '1.2.840.113549.1.12.10.1.1',
  shroudedKey: '1.2.840.113549.1.12.10.1.2',
  certificate: '1.2.840.113549.1.12.10.1.3',
  safeContents: '1.2.840.113549.1.12.10.1.6',
} as const
export const x509Type = '1.2.840.113549.1.9.22.1'
export const friendlyNameId = '1.2.840.113549.1.9.20'
export const localKeyId = '1.2.840.113549.1.9.21'
export const encryptedDataType = '1.2.840.113549.1.7.6'
