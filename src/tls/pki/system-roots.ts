import { existsSync, readFileSync } from 'node:fs'
import tls from 'node:tls'

/** Files of trusted roots on common systems. The first that exists is used. */
const SYSTEM_FILES = [
  '/etc/ssl/certs/ca-certificates.crt',
  '/etc/pki/tls/certs/ca-bundle.crt',
  '/etc/ssl/cert.pem',
] as const

/** Returns the roots trusted by default: the system's and Node.js's. */
export function systemRoots(): string[] {
  const file = SYSTEM_FILES.find((name) => existsSync(name))
  const own = file ? splitPem(readFileSync(file, 'utf8')) : []
  return [...new Set([...own, ...tls.rootCertificates.map((pem) => pem.trim())])]
}

/** Splits a PEM file into its certificates. */
export function splitPem(text: string): string[] {
  return text.match(/-----BEGIN (?:TRUSTED )?CERTIFICATE-----[^-]+-----END (?:TRUSTED )?CERTIFICATE-----/g) ?? []
}
