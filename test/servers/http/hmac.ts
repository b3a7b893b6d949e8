import { execFileSync } from 'node:child_process'

/** Returns the HMAC-SHA256 of a text in base64, as OpenSSL computes it. */
export const opensslHmac = (key: Buffer, text: string): string =>
  execFileSync('openssl', ['dgst', '-sha256', '-mac', 'HMAC', '-macopt', `hexkey:${key.toString('hex')}`, '-binary'], {
    input: text,
  }).toString('base64')
