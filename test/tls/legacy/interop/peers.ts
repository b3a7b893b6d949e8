import { execFile, execFileSync, spawn, spawnSync } from 'node:child_process'
import { existsSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { LegacySuite } from '../../../../src/tls/legacy/suites.ts'
import { needs } from '../../../support/programs.ts'
import { runDialog } from './converse.ts'
import { type DialogStep, encodeSteps, type OldTlsForm, oldTlsForms } from './dialogs.ts'

/** A client's task. */
export interface Job {
  readonly port: number
  readonly version: OfferedVersion
  readonly suite: LegacySuite
  /** gnutls-cli runs this part of the dialog by itself. */
  readonly starttls?: string
  readonly before: readonly DialogStep[]
  readonly after: readonly DialogStep[]
}

/** `SSLv2Hello`: a ClientHello in SSL 2.0 format that offers SSL 3.0 and TLS 1.0. */
export type OfferedVersion = 'TLSv1' | 'SSLv3' | 'SSLv2Hello'

/** An independent client program. */
export interface ClientProgram {
  readonly name: string
  readonly versions: readonly OfferedVersion[]
  readonly suites: readonly number[]
  readonly forms: readonly OldTlsForm[]
  readonly available: () => boolean
  /** Runs jobs one after the other, trusting only the given root. Returns `ok …` or `failed …` for each. */
  readonly run: (jobs: readonly Job[], rootPemFile: string, folder: string) => Promise<readonly string[]>
}

const run = promisify(execFile)
const file = (name: string): string => fileURLToPath(new URL(name, import.meta.url))
const STRONG = [0x0035, 0x002f]
const RC4 = [0x0005, 0x0004]
const TRIPLE_DES = 0x000a
const DES = 0x0009
const EXPORT_1024 = [0x0064, 0x0062, 0x0060, 0x0061]
const EXPORT_RC4 = 0x0003
const EXPORT_RC2 = 0x0006
const EXPORT_DES = 0x0008
const DHE = [0x0039, 0x0033, 0x0016]
const DHE_DES = 0x0015
const DHE_EXPORT = 0x0014
const ANONYMOUS = [0x003a, 0x0034, 0x0018, 0x001b, 0x001a, 0x0017, 0x0019]

export const java: ClientProgram = {
  name: 'Java',
  versions: ['TLSv1', 'SSLv3', 'SSLv2Hello'],
  suites: [...STRONG, ...RC4, TRIPLE_DES, DES, EXPORT_RC4, EXPORT_DES, ...DHE, DHE_DES, DHE_EXPORT, ...ANONYMOUS],
  forms: oldTlsForms,
  available: () => needs('java'),
  run: (jobs, root) =>
    runBatch('java', [file('OldClient.java'), root], jobs, ({ version, suite }) => [
      version === 'SSLv2Hello' ? 'SSLv2Hello,SSLv3,TLSv1' : version,
      suite.name.includes('AES') ? suite.name : suite.name.replace('TLS_', 'SSL_'),
    ]),
}

const cache = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'sealpost')
const oldNode = join(cache, 'node-v0.10.28-linux-x64', 'bin', 'node')
export const oldOpenssl: ClientProgram = {
  name: 'OpenSSL 1.0.1g',
  versions: ['TLSv1', 'SSLv3'],
  suites: [
    ...STRONG,
    ...RC4,
    TRIPLE_DES,
    DES,
    EXPORT_RC4,
    EXPORT_RC2,
    EXPORT_DES,
    ...DHE,
    DHE_DES,
    DHE_EXPORT,
    ...ANONYMOUS,
  ],
  forms: oldTlsForms,
  available: () => existsSync(oldNode) || needs('node 0.10.28: node scripts/fetch-clients.mjs'),
  run: (jobs, root) =>
    runBatch(oldNode, [file('old-client.cjs'), root], jobs, ({ version, suite }) => [
      `${version}_method`,
      suite.opensslName,
    ]),
}

const gnutlsNames: Readonly<Record<number, string>> = {
  0x0035: '+AES-256-CBC:+SHA1',
  0x002f: '+AES-128-CBC:+SHA1',
  0x0005: '+ARCFOUR-128:+SHA1',
  0x0004: '+ARCFOUR-128:+MD5',
  0x000a: '+3DES-CBC:+SHA1',
  0x0039: '+AES-256-CBC:+SHA1',
  0x0033: '+AES-128-CBC:+SHA1',
  0x0016: '+3DES-CBC:+SHA1',
}
const gnutls: ClientProgram = {
  name: 'GnuTLS',
  versions: ['TLSv1'],
  suites: [...STRONG, ...RC4, TRIPLE_DES, ...DHE],
  forms: oldTlsForms,
  available: () => needs('gnutls-cli'),
  run: (jobs, root) =>
    oneByOne(jobs, ({ port, suite, starttls, after }) => {
      const priority = `NONE:+VERS-TLS1.0:+${suite.exchange === 'dhe-rsa' ? 'DHE-RSA' : 'RSA'}:+COMP-NULL:+SIGN-ALL:%SAFE_RENEGOTIATION:%VERIFY_ALLOW_SIGN_WITH_SHA1:${gnutlsNames[suite.id]}`
      const trust = [`--x509cafile=${root}`, '--verify-hostname=localhost', `--priority=${priority}`]
      const start = starttls ? [`--starttls-proto=${starttls}`] : []
      return runDialog('gnutls-cli', [...trust, ...start, '-p', String(port), '127.0.0.1'], after)
    }),
}

const nss: ClientProgram = {
  name: 'NSS',
  versions: ['TLSv1', 'SSLv3'],
  suites: [...STRONG, ...RC4, TRIPLE_DES, DES, ...DHE, DHE_DES],
  forms: ['implicit'],
  available: () => needs('tstclnt', 'certutil'),
  run(jobs, root, folder) {
    const password = join(folder, 'nss-password')
    writeFileSync(password, '\n')
    execFileSync('certutil', ['-N', '-d', folder, '-f', password])
    execFileSync('certutil', ['-A', '-d', folder, '-f', password, '-n', 'root', '-t', 'C,,', '-i', root])
    return oneByOne(jobs, ({ port, version, suite, after }) => {
      const range = version === 'SSLv3' ? 'ssl3:ssl3' : 'tls1.0:tls1.0'
      const cipher = `:${suite.id.toString(16).toUpperCase().padStart(4, '0')}`
      return runDialog(
        'tstclnt',
        ['-d', folder, '-h', 'localhost', '-4', '-p', String(port), '-V', range, '-c', cipher],
        after,
      )
    })
  },
}

/** Debian's Python, for Debian's Scapy package. */
const PYTHON = '/usr/bin/python3'
const hasScapy = spawnSync(PYTHON, ['-c', 'import cryptography, scapy'], { stdio: 'ignore' }).status === 0
const scapy: ClientProgram = {
  name: 'Scapy',
  versions: ['TLSv1', 'SSLv3'],
  suites: [DES, ...EXPORT_1024, EXPORT_RC2],
  forms: ['implicit'],
  available: () => hasScapy || needs('python3-scapy', 'python3-cryptography'),
  run: (jobs) =>
    oneByOne(jobs, async ({ port, version, suite }) => {
      const args = [String(port), version === 'SSLv3' ? '0300' : '0301', suite.id.toString(16)]
      return (await run(PYTHON, [file('scapy_client.py'), ...args], { timeout: 60_000 })).stdout.trim()
    }),
}

export const peers: readonly ClientProgram[] = [java, oldOpenssl, gnutls, nss, scapy]

/** Runs a program that reads all jobs from standard input. */
export function runBatch<J extends Pick<Job, 'port' | 'before' | 'after'>>(
  program: string,
  args: readonly string[],
  jobs: readonly J[],
  names: (job: J) => readonly [version: string, suite: string],
): Promise<readonly string[]> {
  const lines = jobs.map((job) => [job.port, ...names(job), encodeSteps([...job.before, 'T', ...job.after])].join('\t'))
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'] })
    let out = ''
    child.stdout.on('data', (chunk: Buffer) => {
      out += chunk.toString()
    })
    child.on('error', reject)
    child.on('close', () => resolve(out.split('\n').filter((line) => line !== '')))
    child.stdin.end(`${lines.join('\n')}\n`)
  })
}

async function oneByOne(jobs: readonly Job[], run: (job: Job) => Promise<string>): Promise<readonly string[]> {
  const results: string[] = []
  for (const job of jobs) results.push(await run(job))
  return results
}
