import { execFile, execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { needs } from '../../../support/programs.ts'
import { runDialog } from '../../legacy/interop/converse.ts'
import { type DialogStep, dialogs } from '../../legacy/interop/dialogs.ts'
import { runBatch } from '../../legacy/interop/peers.ts'
import type { Judge, Target } from './judge.ts'
import { type Kind, type Offer, offersOf, type Version } from './subjects.ts'

const { after } = dialogs.implicit
const partsOf = (offer: Offer) => offer.split(' ') as [Version, Kind]

/** Returns an `examine` that makes one connection per offer. */
const oneByOne =
  (offers: readonly Offer[], connect: (version: Version, kind: Kind, target: Target) => Promise<string>) =>
  async (target: Target): Promise<Offer[]> => {
    const found: Offer[] = []
    for (const offer of offers) if ((await connect(...partsOf(offer), target)).startsWith('ok')) found.push(offer)
    return found
  }

const opensslOffers = offersOf({
  TLSv1: ['AES', 'NULL', 'anonymous'],
  'TLSv1.1': ['AES', 'NULL', 'anonymous'],
  'TLSv1.2': ['AES', 'NULL', 'anonymous'],
  'TLSv1.3': ['AES'],
})
const opensslVersions: Partial<Record<Version, string>> = {
  TLSv1: '-tls1',
  'TLSv1.1': '-tls1_1',
  'TLSv1.2': '-tls1_2',
  'TLSv1.3': '-tls1_3',
}
const opensslSuites: Partial<Record<Kind, string>> = {
  AES: 'AES128-SHA',
  NULL: 'NULL-SHA',
  anonymous: 'ADH-AES128-SHA',
}
export const openssl: Judge = {
  name: 'OpenSSL',
  available: () => needs('openssl'),
  offers: opensslOffers,
  limits: 'Debian’s OpenSSL 3.5 has no SSL 3.0, RC4, 3DES, DES and export suites',
  examine: oneByOne(opensslOffers, (version, kind, { port, caFile }) => {
    const trust = ['-CAfile', caFile, '-verify_return_error', '-verify_hostname', 'localhost']
    const suite = ['-cipher', `${opensslSuites[kind]}:@SECLEVEL=0`]
    const to = ['s_client', '-quiet', '-connect', `127.0.0.1:${port}`]
    return runDialog('openssl', [...to, ...trust, opensslVersions[version] ?? '', ...suite], after)
  }),
}

const gnutlsKinds = ['AES', 'RC4', '3DES', 'NULL', 'anonymous'] as const
const gnutlsOffers = offersOf({
  TLSv1: gnutlsKinds,
  'TLSv1.1': gnutlsKinds,
  'TLSv1.2': gnutlsKinds,
  'TLSv1.3': ['AES'],
})
const gnutlsVersions: Partial<Record<Version, string>> = {
  TLSv1: 'TLS1.0',
  'TLSv1.1': 'TLS1.1',
  'TLSv1.2': 'TLS1.2',
  'TLSv1.3': 'TLS1.3',
}
const gnutlsSuites: Partial<Record<Kind, string>> = {
  AES: '+RSA:+AES-128-CBC:+SHA1',
  RC4: '+RSA:+ARCFOUR-128:+SHA1',
  '3DES': '+RSA:+3DES-CBC:+SHA1',
  NULL: '+RSA:+NULL:+SHA1',
  anonymous: '+ANON-DH:+AES-128-CBC:+SHA1',
}
export const gnutls: Judge = {
  name: 'GnuTLS',
  available: () => needs('gnutls-cli'),
  offers: gnutlsOffers,
  limits: '`gnutls-cli` has no SSL 3.0, DES and export suites',
  examine: oneByOne(gnutlsOffers, (version, kind, { port, caFile }) => {
    const suite = version === 'TLSv1.3' ? '+AES-128-GCM:+AEAD' : gnutlsSuites[kind]
    const rest = '+COMP-NULL:+SIGN-ALL:+GROUP-ALL:%SAFE_RENEGOTIATION:%VERIFY_ALLOW_SIGN_WITH_SHA1'
    const priority = `--priority=NONE:+VERS-${gnutlsVersions[version]}:${suite}:${rest}`
    const trust = [`--x509cafile=${caFile}`, '--verify-hostname=localhost']
    return runDialog('gnutls-cli', [priority, ...trust, '-p', String(port), '127.0.0.1'], after)
  }),
}

const nssKinds = ['AES', 'RC4', '3DES', 'DES', 'NULL'] as const
const nssOffers = offersOf({
  SSLv3: nssKinds,
  TLSv1: nssKinds,
  'TLSv1.1': nssKinds,
  'TLSv1.2': nssKinds,
  'TLSv1.3': ['AES'],
})
const nssVersions: Partial<Record<Version, string>> = {
  SSLv3: 'ssl3',
  TLSv1: 'tls1.0',
  'TLSv1.1': 'tls1.1',
  'TLSv1.2': 'tls1.2',
  'TLSv1.3': 'tls1.3',
}
const nssSuites: Partial<Record<Kind, string>> = { AES: '002F', RC4: '0005', '3DES': '000A', DES: '0009', NULL: '0002' }
export const nss: Judge = {
  name: 'NSS',
  available: () => needs('tstclnt', 'certutil'),
  offers: nssOffers,
  limits: '`tstclnt` has no export and anonymous suites',
  examine: oneByOne(nssOffers, (version, kind, { port, caFile, folder }) => {
    const [range, suite] = [nssVersions[version], version === 'TLSv1.3' ? '1301' : nssSuites[kind]]
    const to = ['-d', nssDatabase(folder, caFile), '-h', 'localhost', '-4', '-p', String(port)]
    return runDialog('tstclnt', [...to, '-V', `${range}:${range}`, '-c', `:${suite}`], after)
  }),
}

/** Returns a certificate database that trusts the roots of a file. */
function nssDatabase(folder: string, caFile: string): string {
  const database = join(folder, 'nss')
  if (existsSync(database)) return database
  mkdirSync(database)
  const password = join(folder, 'nss-password')
  writeFileSync(password, '\n')
  execFileSync('certutil', ['-N', '-d', database, '-f', password])
  const roots =
    execFileSync('cat', [caFile], { encoding: 'utf8' }).match(/-----BEGIN[^]+?-----END CERTIFICATE-----/g) ?? []
  for (const [index, pem] of roots.entries()) {
    const file = join(folder, `root-${index}.pem`)
    writeFileSync(file, pem)
    execFileSync('certutil', ['-A', '-d', database, '-f', password, '-n', `root ${index}`, '-t', 'C,,', '-i', file])
  }
  return database
}

const javaKinds = ['AES', 'RC4', '3DES', 'NULL', 'anonymous'] as const
const javaOffers = offersOf({
  SSLv3: [...javaKinds, 'DES', 'export'],
  TLSv1: [...javaKinds, 'DES', 'export'],
  'TLSv1.1': [...javaKinds, 'DES'],
  'TLSv1.2': javaKinds,
  'TLSv1.3': ['AES'],
})
const javaSuites: Partial<Record<Kind, string>> = {
  AES: 'TLS_RSA_WITH_AES_128_CBC_SHA',
  RC4: 'SSL_RSA_WITH_RC4_128_SHA',
  '3DES': 'SSL_RSA_WITH_3DES_EDE_CBC_SHA',
  DES: 'SSL_RSA_WITH_DES_CBC_SHA',
  export: 'SSL_RSA_EXPORT_WITH_RC4_40_MD5',
  NULL: 'SSL_RSA_WITH_NULL_SHA',
  anonymous: 'TLS_DH_anon_WITH_AES_128_CBC_SHA',
}
const oldClients = (name: string): string => fileURLToPath(new URL(`../../legacy/interop/${name}`, import.meta.url))
export const java: Judge = {
  name: 'Java',
  available: () => needs('java'),
  offers: javaOffers,
  limits: 'no DES in TLS 1.2, no export suites above TLS 1.0',
  async examine({ port, caFile }) {
    const steps = { port, before: [] as DialogStep[], after }
    const jobs = javaOffers.map((offer) => ({ ...steps, offer }))
    const results = await runBatch('java', [oldClients('OldClient.java'), caFile], jobs, ({ offer }) => {
      const [version, kind] = partsOf(offer)
      return [version, version === 'TLSv1.3' ? 'TLS_AES_128_GCM_SHA256' : (javaSuites[kind] ?? kind)]
    })
    if (results.length !== jobs.length) throw new Error(`Java: ${results.join('\n')}`)
    return javaOffers.filter((_, index) => results[index]?.startsWith('ok'))
  },
}

/** Debian's Python, for Debian's Scapy package. */
const PYTHON = '/usr/bin/python3'
const hasScapy = spawnSync(PYTHON, ['-c', 'import cryptography, scapy'], { stdio: 'ignore' }).status === 0
const run = promisify(execFile)
const scapyOffers = offersOf({ SSLv3: ['DES', 'export'], TLSv1: ['DES', 'export'] })
export const scapy: Judge = {
  name: 'Scapy',
  available: () => hasScapy || needs('python3-scapy', 'python3-cryptography'),
  offers: scapyOffers,
  limits: 'only what few others have; it does not verify certificates',
  examine: oneByOne(scapyOffers, async (version, kind, { port }) => {
    const args = [String(port), version === 'SSLv3' ? '0300' : '0301', kind === 'DES' ? '9' : '6']
    return (await run(PYTHON, [oldClients('scapy_client.py'), ...args], { timeout: 60_000 })).stdout.trim()
  }),
}
