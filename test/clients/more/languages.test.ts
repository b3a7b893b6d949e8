import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type ClientLab, startClientLab } from '../../support/client-lab.ts'
import { hasFile, ifInstalled } from '../../support/more-programs.ts'
import { runProgram } from '../../support/run-program.ts'

const program = (name: string): string => fileURLToPath(new URL(`programs/${name}`, import.meta.url))

let client: ClientLab
beforeAll(async () => {
  client = await startClientLab()
})
afterAll(() => client[Symbol.asyncDispose]())

const ports = () => {
  const { lab } = client
  return [lab.server('smtp').port, lab.server('imap4').tlsPort, lab.server('pop3').tlsPort].map(String)
}

/** Runs a program that ends with status 0 and `done`. */
async function expectDone(command: string, args: readonly string[], env: Record<string, string> = {}): Promise<void> {
  const { status, stdout, stderr } = await runProgram(command, args, { env })
  expect([status, stdout.split('\n').at(-2)], stdout + stderr).toEqual([0, 'done'])
}

describe.skipIf(!ifInstalled('ruby'))('Ruby: net-smtp, net-imap, net-pop', () => {
  test.each(['PLAIN', 'CRAM-MD5', 'SCRAM-SHA-256'])('%s', async (mechanism) => {
    const env = { SSL_CERT_FILE: client.caFile, MECHANISM: mechanism }
    await expectDone('ruby', ['-W0', program('mail.rb'), ...ports()], env)
  })
})

describe.skipIf(!ifInstalled('perl', hasFile('/usr/share/perl5/Mail/IMAPClient.pm')))('Perl: Mail::IMAPClient', () => {
  test.each(['LOGIN', 'PLAIN', 'CRAM-MD5'])('%s', async (mechanism) => {
    const port = String(client.lab.server('imap4').tlsPort)
    await expectDone('perl', [program('mail.pl'), port, client.caFile, mechanism])
  })
})

const JAKARTA = ['jakarta-mail.jar', 'jakarta-activation.jar'].map((name) => `/usr/share/java/${name}`)
describe.skipIf(!ifInstalled('java', 'keytool', ...JAKARTA.map(hasFile)))('Java: Jakarta Mail', () => {
  test.each(['PLAIN', 'LOGIN'])('%s', async (mechanism) => {
    const store = join(client.folder, `roots-${mechanism}.p12`)
    const keys = ['-keystore', store, '-storepass', 'changeit', '-storetype', 'PKCS12']
    const args = ['-importcert', '-noprompt', '-alias', 'lab', '-file', client.caFile, ...keys]
    expect((await runProgram('keytool', args)).status).toBe(0)
    const trust = [`-Djavax.net.ssl.trustStore=${store}`, '-Djavax.net.ssl.trustStorePassword=changeit']
    await expectDone('java', [...trust, '-cp', JAKARTA.join(':'), program('Mail.java'), ...ports(), mechanism])
  })
})

const GO_IMAP = '/usr/share/gocode/src/github.com/emersion/go-imap/client/client.go'
describe.skipIf(!ifInstalled('go', hasFile(GO_IMAP)))('Go: net/smtp, go-imap', () => {
  test('PLAIN, LOGIN', async () => {
    const cache = join(client.folder, 'go')
    const env = { SSL_CERT_FILE: client.caFile, GO111MODULE: 'off', GOPATH: '/usr/share/gocode', GOCACHE: cache }
    await expectDone('go', ['run', program('mail.go'), ...ports()], env)
  })
})
