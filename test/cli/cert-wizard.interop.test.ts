import { readdirSync } from 'node:fs'
import { beforeAll, describe, expect, it } from 'vitest'
import { needs } from '../support/programs.ts'
import { mainFile } from '../support/sealpost.ts'
import { run } from '../tls/pki/support.ts'
import { CertificateLab, imap4, pop3, smtp } from './cert-support.ts'

/** A text to wait for on the screen, and the keys to type then. */
type Step = readonly [shown: string, typed: string]

const enter = '\\r'
const down = (times: number): string => '\\033\\[B'.repeat(times) + enter
const braced = (text: string): string => text.replace(/[[\]$"\\{}]/g, '\\$&')

let pki: CertificateLab

/** Returns one expect command. On a single line, expect would take its braces for a pattern. */
const expectText = (text: string, then: string): string =>
  `expect {\n "${braced(text)}" { ${then} }\n timeout { puts "no: ${braced(text)}"; exit 9 }\n eof { exit 8 }\n}`

/** Runs the wizard in a pseudo-terminal with expect(1). Fails if a page does not appear. */
async function wizard(server: string, steps: readonly Step[], last: string, yaml = 'lab.yaml'): Promise<void> {
  const script = [
    'set timeout 30',
    'set stty_init "rows 50 cols 200"',
    `spawn {${process.execPath}} {${mainFile}} cert wizard --for ${server} --config ${yaml}`,
    ...steps.map(([shown, typed]) => expectText(shown, typed === '' ? '' : `send -- "${typed}"`)),
    expectText(last, ''),
    'expect eof',
    'exit [lindex [wait] 3]',
  ]
  const { code, out } = await run('expect', ['-c', script.join('\n')], undefined, pki.folder)
  expect(code, out).toBe(0)
}

const page = (question: string, answer = ''): Step => [question, answer + enter]
const questions: readonly Step[] = [
  page('Name of the new certificate'),
  page('Bit length or curve'),
  page('Organization (', 'Example Ltd'),
  page('Organizational unit', 'Mail'),
  page('Common name'),
  page('Additional host names', 'mail.example.test 192.0.2.7'),
  page('Country or region', 'JP'),
  page('State or province', 'Tokyo'),
  page('City or locality'),
]
const show = (server: string) => pki.certificateOf(server)

describe.skipIf(!needs('expect'))('sealpost cert wizard', () => {
  beforeAll(async () => {
    pki = new CertificateLab()
    await pki.outsideAuthority('outside')
  })

  it('prepares a request and goes back to earlier pages', async () => {
    await wizard(
      'smtp',
      [
        [smtp, enter],
        page('Prepare the request now'),
        ...questions.slice(0, 3),
        page('Organizational unit', '<'),
        page('Organization ('),
        ...questions.slice(3, 6),
        ['Country or region', `UK${enter}`],
        ['did you mean GB', `\\b\\bJP${enter}`],
        ...questions.slice(7),
        // Ctrl-U deletes the proposed name.
        ['File name for the request', `\\025no/where.txt${enter}`],
        ['there is no folder no', `\\025certreq.txt${enter}`],
        ['File:', ''],
        ['certreq.txt', ''],
        ['Is this right?', down(1)],
        ['File name for the request', `<${enter}`],
        page('City or locality', 'Chiyoda'),
        page('File name for the request'),
        ['Is this right?', enter],
      ],
      'Wrote certreq.txt (certificate request)',
    )
    const read = await pki.openssl('req', '-in', 'certreq.txt', '-verify', '-noout', '-text', '-nameopt', 'RFC2253')
    expect(read).toContain('CN=localhost,OU=Mail,O=Example Ltd,L=Chiyoda,ST=Tokyo,C=JP')
    expect(read).toMatch(/2048 bit[\s\S]*DNS:localhost, DNS:mail\.example\.test, IP Address:192\.0\.2\.7/)
  })

  it('deletes a pending request only after confirmation', async () => {
    const cancelled = wizard(
      'smtp',
      [
        [smtp, down(1)],
        ['Delete the request?', down(1)],
      ],
      'nothing has changed',
    )
    await expect(cancelled).rejects.toThrow(/expected 1 to be/)
    expect(await pki.json<unknown[]>('cert', 'pending')).toHaveLength(1)
  })

  it('installs the certificate of the pending request', async () => {
    await pki.sign('outside', 'certreq.txt', 'answer.cer')
    pki.write('page.html', '<html>Log on</html>')
    const steps: Step[] = [
      [smtp, enter],
      page('Path of the file', 'page.html'),
      ['looks like a page of a web site', ''],
      ['Path of the file', `\\025lost.cer${enter}`],
      ['cannot be read: no such file', ''],
      ['Path of the file', `\\025answer.cer${enter}`],
      ['CN=outside, O=Outside', ''],
      ['RSA 2048', ''],
      ['Served by:', ''],
      ['has an incomplete chain: outside', ''],
      ['Install this certificate?', enter],
    ]
    await wizard('smtp', steps, `installed on "${smtp}"`)
    expect(await show(smtp)).toMatchObject({ usedBy: [smtp], issuedBy: 'outside' })
  })

  it('writes a request to renew a certificate of an outside authority', async () => {
    await wizard('smtp', [[smtp, enter], ['Keep the key?', enter], page('File name for the request')], 'stays in use')
    expect(await pki.json<unknown[]>('cert', 'pending')).toHaveLength(1)
    await wizard(
      'smtp',
      [
        [smtp, down(1)],
        ['Delete the request?', enter],
      ],
      'is deleted',
    )
    expect(await pki.json<unknown[]>('cert', 'pending')).toHaveLength(0)
  })

  it('sends a request to an online authority, which it asks for before the summary', async () => {
    const steps: Step[] = [[pop3, enter], ['Prepare the request now', down(1)], ...questions]
    const review: Step[] = [
      page('Which authority?'),
      ['Authority:', ''],
      ['(enterprise)', ''],
      ['Is this right?', enter],
    ]
    await wizard('pop3', [...steps, ...review], `installed on "${pop3}"`)
    expect(await show(pop3)).toMatchObject({ usedBy: [pop3], friendlyName: pop3 })
  })

  it('returns to the authority if it refuses, and installs the certificate of a standalone one after approval', async () => {
    await pki.done('ca', 'create', 'root', 'Narrow CA', '--permit', 'narrow.test')
    await pki.done('ca', 'create', 'root', 'Slow CA', '--type', 'standalone')
    const steps: Step[] = [
      [imap4, enter],
      ['Prepare the request now', down(1)],
      ...questions,
      ['Which authority?', down(1)],
      ['Is this right?', enter],
      ['Not possible', ''],
      ['Which authority?', down(1)],
      ['(standalone)', ''],
      ['Is this right?', enter],
    ]
    await wizard('imap4', steps, 'is pending there')
    await wizard('imap4', [[imap4, enter]], 'not yet approved')
    await pki.done('ca', 'approve', '1')
    await wizard('imap4', [[imap4, enter]], `installed on "${imap4}"`)
  })

  it('renews, replaces, exports and removes the current certificate', async () => {
    const before = await show(pop3)
    await wizard(
      'pop3',
      [
        [pop3, enter],
        ['Keep the key?', down(1)],
      ],
      'is renewed',
    )
    expect((await show(pop3)).thumbprint).not.toBe(before.thumbprint)
    await wizard(
      'pop3',
      [
        [pop3, down(2)],
        ['Which certificate?', enter],
      ],
      `"${pop3}" now uses "${smtp}"`,
    )
    const exporting: Step[] = [
      [pop3, down(3)],
      ['File name', `\\025no/x.pfx${enter}`],
      ['there is no folder no', `\\025certificate.pfx${enter}`],
      page('Password for the file', 'secret'),
    ]
    await wizard('pop3', exporting, 'Wrote certificate.pfx (certificate with its private key)')
    await pki.openssl('pkcs12', '-in', 'certificate.pfx', '-passin', 'pass:secret', '-noout')
    await wizard(
      'pop3',
      [
        [pop3, down(1)],
        ['It stays in the store', enter],
      ],
      'has no certificate now, and no TLS',
    )
  })

  it('assigns an existing certificate and imports one from a file', async () => {
    await wizard(
      'pop3',
      [
        [pop3, down(1)],
        ['Which certificate?', enter],
      ],
      `"${smtp}" is assigned to "${pop3}"`,
    )
    await pki.done('cert', 'unassign', '--for', pop3)
    await pki.done('cert', 'unassign', '--for', smtp)
    await pki.done('cert', 'delete', smtp)
    const steps: Step[] = [
      [pop3, down(2)],
      page('Path of the file', 'certificate.pfx'),
      page('Password', 'wrong'),
      ['certificate.pfx: wrong password', ''],
      page('Path of the file'),
      page('Password', 'secret'),
      ['CN=outside, O=Outside', ''],
      [pop3, ''],
      ['Install this certificate?', enter],
    ]
    await wizard('pop3', steps, 'is imported and assigned')
  })

  it('names the line of the file that sets the certificate', async () => {
    const failed = wizard(
      'nntp',
      [
        ['Default NNTP', down(1)],
        ['Which certificate?', enter],
      ],
      'write auto or assigned there',
    )
    await expect(failed).rejects.toThrow(/expected 1 to be \+?0/)
  })

  it('changes nothing after Ctrl-C, while it asks and while it generates a key', async () => {
    await pki.done('cert', 'unassign', '--for', imap4)
    const before = pki.state
    const asked: Step[] = [[imap4, enter], ['Prepare the request now', enter], page('Name of the new certificate', '')]
    const asking = wizard('imap4', [...asked, ['Bit length', '\\003']], 'the wizard was cancelled; nothing has changed')
    await expect(asking).rejects.toThrow(/expected 1 to be/)
    const long: Step[] = [
      ...asked,
      // From 2048 bits to 16384.
      ['Bit length', down(3)],
      ...questions.slice(2),
      page('File name for the request'),
      ['Is this right?', enter],
      ['Generating the key', '\\003'],
    ]
    // The signal ends the wizard, for which expect(1) reports no exit status.
    await wizard('imap4', long, 'the wizard was cancelled; nothing has changed')
    expect(pki.state).toBe(before)
    expect(readdirSync(pki.path('certs')).filter((name) => name.startsWith('.lock'))).toEqual([])
  })

  it('fails without a terminal', async () => {
    const { status, stderr } = await pki.sealpost('cert', 'wizard')
    expect(status).toBe(2)
    expect(stderr).toContain('the wizard needs a terminal')
  })
})
