import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { newFolder } from '../../support/folder.ts'
import { freePorts } from '../../support/free-ports.ts'
import { needs } from '../../support/programs.ts'
import { startHaproxy } from '../../support/proxies.ts'
import { type ServerIdentity, TestAuthority } from './authority.ts'
import { DOVECOT_HOST, startDovecot } from './debian/dovecot.ts'
import { startPostfix } from './debian/postfix.ts'
import { startSelfserv } from './debian/selfserv.ts'
import { byTestssl, byVerify, type Subject } from './scanners.ts'

let authority: TestAuthority
let good: ServerIdentity
let folder: string
beforeAll(async () => {
  folder = newFolder()
  authority = await TestAuthority.create()
  good = await authority.issue()
})

type Started = Pick<Subject, 'protocol' | 'port'> & Partial<Subject> & AsyncDisposable

/** Starts HAProxy as an HTTPS server. @param settings of its line `bind` */
async function haproxy(settings: string): Promise<Started> {
  const file = join(folder, 'haproxy.pem')
  writeFileSync(file, `${good.cert}${good.key}`, { mode: 0o600 })
  const [port = 0] = await freePorts(1)
  const server = await startHaproxy(
    `defaults
  mode http
  timeout client 30s
  timeout server 30s
  timeout connect 5s
frontend web
  bind 127.0.0.1:${port} ssl crt ${file} ${settings}
  http-request return status 200 content-type text/plain string hello
`,
    [port],
  )
  return { protocol: 'http', port, implicitTls: true, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() }
}

async function selfserv(versions: string): Promise<Started> {
  const server = await startSelfserv(good, versions)
  const end = () => server[Symbol.asyncDispose]()
  return { protocol: 'http', port: server.port, implicitTls: true, [Symbol.asyncDispose]: end }
}

async function dovecot(identity: ServerIdentity, settings?: string): Promise<Started> {
  const server = await startDovecot(identity, settings)
  const end = () => server[Symbol.asyncDispose]()
  return { protocol: 'imap4', host: DOVECOT_HOST, port: server.imap4.port, [Symbol.asyncDispose]: end }
}

async function postfix(settings?: string): Promise<Started> {
  const server = await startPostfix(good, settings)
  return { protocol: 'smtp', port: server.port, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() }
}

const OLD = 'ssl = yes\nauth_allow_cleartext = yes\nssl_min_protocol = TLSv1\nssl_cipher_list = DEFAULT:@SECLEVEL=0'
const STRICT = 'smtpd_tls_protocols = >=TLSv1.2\nsmtpd_tls_exclude_ciphers = aNULL'

interface Row {
  readonly title: string
  readonly start: () => Promise<Started>
  /** Labels of both programs. */
  readonly both: readonly string[]
  /** Labels of `verify` alone. */
  readonly verify?: readonly string[]
  /** Labels of testssl.sh alone, apart from suites with CBC or without forward secrecy, which `verify` reports for information. */
  readonly testssl?: readonly string[]
}

const old = ['TLS 1.0', 'TLS 1.1']
/** For testssl.sh, RC4 is one of the suites that it lists with DES. */
const nss = ['3DES', 'RC4', 'client renegotiation']
const rows: readonly Row[] = [
  { title: 'Dovecot', start: () => dovecot(good), both: [] },
  {
    title: 'Dovecot with TLS 1.0, clear-text log-on and an expired certificate',
    start: async () => dovecot(await authority.issue({ to: -1, from: -9 }), OLD),
    both: [...old, 'certificate dates'],
    verify: ['clear-text log-on'],
    // It does not look whether the chain of an expired certificate is right.
    testssl: ['certificate trust'],
  },
  // verify reads the group of anonymous suites, too.
  { title: 'Postfix', start: () => postfix(), both: [...old, 'anonymous'], verify: ['weak DH'] },
  { title: 'Postfix that requires TLS 1.2', start: () => postfix(STRICT), both: [] },
  { title: 'HAProxy', start: () => haproxy(''), both: [] },
  {
    title: 'HAProxy with TLS 1.0',
    start: () => haproxy('ssl-min-ver TLSv1.0 ciphers ECDHE-RSA-AES128-SHA:AES128-SHA:@SECLEVEL=0'),
    both: old,
  },
  { title: 'selfserv of NSS', start: () => selfserv('tls1.2:'), both: nss, testssl: ['DES'] },
  { title: 'selfserv of NSS with TLS 1.0', start: () => selfserv('tls1.0:'), both: [...old, ...nss], testssl: ['DES'] },
]

const runs =
  process.getuid?.() === 0 && needs('testssl', 'haproxy', 'selfserv', 'certutil', 'pk12util', 'dovecot', 'postfix')

describe.skipIf(!runs)('verify and testssl.sh find the same', () => {
  it.each(rows)('$title', { timeout: 3_600_000 }, async ({ start, both, verify = [], testssl = [] }) => {
    await using server = await start()
    const subject = { title: '', ca: authority.rootPem, ...server }
    const distinct = (labels: readonly string[]): string[] => [...new Set(labels)].filter(isCounted).sort()
    const found = {
      verify: distinct(await byVerify(subject)),
      testssl: distinct(await byTestssl(subject, folder)),
    }
    expect(found).toEqual({ verify: [...both, ...verify].sort(), testssl: [...both, ...testssl].sort() })
  })
})

const isCounted = (label: string): boolean => label !== '' && label !== 'CBC or no forward secrecy'
