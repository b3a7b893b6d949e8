import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ownTrust } from '../support/own-trust.ts'
import { needs } from '../support/programs.ts'
import { runProgram } from '../support/run-program.ts'
import { mainFile, type StartedLab } from '../support/sealpost.ts'
import { CertificateLab } from './cert-support.ts'

const available = needs('unshare', 'update-ca-certificates', 'keytool', 'certutil', 'tstclnt', 'curl')

const javaClient = fileURLToPath(new URL('./TrustingClient.java', import.meta.url))

/** Clients with the trust of the machine and no option of their own. Each prints its name if it accepts the lab. */
const clients = (port: number): string => `
curl -s imaps://localhost:${port} -X CAPABILITY >/dev/null && echo curl || true
openssl s_client -connect localhost:${port} -verify_return_error -verify_hostname localhost </dev/null >/dev/null 2>&1 && echo openssl || true
java ${javaClient} localhost ${port} >/dev/null 2>&1 && echo java || true
tstclnt -Q -4 -h localhost -p ${port} -d "sql:$PROFILE" </dev/null >/dev/null 2>&1 && echo nss || true
`

describe.skipIf(!available)('sealpost trust, for the programs of Debian', () => {
  let pki: CertificateLab
  let lab: StartedLab
  const sealpost = `"${process.execPath}" "${mainFile}" trust`

  /** Runs shell commands with an own copy of the machine's trust stores. Returns what they print. */
  async function inCopy(script: string): Promise<{ status: number; lines: string[]; stderr: string }> {
    const env = {
      CURL_CA_BUNDLE: '',
      SSL_CERT_FILE: '',
      SSL_CERT_DIR: '',
      NODE_EXTRA_CA_CERTS: '',
      SEALPOST_CONFIG: '',
    }
    const unset = Object.keys(env).map((name) => `unset ${name}`)
    const text = [...unset, ownTrust, script].join('\n')
    const rights = process.getuid?.() === 0 ? [] : ['--map-root-user']
    const args = [...rights, '--mount', 'bash', '-c', text]
    const { status, stdout, stderr } = await runProgram('unshare', args, { cwd: pki.folder })
    return { status, lines: stdout.trim().split('\n'), stderr }
  }

  beforeAll(async () => {
    pki = new CertificateLab()
    lab = await pki.start(['--config', 'lab.yaml'])
  })
  afterAll(() => lab.end())

  it('makes curl, OpenSSL, Java and Thunderbird accept the lab, and takes it back', async () => {
    const { tlsPort = 0 } = lab.endpoint('imap4')
    const steps = [
      clients(tlsPort),
      'echo -- install',
      `${sealpost} install -c lab.yaml >install.txt`,
      `${sealpost} status -c lab.yaml >status.txt`,
      clients(tlsPort),
      'echo -- again',
      `${sealpost} install -c lab.yaml`,
      'echo -- uninstall',
      `${sealpost} uninstall -c lab.yaml >uninstall.txt`,
      clients(tlsPort),
      'find -L /etc/ssl/certs -type l',
    ]
    const { status, lines, stderr } = await inCopy(steps.join('\n'))
    expect(status, stderr).toBe(0)
    const [before, installed, again, after] = lines.join('\n').split(/-- \w+\n?/)
    expect(before).toBe('')
    expect(installed?.trim().split('\n')).toEqual(['curl', 'openssl', 'java', 'nss'])
    expect(again?.trim().split('\n').slice(0, 3)).toEqual([
      'system (Debian, Ubuntu, Alpine): trusts the lab already',
      'Thunderbird (abc.default): trusts the lab already',
      expect.stringMatching(/^Java \(.*\): trusts the lab already$/),
    ])
    expect(after).toBe('')
    // Every change was shown.
    expect(pki.text('install.txt')).toMatch(/^ {2}install -m 644 .*\.crt\n {2}update-ca-certificates\n {2}done$/m)
    expect(pki.text('install.txt')).toMatch(/^ {2}certutil -d sql:.* -A -t C,C, -n sealpost-/m)
    expect(pki.text('install.txt')).toMatch(/^For Node\.js: export NODE_EXTRA_CA_CERTS=.*lab-ca\.pem$/m)
    expect(pki.text('status.txt')).not.toMatch(/^no/m)
    expect(pki.text('uninstall.txt')).toMatch(/^ {2}.*keytool -delete .* -alias debian:sealpost-/m)
  })

  it('changes nothing with --dry-run, and status tells what is missing', async () => {
    const steps = [`${sealpost} install -c lab.yaml --dry-run >/dev/null`, `${sealpost} status -c lab.yaml --json`]
    const { status, lines } = await inCopy(steps.join('\n'))
    expect(status).toBe(1)
    const { stores } = JSON.parse(lines[0] ?? '') as { stores: readonly { store: string; trusted: boolean }[] }
    expect(stores).toMatchObject([
      { store: 'system', trusted: false },
      { store: 'nss', trusted: false },
      { store: 'java', trusted: false },
    ])
  })

  it('adds and removes several roots, two of one name among them', async () => {
    pki.write('several.yaml', pki.text('lab.yaml').replace('store: certs', 'store: several'))
    const several = ['--config', 'several.yaml']
    await pki.run(['ca', 'create', 'root', 'Other', ...several])
    await pki.run(['ca', 'renew', 'Other', '--new-key', ...several])
    const steps = [
      `${sealpost} install -c several.yaml >/dev/null`,
      `${sealpost} status -c several.yaml --json`,
      `${sealpost} uninstall -c several.yaml >/dev/null`,
      `${sealpost} status -c several.yaml --json || true`,
      'certutil -L -d "sql:$PROFILE" | grep -c sealpost- || true',
    ]
    const { status, lines, stderr } = await inCopy(steps.join('\n'))
    expect(status, stderr).toBe(0)
    const [installed, removed] = lines.slice(0, 2).map((line) => {
      const { stores } = JSON.parse(line) as { stores: readonly { store: string; trusted: boolean; key: string }[] }
      return stores.map(({ store, trusted, key }) => `${store} ${trusted} ${key}`)
    })
    const expected = (trusted: boolean) =>
      ['system', 'nss', 'java'].flatMap((store) =>
        ['current', 'current', 'earlier'].map((key) => `${store} ${trusted} ${key}`),
      )
    expect([installed, removed, lines[2]]).toEqual([expected(true), expected(false), '0'])
  }, 180_000)

  it('removes the roots of labs that were deleted with --all', async () => {
    const steps = [
      `${sealpost} install -c lab.yaml >/dev/null`,
      `${sealpost} uninstall --all -c deleted.yaml >/dev/null`,
      `${sealpost} status -c lab.yaml || echo none`,
    ]
    const { lines } = await inCopy(steps.join('\n'))
    expect(lines.filter((line) => /^(?:yes|no) /.test(line)).map((line) => line.slice(0, 3))).toEqual([
      'no ',
      'no ',
      'no ',
    ])
    expect(lines.at(-1)).toBe('none')
  })
})
