import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { newFolder } from '../../support/folder.ts'
import { sClient } from '../../support/openssl.ts'
import { needs } from '../../support/programs.ts'
import { runProgram } from '../../support/run-program.ts'
import { HttpLab } from './client.ts'

/** Certificates, with OpenSSL's number for clients that trust the lab, and for those that do not. */
const cases = [
  { defect: undefined, trusting: 0, others: 21 },
  { defect: 'expired', trusting: 10, others: 10 },
  { defect: 'not-yet-valid', trusting: 9, others: 9 },
  { defect: 'self-signed', trusting: 18, others: 18 },
  { defect: 'untrusted-root', trusting: 19, others: 19 },
  { defect: 'incomplete-chain', trusting: 21, others: 21 },
  { defect: 'wrong-host', trusting: 62, others: 21 },
  { defect: 'wrong-purpose', trusting: 26, others: 21 },
  { defect: 'name-constraint-violated', trusting: 47, others: 47 },
] as const

const python = `
import socket, ssl, sys
context = ssl.create_default_context(cafile=sys.argv[2])
context.wrap_socket(socket.create_connection(('127.0.0.1', int(sys.argv[1]))), server_hostname='localhost')
`

describe.runIf(needs('openssl'))('what clients say of a certificate', () => {
  const folder = newFolder()
  const ca = join(folder, 'lab-ca.pem')
  let http: HttpLab
  beforeAll(async () => {
    const servers = cases.map(({ defect }) => ({
      name: defect ?? 'good',
      protocol: 'imap4' as const,
      ...(defect ? { certificate: { defect } } : {}),
    }))
    http = await HttpLab.start({ virtualServers: [...servers, { protocol: 'smtp' }, { protocol: 'http' }] })
    writeFileSync(ca, http.lab.ca)
  })
  afterAll(() => http?.[Symbol.asyncDispose]())

  const portsOf = async (name: string) => (await http.request(`virtual-servers/${name}/verdicts`)).body.ports

  it.each(cases)('$defect: OpenSSL, curl and Python say so', async ({ defect, trusting, others }) => {
    const name = defect ?? 'good'
    const { port: clear, tlsPort = 0 } = http.lab.server(name)
    const ports = await portsOf(name)
    expect(ports).toMatchObject([
      { port: clear, implicitTls: false },
      { port: tlsPort, implicitTls: true },
    ])
    for (const one of ports) expect([one.trusting.code, one.others.code]).toEqual([trusting, others])
    const [{ trusting: verdict, sends, agreed }] = ports
    if (verdict.accepts) expect(agreed).toMatchObject({ version: 'TLSv1.3', bits: 256 })
    else expect(agreed).toBeNull()
    expect(sends.length).toBeGreaterThan(0)
    const command = ['-connect', `127.0.0.1:${tlsPort}`, '-servername', 'localhost', '-verify_hostname', 'localhost']
    const seen = await sClient([...command, '-CAfile', ca, '-purpose', 'sslserver'], 'a logout\r\n')
    expect(seen.toLowerCase()).toContain(`verify return code: ${verdict.code} (${verdict.message.toLowerCase()})`)

    const says = (client: string) => verdict.clients.find((found: { client: string }) => found.client === client)
    const curl = await runProgram('curl', ['-sS', '--cacert', ca, `imaps://localhost:${tlsPort}/`], { input: '' })
    if (says('curl').accepts) expect(curl.stderr).not.toContain('(60)')
    // Versions of curl before 8.11 write `host name`.
    else expect(curl.stderr.replace('host name', 'hostname')).toContain(says('curl').says)
    const script = await runProgram('python3', ['-c', python, `${tlsPort}`, ca], { input: '' })
    if (says('Python').accepts) expect(script).toMatchObject({ status: 0 })
    else expect(script.stderr).toContain(says('Python').says)
  })

  it.runIf(needs('javac'))('is what Java says, too', async () => {
    const tlsPorts = cases.map(({ defect }) => http.lab.server(defect ?? 'good').tlsPort)
    const client = join(import.meta.dirname, 'VerifyingClient.java')
    const { stdout } = await runProgram('java', [client, ca, ...tlsPorts.map(String)], { input: '' })
    const lines = stdout.trimEnd().split('\n')
    for (const [index, { defect }] of cases.entries()) {
      const [, { trusting }] = await portsOf(defect ?? 'good')
      const { says } = trusting.clients.find(({ client: name }: { client: string }) => name === 'Java')
      expect(lines[index], defect).toContain(trusting.accepts ? 'ok' : says)
    }
  })

  it('are asked with STARTTLS, for another name, and leave no sessions', async () => {
    const [smtp] = await portsOf('default-smtp-virtual-server')
    expect(smtp).toMatchObject({ implicitTls: false, trusting: { accepts: true, message: 'ok' } })
    const { body } = await http.request('virtual-servers/good/verdicts?serverName=mail.example.com')
    expect(body.ports[0].trusting).toMatchObject({ accepts: false, code: 62 })
    expect((await http.request('sessions?protocol=smtp')).body.total).toBe(0)
    expect((await http.request('virtual-servers/none/verdicts')).status).toBe(404)
  })
})
