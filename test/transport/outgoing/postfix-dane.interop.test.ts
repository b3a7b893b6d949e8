import { rmSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { POSTFIX, preparePostfix } from '../../checks/verify/debian/postfix.ts'
import { freePorts } from '../../support/free-ports.ts'
import { opensslCertificate } from '../../support/openssl.ts'
import { needs } from '../../support/programs.ts'
import { runProgram } from '../../support/run-program.ts'
import { mainFile, Workplace } from '../../support/sealpost.ts'

const script = fileURLToPath(new URL('postfix-dane.mjs', import.meta.url))
const place = new Workplace()

/** The server's certificate must match TLSA records that DNSSEC authenticates: nothing is sent without them. */
const SETTINGS = `smtp_tls_security_level = dane-only
smtp_dns_support_level = dnssec
smtp_host_lookup = dns
smtp_address_preference = ipv4`

const resolvConf = place.write('resolv.conf', 'nameserver 127.0.0.1\noptions trust-ad\n')

/** Sends a message through Postfix to a lab whose DNS has a defect, and returns what became of it. */
async function outcome(defect?: string) {
  const config = place.write(
    'lab.yaml',
    `hostname: mx.lab.test
domain: lab.test
certificates: memory
directory: { mode: open }
dns: { addresses: [127.0.0.2], dnssec: true, zones: { lab.test: { defects: [${defect ?? ''}] } } }
virtualServers:
  # Postfix takes its own address, 127.0.0.1, for a loop.
  - { protocol: smtp, address: 127.0.0.2 }
  - { protocol: http, port: 8025, tlsPort: off }
`,
  )
  const { privateKeyPem: key, certificatePem: cert } = opensslCertificate(['localhost'])
  const [port = 0, tlsPort = 0] = await freePorts(2)
  const folder = preparePostfix({ key, cert }, { port, tlsPort }, SETTINGS)
  try {
    const prepared = `mount --bind ${resolvConf} /etc/resolv.conf && exec "$@"`
    const inside = [process.execPath, script, mainFile, config, `${folder}/etc`, `${port}`]
    const command = ['--net', '--mount', 'sh', '-c', prepared, 'sh', ...inside]
    const env = { TMPDIR: place.folder, XDG_RUNTIME_DIR: '', XDG_DATA_HOME: `${place.folder}/data` }
    const { status, stdout, stderr } = await runProgram('unshare', command, { env, cwd: place.folder })
    expect(status, stderr).toBe(0)
    return JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '')
  } finally {
    rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 })
  }
}

describe.skipIf(!needs(POSTFIX) || process.getuid?.() !== 0)('Postfix delivers to the lab by DANE', () => {
  it('with the DNS of the lab, which names its certificate', async () => {
    const { arrived } = await outcome()
    expect(arrived).toMatchObject({ subject: 'by DANE', delivery: { tls: { version: 'TLSv1.3' } } })
  })

  it('but keeps the message if TLSA records name another certificate, or there are none', async () => {
    expect((await outcome('mismatching-tlsa')).reason).toMatch(/not (?:verified|trusted)/)
    expect((await outcome('missing-tlsa')).reason).toMatch(/TLSA/)
  })
})
