/** PEM with its middle left out: what a reader of an example needs to recognize it. RFC 7468. */
const shortPem = (label: string, start: string): string =>
  `-----BEGIN ${label}-----\n${start}…\n-----END ${label}-----\n`

export const certificatePem = shortPem('CERTIFICATE', 'MIIB5DCCAYqgAwIBAgIQC394un65u+7cA6OWdHfVODAKBggqhkjOPQQDAjA5')
export const requestPem = shortPem(
  'CERTIFICATE REQUEST',
  'MIH2MIGdAgEAMBQxEjAQBgNVBAMTCWxvY2FsaG9zdDBZMBMGByqGSM49AgEG',
)
export const keyPem = shortPem('PRIVATE KEY', 'MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgv61VWb3jEvk3')

/** SHA-1 of a certificate, as Windows shows it. */
export const thumbprint = '01AABB15BD38D9982959A67B7C205C6408E4A708'
