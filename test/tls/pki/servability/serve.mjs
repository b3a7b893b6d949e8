// Imports certificates into a lab, and connects to it with OpenSSL. `node serve.mjs LIBRARY FOLDER` prints the results.
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

const GROUPS = 'X25519:P-256:P-384:P-521:secp224r1:prime192v1:secp256k1:brainpoolP256r1:sect283k1'

/** Returns whether a client with OpenSSL's lowest security level verifies the certificate with one version of TLS. */
function accepts(port, caFile, version) {
  const args = ['s_client', '-connect', `127.0.0.1:${port}`, '-servername', 'localhost', version, '-groups', GROUPS]
  const verify = ['-CAfile', caFile, '-verify_return_error', '-verify_hostname', 'localhost', '-ignore_critical']
  return new Promise((resolve) => {
    const client = spawn('openssl', [...args, ...verify, '-cipher', 'ALL:@SECLEVEL=0'], { stdio: 'pipe' })
    let shown = ''
    client.stdout.on('data', (text) => {
      shown += text
    })
    client.on('close', () => resolve(/Verify return code: 0 /.test(shown) && !/Cipher is \(NONE\)/.test(shown)))
    client.stdin.end('Q\n')
  })
}

/** The codes of warnings that say which clients refuse a certificate. */
const LIMITS = ['small-key', 'unusual-key', 'weak-signature', 'critical-extension']

/** Returns how a lab serves one certificate after the other: the versions of TLS, or `rejected`, and its words. */
export async function serveAll(startLab, folder, names) {
  const lab = await startLab({ virtualServers: [{ protocol: 'imap4', port: 'off', tlsPort: 0 }] })
  const found = []
  try {
    for (const name of names) {
      const [certificate, key] = ['pem', 'key'].map((kind) => readFileSync(join(folder, `${name}.${kind}`)))
      try {
        await lab.certificates.import(certificate, { key: key.toString(), for: 'imap4', force: true })
      } catch (error) {
        found.push({ name, served: 'rejected', words: [error.message] })
        continue
      }
      await lab.useCertificate('auto')
      const port = lab.server('imap4').tlsPort
      const versions = []
      for (const [version, title] of [
        ['-tls1_2', 'TLS 1.2'],
        ['-tls1_3', 'TLS 1.3'],
      ])
        if (await accepts(port, join(folder, 'ca.pem'), version)) versions.push(title)
      const warnings = await lab.certificates.warnings()
      const words = warnings.filter(({ code }) => LIMITS.includes(code)).map(({ message }) => message)
      found.push({ name, served: versions.join(', ') || 'to nobody', words })
    }
  } finally {
    await lab.stop()
  }
  return found
}

const [, script, library, folder, ...names] = process.argv
if (script && import.meta.url === pathToFileURL(script).href) {
  const { startLab } = await import(pathToFileURL(library).href)
  console.log(JSON.stringify(await serveAll(startLab, folder, names)))
}
