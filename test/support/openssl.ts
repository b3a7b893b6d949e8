import { execFile, execFileSync, spawn } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { InstalledCertificate } from '../../src/tls/pki/types.ts'
import { newFolder } from './folder.ts'

/** Arguments of `-newkey` by kind of key. */
const keyAlgorithms = {
  rsa: ['rsa:2048'],
  'rsa-pss': ['rsa-pss', '-pkeyopt', 'rsa_keygen_bits:2048'],
  p256: ['ec', '-pkeyopt', 'ec_paramgen_curve:P-256'],
  p384: ['ec', '-pkeyopt', 'ec_paramgen_curve:P-384'],
  ed25519: ['ed25519'],
  'ml-dsa-65': ['ML-DSA-65'],
} as const
type TestKey = keyof typeof keyAlgorithms

/** Creates a self-signed certificate with OpenSSL, for tests of modules below the certificate store. */
export function opensslCertificate(names: readonly string[], key: TestKey = 'p256'): InstalledCertificate {
  const folder = newFolder()
  const alternativeNames = names.map((name) => (/^[\d.]+$|:/.test(name) ? `IP:${name}` : `DNS:${name}`)).join(',')
  const [keyFile, certificateFile] = [join(folder, 'key.pem'), join(folder, 'cert.pem')]
  const subject = ['-subj', `/CN=${names[0]}`, '-addext', `subjectAltName=${alternativeNames}`]
  execFileSync(
    'openssl',
    [
      'req',
      '-x509',
      '-newkey',
      ...keyAlgorithms[key],
      '-nodes',
      '-days',
      '2',
      '-keyout',
      keyFile,
      '-out',
      certificateFile,
      ...subject,
    ],
    { stdio: 'ignore' },
  )
  const certificatePem = readFileSync(certificateFile, 'utf8')
  return {
    friendlyName: names[0] ?? '',
    thumbprint: new X509Certificate(certificatePem).fingerprint.replaceAll(':', ''),
    certificatePem,
    privateKeyPem: readFileSync(keyFile, 'utf8'),
    chainPem: [],
  }
}

/** Runs `openssl s_client` with `input` on standard input and returns its output. Ignores the exit status. */
export function sClient(args: readonly string[], input: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn('openssl', ['s_client', '-ign_eof', ...args], { stdio: ['pipe', 'pipe', 'pipe'] })
    let output = ''
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString('utf8')
    })
    child.stderr.on('data', (chunk: Buffer) => {
      output += chunk.toString('utf8')
    })
    child.on('error', reject)
    child.on('close', () => resolve(output))
    child.stdin.on('error', () => {})
    child.stdin.end(input)
  })
}

export const run = promisify(execFile)
