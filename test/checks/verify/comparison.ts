/**
 * Compares what testssl.sh, sslscan and `sealpost verify` find on the same ten servers, and prints a table for
 * docs/verify.md. It needs the three programs' servers and tools, root, and Node.js 22.18 or later:
 *
 *     node test/checks/verify/comparison.ts [WORD]     only the servers whose title contains the word
 */
import { execFile, execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Finding } from '../../../src/checks/verify/types.ts'
import type { Protocol } from '../../../src/core/config/schema.ts'
import { startLab } from '../../../src/testing/start-lab.ts'
import { type ServerIdentity, TestAuthority } from './authority.ts'
import { DOVECOT_HOST, startDovecot } from './debian/dovecot.ts'
import { startInnReaders } from './debian/inn.ts'
import { selfSignedByOpenssl, startOpenssl } from './debian/openssl.ts'
import { startPostfix } from './debian/postfix.ts'
import { inspect } from './inspect.ts'

/** A running server to examine. */
interface Subject {
  readonly title: string
  readonly protocol: Protocol
  readonly host?: string
  readonly port: number
  readonly implicitTls?: boolean
  readonly ca: string
}

const run = promisify(execFile)

/** Programs return a status other than 0 if they find something. */
async function output(program: string, args: readonly string[]): Promise<string> {
  const options = { maxBuffer: 64 * 1024 * 1024, timeout: 900_000 }
  return run(program, args, options).then(
    ({ stdout }) => stdout,
    (error: { stdout?: string }) => error.stdout ?? '',
  )
}

const startTlsNames: Readonly<Record<Protocol, string>> = { smtp: 'smtp', pop3: 'pop3', imap4: 'imap', nntp: 'nntp' }

/** Labels for what testssl.sh reports with a severity of LOW or worse, by its identifiers. */
const testsslLabels: readonly (readonly [RegExp, string])[] = [
  [/^SSLv2$|^DROWN/, 'SSL 2.0'],
  [/^SSLv3$/, 'SSL 3.0'],
  [/^TLS1$/, 'TLS 1.0'],
  [/^TLS1_1$/, 'TLS 1.1'],
  [/^cipherlist_NULL/, 'NULL'],
  [/^cipherlist_aNULL/, 'anonymous'],
  [/^cipherlist_EXPORT|^FREAK/, 'export'],
  [/^cipherlist_LOW/, 'DES'],
  [/^RC4/, 'RC4'],
  [/^cipherlist_3DES|^SWEET32/, '3DES'],
  [/^cipherlist_OBSOLETED|^LUCKY13|^BEAST|^cipherlist_STRONG_FS/, 'CBC or no forward secrecy'],
  [/^LOGJAM|^DH_groups/, 'weak DH'],
  [/^secure_client_renego/, 'client renegotiation'],
  [/^secure_renego/, 'insecure renegotiation'],
  [/^fallback_SCSV/, 'fallback'],
  [/^CRIME/, 'compression'],
  [/^POODLE/, 'SSL 3.0'],
  [/^(?:intermediate_)?cert_(?:expirationStatus|notAfter|expiration)/, 'certificate dates'],
  [/^cert_(?:chain_of_trust|trust)/, 'certificate trust'],
  [/^cert_keySize|^cert_signature/, 'certificate key'],
  [/^cert_(?:revocation|crl|ocsp|extlifeSpan)|^OCSP|^DNS_CAA|^certificate_transparency/i, ''],
]

async function byTestssl(subject: Subject, folder: string, index: number): Promise<string[]> {
  const { protocol, port, host = '127.0.0.1', implicitTls, ca } = subject
  const [caFile, report] = [join(folder, `ca-${index}.pem`), join(folder, `testssl-${index}.json`)]
  writeFileSync(caFile, ca)
  const how = implicitTls ? [] : ['--starttls', startTlsNames[protocol]]
  const quiet = ['--quiet', '--warnings', 'off', '--color', '0', '--nodns', 'min']
  const wanted = ['-p', '-s', '-S', '-U', '--add-ca', caFile, '--jsonfile', report]
  await output('testssl', [...quiet, ...wanted, ...how, '--ip', host, `localhost:${port}`])
  const findings = JSON.parse(readFileSync(report, 'utf8')) as { id: string; severity: string }[]
  // A scan that could not connect has no finding about versions, and would look like a good server.
  if (!findings.some(({ id }) => id === 'TLS1_2') || findings.some(({ severity }) => severity === 'FATAL'))
    return ['no result']
  const bad = findings.filter(({ severity }) => ['LOW', 'MEDIUM', 'HIGH', 'CRITICAL'].includes(severity))
  return bad.map(({ id }) => testsslLabels.find(([pattern]) => pattern.test(id))?.[1] ?? id)
}

/** Labels for parts of sslscan's XML report. */
const sslscanLabels: readonly (readonly [RegExp, string])[] = [
  [/<protocol type="ssl" version="2" enabled="1"/, 'SSL 2.0'],
  [/<protocol type="ssl" version="3" enabled="1"/, 'SSL 3.0'],
  [/<protocol type="tls" version="1.0" enabled="1"/, 'TLS 1.0'],
  [/<protocol type="tls" version="1.1" enabled="1"/, 'TLS 1.1'],
  [/<fallback supported="0"/, 'fallback'],
  [/<renegotiation supported="1" secure="0"/, 'insecure renegotiation'],
  [/<compression supported="1"/, 'compression'],
  [/<heartbleed [^>]*vulnerable="1"/, 'Heartbleed'],
  [/<cipher [^>]*cipher="(?:[^"]*NULL[^"]*)"/, 'NULL'],
  [/<cipher [^>]*(?:strength="anonymous"|cipher="(?:TLS_)?(?:ADH|AECDH|DH_anon|ECDH_anon)[^"]*")/, 'anonymous'],
  [/<cipher [^>]*cipher="[^"]*EXP[^"]*"/, 'export'],
  [/<cipher [^>]*cipher="[^"]*_DES_CBC_SHA"|cipher="(?:EDH-RSA-)?DES-CBC-SHA"/, 'DES'],
  [/<cipher [^>]*cipher="[^"]*RC4[^"]*"/, 'RC4'],
  [/<cipher [^>]*cipher="[^"]*3DES[^"]*"/, '3DES'],
  [/ dhebits="(?:\d{1,3}|1\d{3})"/, 'weak DH'],
  [/<expired>true/, 'certificate dates'],
  [/<self-signed>true/, 'certificate trust'],
]

async function bySslscan({ protocol, port, host = '127.0.0.1', implicitTls }: Subject): Promise<string[]> {
  // sslscan has no STARTTLS of NNTP.
  if (!implicitTls && protocol === 'nntp') return ['not supported']
  const how = implicitTls ? [] : [`--starttls-${startTlsNames[protocol]}`]
  const xml = await output('sslscan', ['--no-colour', '--xml=-', '--sni-name=localhost', ...how, `${host}:${port}`])
  if (!xml.includes('<ssltest')) return ['no result']
  return sslscanLabels.filter(([pattern]) => pattern.test(xml)).map(([, label]) => label)
}

/** Labels for the checks of `verify` that warn or fail. */
const verifyLabels: Readonly<Record<string, string>> = {
  chain: 'certificate trust',
  dates: 'certificate dates',
  key: 'certificate key',
  'other-certificates': 'certificate key',
  'dh-groups': 'weak DH',
  freak: 'export',
  downgrade: 'fallback',
  renegotiation: 'client renegotiation',
  'log-on': 'clear-text log-on',
  mechanisms: 'clear-text log-on',
  stripping: 'clear-text log-on',
  purposes: 'certificate purposes',
  // These follow from the accepted versions and suites.
  negotiated: '',
  greeting: '',
}

const versionLabels: Readonly<Record<string, string>> = {
  SSLv2: 'SSL 2.0',
  SSLv3: 'SSL 3.0',
  TLSv1: 'TLS 1.0',
  'TLSv1.1': 'TLS 1.1',
}

function labelsOf({ check, outcome, facts }: Finding): string[] {
  const accepted = (facts?.accepted ?? []) as readonly string[]
  if (check === 'versions') return accepted.flatMap((name) => versionLabels[name] ?? [])
  if (outcome !== 'warn' && outcome !== 'fail') return []
  if (check === 'suites') return accepted.map((name) => name.split(' ')[0] ?? name)
  return [verifyLabels[check] ?? check]
}

async function byVerify({ protocol, port, host, implicitTls, ca }: Subject): Promise<string[]> {
  const options = { ca: [ca], implicitTls: implicitTls ?? false, ...(host ? { host } : {}) }
  return (await inspect(protocol, port, options)).findings.flatMap(labelsOf)
}

const listed = (labels: readonly string[]): string =>
  [...new Set(labels)]
    .filter((label) => label !== '')
    .sort()
    .join(', ') || '–'

async function startAll(
  stack: AsyncDisposableStack,
  authority: TestAuthority,
  good: ServerIdentity,
): Promise<Subject[]> {
  const ca = authority.rootPem
  const implicit = { protocol: 'imap4', implicitTls: true, ca } as const
  const old = 'ssl = yes\nauth_allow_cleartext = yes\nssl_min_protocol = TLSv1\nssl_cipher_list = DEFAULT:@SECLEVEL=0'
  const expired = await authority.issue({ to: -1, from: -9 })
  const strict =
    'smtpd_tls_mandatory_protocols = >=TLSv1.2\nsmtpd_tls_protocols = >=TLSv1.2\nsmtpd_tls_exclude_ciphers = aNULL'
  const dovecot = stack.use(await startDovecot(good))
  const oldDovecot = stack.use(await startDovecot(expired, old))
  const postfix = stack.use(await startPostfix(good))
  const strictPostfix = stack.use(await startPostfix(good, strict))
  const inn = stack.use(await startInnReaders(good, 'anywhere'))
  const everything = ['-cipher', 'ALL:eNULL:@SECLEVEL=0', '-tls1_2']
  const weak = stack.use(
    await startOpenssl(good, ['-dhparam', 'dh.pem', '-client_renegotiation', ...everything], dhFile()),
  )
  const cbc = stack.use(await startOpenssl(good, ['-no_ticket', '-cipher', 'AES128-SHA', '-tls1_2']))
  const postQuantum = selfSignedByOpenssl('ML-DSA-65')
  const mldsa = stack.use(await startOpenssl(postQuantum))
  const lab = stack.use(
    await startLab({ virtualServers: [{ protocol: 'imap4', port: 0, requireSecureChannel: true }] }),
  )
  const legacy = [
    'TLS_RSA_WITH_RC4_128_MD5',
    'TLS_RSA_WITH_3DES_EDE_CBC_SHA',
    'TLS_RSA_WITH_DES_CBC_SHA',
    'TLS_RSA_EXPORT_WITH_RC4_40_MD5',
  ] as const
  const oldLab = stack.use(
    await startLab({
      virtualServers: [{ protocol: 'smtp', port: 0, requireSecureChannel: true, tls: { legacy: [...legacy] } }],
    }),
  )
  return [
    { title: 'Dovecot, Debian’s settings', protocol: 'imap4', host: DOVECOT_HOST, port: dovecot.imap4.port, ca },
    {
      title: 'Dovecot with TLS 1.0, clear-text log-on and an expired certificate',
      protocol: 'imap4',
      host: DOVECOT_HOST,
      port: oldDovecot.imap4.port,
      ca,
    },
    { title: 'Postfix, Debian’s settings', protocol: 'smtp', port: postfix.port, ca },
    { title: 'Postfix that requires TLS 1.2', protocol: 'smtp', port: strictPostfix.port, ca },
    { title: 'INN, Debian’s settings', protocol: 'nntp', port: inn.port, ca },
    { title: 'openssl s_server: every suite, DH of 1,024 bits, renegotiation', ...implicit, port: weak.port },
    { title: 'openssl s_server: only RSA key exchange with CBC', ...implicit, port: cbc.port },
    { title: 'openssl s_server with an ML-DSA certificate', ...implicit, ca: postQuantum.cert, port: mldsa.port },
    { title: 'Sealpost', protocol: 'imap4', port: lab.server('imap4').port ?? 0, ca: lab.ca },
    {
      title: 'Sealpost for clients of the 1990s (`tls.legacy`)',
      protocol: 'smtp',
      port: oldLab.server('smtp').port ?? 0,
      ca: oldLab.ca,
    },
  ]
}

const dhFile = (): Record<string, string> => ({
  'dh.pem': execFileSync('openssl', ['dhparam', '1024'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }),
})

async function versions(): Promise<string> {
  const testssl = /(\d+\.\d+\.\d+)/.exec(await output('testssl', ['--version']))?.[1]
  const sslscan = /([\d.]+)/.exec(await output('sslscan', ['--no-colour', '--version']))?.[1]
  return `testssl.sh ${testssl}, sslscan ${sslscan}, Node.js ${process.version}, ${new Date().toISOString().slice(0, 10)}`
}

const folder = mkdtempSync(join(tmpdir(), 'sealpost-comparison-'))
await using stack = new AsyncDisposableStack()
stack.defer(() => rmSync(folder, { recursive: true, force: true }))
const authority = await TestAuthority.create()
const [, , word = ''] = process.argv
const all = await startAll(stack, authority, await authority.issue())
const subjects = all.filter(({ title }) => title.includes(word))
console.log(`${await versions()}:\n\n| server | testssl.sh | sslscan | verify |\n|---|---|---|---|`)
// s_server answers one client at a time, so the three programs take turns.
const rows = await Promise.all(
  subjects.map(async (subject, index) => {
    const verify = listed(await byVerify(subject))
    const sslscan = listed(await bySslscan(subject))
    const testssl = listed(await byTestssl(subject, folder, index))
    console.error(`done: ${subject.title}`)
    return `| ${subject.title} | ${testssl} | ${sslscan} | ${verify} |`
  }),
)
console.log(rows.join('\n'))
