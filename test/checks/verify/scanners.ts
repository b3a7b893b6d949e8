import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Finding } from '../../../src/checks/verify/types.ts'
import type { ServerProtocol } from '../../../src/core/config/schema.ts'
import { runLimited } from '../../support/run-program.ts'
import { inspect } from './inspect.ts'

/** A running server to examine. */
export interface Subject {
  readonly title: string
  readonly protocol: ServerProtocol
  readonly host?: string
  readonly port: number
  readonly implicitTls?: boolean
  readonly ca: string
}

/** Returns the output of a program. Programs return a status other than 0 if they find something. */
export const output = async (program: string, args: readonly string[]): Promise<string> =>
  (await runLimited(1500, program, args)).stdout

const startTlsNames: Readonly<Partial<Record<ServerProtocol, string>>> = {
  smtp: 'smtp',
  pop3: 'pop3',
  imap4: 'imap',
  nntp: 'nntp',
}

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

interface TestsslFinding {
  readonly id: string
  readonly severity: string
}
const isBad = ({ severity }: TestsslFinding): boolean => ['LOW', 'MEDIUM', 'HIGH', 'CRITICAL'].includes(severity)

/** Runs testssl.sh. Its files are in `folder`. @param checks options that choose its checks */
async function runTestssl(
  { protocol, port, host = '127.0.0.1', implicitTls, ca }: Subject,
  folder: string,
  checks: readonly string[],
): Promise<readonly TestsslFinding[]> {
  // Ports are used again, and testssl.sh adds to a report that exists.
  const own = mkdtempSync(join(folder, 'testssl-'))
  const [caFile, report] = [join(own, 'ca.pem'), join(own, 'report.json')]
  writeFileSync(caFile, ca)
  const how = implicitTls ? [] : ['--starttls', startTlsNames[protocol] ?? protocol]
  const quiet = ['--quiet', '--warnings', 'off', '--color', '0', '--nodns', 'min']
  const files = ['--add-ca', caFile, '--jsonfile', report]
  await output('testssl', [...quiet, ...checks, ...files, ...how, '--ip', host, `localhost:${port}`])
  return JSON.parse(readFileSync(report, 'utf8'))
}

/** The check for ROBOT takes an answer that is late, as of a busy machine, for another answer. */
const TIMED = 'ROBOT'
const REPETITIONS = 3

/** Returns what testssl.sh finds. A finding that depends on time counts if it is found again each time. */
export async function byTestssl(subject: Subject, folder: string): Promise<string[]> {
  const findings = await runTestssl(subject, folder, ['-p', '-s', '-S', '-U'])
  // A scan that could not connect has no finding about versions, and would look like a good server.
  if (!findings.some(({ id }) => id === 'TLS1_2') || findings.some(({ severity }) => severity === 'FATAL'))
    return ['no result']
  let isTimedFound = findings.some((one) => one.id === TIMED && isBad(one))
  for (let count = 0; isTimedFound && count < REPETITIONS; count++)
    isTimedFound = (await runTestssl(subject, folder, ['--robot'])).some((one) => one.id === TIMED && isBad(one))
  const bad = findings.filter((one) => isBad(one) && (one.id !== TIMED || isTimedFound))
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

/** Returns what sslscan finds. */
export async function bySslscan({ protocol, port, host = '127.0.0.1', implicitTls }: Subject): Promise<string[]> {
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
  recommendations: '',
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

/** Returns what `verify` finds. */
export async function byVerify({ protocol, port, host, implicitTls, ca }: Subject): Promise<string[]> {
  const options = { ca: [ca], implicitTls: implicitTls ?? false, ...(host ? { host } : {}) }
  return (await inspect(protocol, port, options)).findings.flatMap(labelsOf)
}

/** Joins labels for a table. */
export const listed = (labels: readonly string[]): string =>
  [...new Set(labels)]
    .filter((label) => label !== '')
    .sort()
    .join(', ') || '–'
