/**
 * Compares what testssl.sh, sslscan and `sealpost verify` find on the same ten servers, and prints a table for
 * docs/verify.md. It needs the three programs' servers and tools, root, and Node.js 22.18 or later:
 *
 *     node test/checks/verify/comparison.ts [WORD]     only the servers whose title contains the word
 */
import { execFileSync } from 'node:child_process'
import { rmSync } from 'node:fs'
import { startLab } from '../../../src/testing/start-lab.ts'
import { newFolder } from '../../support/folder.ts'
import { type ServerIdentity, TestAuthority } from './authority.ts'
import { DOVECOT_HOST, startDovecot } from './debian/dovecot.ts'
import { startInnReaders } from './debian/inn.ts'
import { selfSignedByOpenssl, startOpenssl } from './debian/openssl.ts'
import { startPostfix } from './debian/postfix.ts'
import { bySslscan, byTestssl, byVerify, listed, output, type Subject } from './scanners.ts'

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

const folder = newFolder()
await using stack = new AsyncDisposableStack()
stack.defer(() => rmSync(folder, { recursive: true, force: true }))
const authority = await TestAuthority.create()
const [, , word = ''] = process.argv
const all = await startAll(stack, authority, await authority.issue())
const subjects = all.filter(({ title }) => title.includes(word))
console.log(`${await versions()}:\n\n| server | testssl.sh | sslscan | verify |\n|---|---|---|---|`)
// s_server answers one client at a time, so the three programs take turns.
const rows = await Promise.all(
  subjects.map(async (subject) => {
    const verify = listed(await byVerify(subject))
    const sslscan = listed(await bySslscan(subject))
    const testssl = listed(await byTestssl(subject, folder))
    console.error(`done: ${subject.title}`)
    return `| ${subject.title} | ${testssl} | ${sslscan} | ${verify} |`
  }),
)
console.log(rows.join('\n'))
