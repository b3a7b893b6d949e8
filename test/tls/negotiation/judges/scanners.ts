import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { needs } from '../../../support/programs.ts'
import { runLimited, runProgram } from '../../../support/run-program.ts'
import type { Judge } from './judge.ts'
import { kindOf, offersOf, type Version } from './subjects.ts'

const all = ['AES', 'RC4', '3DES', 'DES', 'export', 'NULL', 'anonymous'] as const

/** Versions as the programs name them. */
const versionNames: Readonly<Record<string, Version>> = {
  SSLv2: 'SSLv2',
  ssl2: 'SSLv2',
  SSLv3: 'SSLv3',
  ssl3: 'SSLv3',
  TLS1: 'TLSv1',
  'TLSv1.0': 'TLSv1',
  'tls1.0': 'TLSv1',
  TLS1_1: 'TLSv1.1',
  'tls1.1': 'TLSv1.1',
  TLS1_2: 'TLSv1.2',
  'tls1.2': 'TLSv1.2',
  TLS1_3: 'TLSv1.3',
  'tls1.3': 'TLSv1.3',
}
const versionOf = (name = ''): string => versionNames[name] ?? name
const distinct = (list: readonly string[]): string[] => [...new Set(list)]

export const nmap: Judge = {
  name: 'nmap',
  available: () => needs('nmap'),
  offers: offersOf({ SSLv2: ['any'], SSLv3: all, TLSv1: all, 'TLSv1.1': all, 'TLSv1.2': all, 'TLSv1.3': ['AES'] }),
  limits: 'scripts `ssl-enum-ciphers` and `sslv2`, which send a ClientHello of their own',
  async examine({ port }) {
    const args = ['-Pn', '-p', String(port), '--script', 'ssl-enum-ciphers,sslv2', '127.0.0.1']
    const { stdout } = await runProgram('nmap', args)
    if (!/ssl-enum-ciphers/.test(stdout)) throw new Error(`nmap: ${stdout}`)
    let version = ''
    const found = stdout.split('\n').flatMap((line) => {
      version = /^\| +((?:SSL|TLS)v[\d.]+):/.exec(line)?.[1] ?? version
      const suite = /^\| +(TLS_\w+) /.exec(line)?.[1]
      return suite === undefined ? [] : [`${versionOf(version)} ${kindOf(suite)}`]
    })
    return distinct(/SSLv2 supported/.test(stdout) ? ['SSLv2 any', ...found] : found)
  },
}

export const sslscan: Judge = {
  name: 'sslscan',
  available: () => needs('sslscan'),
  offers: offersOf({
    SSLv2: ['any'],
    SSLv3: ['any'],
    TLSv1: ['any', ...all],
    'TLSv1.1': ['any', ...all],
    'TLSv1.2': ['any', ...all],
    'TLSv1.3': ['any', 'AES'],
  }),
  limits: 'of SSL 2.0 and 3.0 only the version: Debian’s OpenSSL has neither',
  async examine({ port }) {
    const args = ['--no-colour', '--no-heartbleed', '--xml=-', `127.0.0.1:${port}`]
    const { stdout } = await runProgram('sslscan', args)
    if (!stdout.includes('<ssltest')) throw new Error(`sslscan: ${stdout}`)
    const enabled = [...stdout.matchAll(/<protocol type="(\w+)" version="([\d.]+)" enabled="1"/g)]
    const suites = [...stdout.matchAll(/sslversion="([^"]+)" bits="\d+" cipher="([^"]+)"/g)]
    return distinct([
      ...enabled.map(([, type, version]) => `${versionOf(`${type}${version}`)} any`),
      ...suites.map(([, version, suite = '']) => `${versionOf(version)} ${kindOf(suite)}`),
    ])
  },
}

export const testssl: Judge = {
  name: 'testssl.sh',
  available: () => needs('testssl'),
  offers: offersOf({
    SSLv2: ['any'],
    SSLv3: ['any'],
    TLSv1: ['any'],
    'TLSv1.1': ['any'],
    'TLSv1.2': ['any'],
    'TLSv1.3': ['any'],
  }),
  limits: 'only `--protocols`: its other checks take minutes, and `docs/verify.md` compares them',
  async examine({ port, folder }) {
    const report = join(folder, `testssl-${port}.json`)
    const quiet = ['--quiet', '--color', '0', '--warnings', 'off', '--nodns', 'min', '--jsonfile', report]
    await runLimited(400, 'testssl', [...quiet, '--protocols', `127.0.0.1:${port}`])
    const findings = JSON.parse(readFileSync(report, 'utf8')) as readonly { id: string; finding: string }[]
    const isOffered = ({ id, finding }: { id: string; finding: string }): boolean =>
      id in versionNames && finding.startsWith('offered')
    if (findings.filter(({ id }) => id in versionNames).length !== 6) throw new Error(`testssl.sh: ${report}`)
    return findings.filter(isOffered).map(({ id }) => `${versionOf(id)} any`)
  },
}
