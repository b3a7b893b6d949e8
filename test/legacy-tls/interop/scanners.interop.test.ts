import { describe, expect, it } from 'vitest'
import { startLab } from '../../../src/testing/start-lab.ts'
import { run } from '../../support/openssl.ts'
import { needs } from '../../support/programs.ts'

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
