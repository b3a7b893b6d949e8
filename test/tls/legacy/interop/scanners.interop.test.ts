import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { startLab } from '../../../../src/testing/start-lab.ts'
import { type LegacySuite, legacySuites } from '../../../../src/tls/legacy/suites.ts'
import { newFolder } from '../../../support/folder.ts'
import { run } from '../../../support/openssl.ts'
import { needs } from '../../../support/programs.ts'
import { runLimited, runProgram } from '../../../support/run-program.ts'
import { dialogs } from './dialogs.ts'
import { oldOpenssl } from './peers.ts'

const folder = newFolder()

const HEALTHY = [
  'TLS_RSA_WITH_AES_128_CBC_SHA',
  'TLS_RSA_WITH_3DES_EDE_CBC_SHA',
  'TLS_DHE_RSA_WITH_AES_128_CBC_SHA',
] as const

describe.skipIf(!needs('nmap'))('nmap', () => {
  it.each([
    ['ccs-injection', 'ssl-ccs-injection'],
    ['heartbleed', 'ssl-heartbleed'],
  ] as const)('finds %s, and only there', { timeout: 120_000 }, async (defect, script) => {
    await using lab = await startLab({
      virtualServers: [
        { name: 'defective', protocol: 'pop3', tls: { defect } },
        { name: 'healthy', protocol: 'pop3', tls: { legacy: [...HEALTHY] } },
      ],
    })
    for (const name of ['defective', 'healthy']) {
      const args = ['-Pn', '-p', String(lab.server(name).tlsPort), '--script', script, '127.0.0.1']
      const { stdout } = await run('nmap', args, { timeout: 100_000 })
      expect(stdout.includes('State: VULNERABLE')).toBe(name === 'defective')
    }
  })
})

describe.skipIf(!needs('testssl'))('testssl.sh', () => {
  it.each([
    ['freak', '--freak', 'FREAK'],
    ['logjam', '--logjam', 'LOGJAM'],
    ['bleichenbacher', '--robot', 'ROBOT'],
  ] as const)('finds %s', { timeout: 240_000 }, async (defect, option, id) => {
    await using lab = await startLab({ virtualServers: [{ protocol: 'pop3', tls: { defect } }] })
    const report = join(folder, `${defect}.json`)
    const quiet = ['--quiet', '--color', '0', '--warnings', 'off', '--nodns', 'min', '--jsonfile', report]
    await runLimited(200, 'testssl', [...quiet, option, `127.0.0.1:${lab.server('pop3').tlsPort}`])
    const findings = JSON.parse(readFileSync(report, 'utf8')) as readonly { id: string; finding: string }[]
    expect(findings.find((one) => one.id === id)?.finding).toMatch(/^VULNERABLE/)
  })
})

describe.skipIf(!needs('sslscan'))('sslscan', () => {
  it('finds no-fallback-scsv, and only there', { timeout: 120_000 }, async () => {
    await using lab = await startLab({
      virtualServers: [
        { name: 'defective', protocol: 'pop3', tls: { defect: 'no-fallback-scsv' } },
        { name: 'healthy', protocol: 'pop3', tls: { legacy: [...HEALTHY] } },
      ],
    })
    for (const name of ['defective', 'healthy']) {
      const args = ['--no-colour', '--no-ciphersuites', '--no-groups', `127.0.0.1:${lab.server(name).tlsPort}`]
      const { stdout } = await runProgram('sslscan', args)
      const says =
        name === 'defective' ? 'Server does not support TLS Fallback SCSV' : 'Server supports TLS Fallback SCSV'
      expect(stdout).toContain(says)
    }
  })
})

describe.skipIf(!oldOpenssl.available())('OpenSSL 1.0.1g accepts', () => {
  it.each([
    ['freak', 'TLS_RSA_WITH_AES_128_CBC_SHA'],
    ['freak', 'TLS_RSA_EXPORT_WITH_RC4_40_MD5'],
    ['logjam', 'TLS_DHE_RSA_WITH_AES_128_CBC_SHA'],
  ] as const)('%s with %s', async (defect, suiteName) => {
    await using lab = await startLab({
      certificates: { store: 'memory', key: 'rsa-2048' },
      virtualServers: [{ protocol: 'pop3', tls: { defect } }],
    })
    const rootFile = join(folder, 'root.pem')
    writeFileSync(rootFile, lab.ca)
    const suite = legacySuites.find(({ name }) => name === suiteName) as LegacySuite
    const { before, after } = dialogs.implicit
    const job = { port: lab.server('pop3').tlsPort, version: 'TLSv1', suite, before, after } as const
    expect(await oldOpenssl.run([job], rootFile, folder)).toEqual([expect.stringMatching(/^ok/)])
  })
})
