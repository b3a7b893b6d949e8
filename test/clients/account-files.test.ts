import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { connect } from 'node:tls'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { TestAuthority } from '../checks/verify/authority.ts'
import { DOVECOT_HOST, startDovecot } from '../checks/verify/debian/dovecot.ts'
import { type ClientLab, startClientLab } from '../support/client-lab.ts'
import { hasDovecot } from '../support/dovecot.ts'
import { LineClient } from '../support/line-client.ts'
import { DEBIAN_PYTHON, needs, needsModule } from '../support/programs.ts'
import { type ProgramResult, runProgram } from '../support/run-program.ts'

const PASSWORD = 'gehe im-ß€'
const program = (name: string, ...args: string[]): string => execFileSync(name, args, { encoding: 'utf8' }).trim()
const python = (code: string): string => program(DEBIAN_PYTHON, '-c', `${code}`, PASSWORD)

const hasHtpasswd = needs('htpasswd')
const hasHashers =
  needs('mkpasswd', 'openssl') && ['passlib', 'argon2', 'bcrypt'].every((name) => needsModule('python', name))

/** Functions that make the hash of each user with a program. */
const makers: Readonly<Record<string, () => string>> = {
  openssl6: () => program('openssl', 'passwd', '-6', PASSWORD),
  openssl5: () => program('openssl', 'passwd', '-5', PASSWORD),
  openssl1: () => program('openssl', 'passwd', '-1', PASSWORD),
  opensslapr1: () => program('openssl', 'passwd', '-apr1', PASSWORD),
  mkpasswd6: () => program('mkpasswd', '-m', 'sha512crypt', PASSWORD),
  mkpasswd5: () => program('mkpasswd', '-m', 'sha256crypt', '-R', '20000', PASSWORD),
  mkpasswd1: () => program('mkpasswd', '-m', 'md5crypt', PASSWORD),
  mkpasswdb: () => program('mkpasswd', '-m', 'bcrypt', PASSWORD),
  mkpasswda: () => program('mkpasswd', '-m', 'bcrypt-a', PASSWORD),
  passlib6: () =>
    python('import sys; from passlib.hash import sha512_crypt as h; print(h.using(rounds=50000).hash(sys.argv[1]))'),
  passlibldap: () => python('import sys; from passlib.hash import ldap_salted_sha1 as h; print(h.hash(sys.argv[1]))'),
  argon2: () =>
    python('import sys; from argon2 import PasswordHasher as h; print(h(memory_cost=8192).hash(sys.argv[1]))'),
  bcrypt: () => python('import sys, bcrypt; print(bcrypt.hashpw(sys.argv[1].encode(), bcrypt.gensalt(6)).decode())'),
}

let client: ClientLab
const users: string[] = []
beforeAll(async () => {
  client = await startClientLab()
  const file = join(client.folder, 'users.htpasswd')
  if (hasHtpasswd) {
    for (const [user, ...flags] of [
      ['apacheb', '-B'],
      ['apachem', '-m'],
      ['apaches', '-s'],
      ['apache2', '-2'],
      ['apache5', '-5', '-r', '10000'],
      ['apachep', '-p'],
    ] as const) {
      program('htpasswd', ...(users.length === 0 ? ['-c'] : []), '-b', ...flags, file, user, PASSWORD)
      users.push(user)
    }
  }
  const more = join(client.folder, 'users')
  const hashes = hasHashers ? Object.entries(makers).map(([user, make]) => `${user}:${make()}`) : []
  writeFileSync(more, `${hashes.join('\n')}\n`)
  if (hasHashers) users.push(...Object.keys(makers))
  const accountFiles = [...(hasHtpasswd ? [{ file }] : []), { file: more, format: 'htpasswd' as const }]
  await client.lab.reload({
    directory: { accountFiles },
    virtualServers: (['smtp', 'pop3', 'imap4', 'http'] as const).map((protocol) => ({ protocol, port: 0 })),
  })
})
afterAll(() => client[Symbol.asyncDispose]())

const LOGS_ON = `
import imaplib, poplib, ssl, sys
ca, imap, pop, password = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
context = ssl.create_default_context(cafile=ca)
def by_imap(user, password):
    client = imaplib.IMAP4('localhost', imap)
    client.starttls(context)
    plain = b'\\0' + user.encode() + b'\\0' + password.encode()
    try: return client.authenticate('PLAIN', lambda _: plain)[0] == 'OK'
    except imaplib.IMAP4.error: return False
    finally: client.logout()
def by_pop(user, password):
    client = poplib.POP3('localhost', pop)
    client.encoding = 'UTF-8'
    client.stls(context)
    client.user(user)
    try: return client.pass_(password).startswith(b'+OK')
    except poplib.error_proto: return False
    finally: client.quit()
for user in sys.argv[5:]:
    print(user, by_imap(user, password), by_pop(user, password), by_pop(user, password[:-1]))
`

describe.skipIf(!hasHtpasswd || !hasHashers)('hashes of htpasswd, openssl, mkpasswd and Python', () => {
  test('log on by Python’s imaplib and poplib', async () => {
    const ports = [client.lab.server('imap4').port, client.lab.server('pop3').port].map(String)
    const { stdout, stderr } = await runProgram(DEBIAN_PYTHON, [
      '-c',
      LOGS_ON,
      client.caFile,
      ...ports,
      PASSWORD,
      ...users,
    ])
    expect(stdout.trim().split('\n'), stderr).toEqual(users.map((user) => `${user} True True False`))
  })

  test.skipIf(!needs('curl'))('log on by curl: IMAP4, POP3, SMTP and HTTP Basic', async () => {
    const { lab, caFile } = client
    const curl = (url: string, user: string, password: string, ...more: string[]): Promise<ProgramResult> =>
      runProgram('curl', ['-sS', '--cacert', caFile, '-u', `${user}:${password}`, ...more, url])
    const url = (scheme: string, name: 'imap4' | 'pop3' | 'smtp' | 'http') =>
      `${scheme}://localhost:${lab.server(name).port}/`
    for (const user of ['apacheb', 'mkpasswd6']) {
      for (const [password, isRight] of [
        [PASSWORD, true],
        ['wrong', false],
      ] as const) {
        const { stdout } = await curl(
          `${url('http', 'http')}api/v1/messages`,
          user,
          password,
          '-o',
          '/dev/null',
          '-w',
          '%{http_code}',
        )
        expect(stdout, `${user} ${password}`).toBe(isRight ? '200' : '401')
        for (const [scheme, name] of [
          ['imap', 'imap4'],
          ['pop3', 'pop3'],
          ['smtp', 'smtp'],
        ] as const) {
          const mail =
            name === 'smtp' ? ['--mail-from', 'a@lab.test', '--mail-rcpt', `${user}@lab.test`, '-T', '-'] : []
          const { status } = await curl(url(scheme, name), user, password, '--ssl-reqd', ...mail)
          expect(status === 0, `${scheme} ${user} ${password}`).toBe(isRight)
        }
      }
    }
  })

  test.skipIf(!needs('swaks'))('log on by swaks', async () => {
    const swaks = async (auth: string, password: string): Promise<number> => {
      const server = `localhost:${client.lab.server('smtp').port}`
      const logOn = ['--auth', auth, '--auth-user', 'bcrypt', '--auth-password', password]
      const tls = ['--tls', '--tls-verify', '--tls-ca-path', client.caFile]
      return (
        await runProgram('swaks', [
          '--server',
          server,
          ...tls,
          ...logOn,
          '--to',
          'bcrypt@lab.test',
          '--quit-after',
          'AUTH',
        ])
      ).status
    }
    for (const auth of ['PLAIN', 'LOGIN']) {
      expect(await swaks(auth, PASSWORD)).toBe(0)
      expect(await swaks(auth, 'wrong')).not.toBe(0)
    }
    // Only hashes are known.
    expect(await swaks('CRAM-MD5', PASSWORD)).not.toBe(0)
  })
})

const SCHEMES = [
  ...['PLAIN', 'CLEARTEXT', 'CRYPT', 'SHA512-CRYPT', 'SHA256-CRYPT', 'MD5-CRYPT', 'MD5', 'BLF-CRYPT', 'PBKDF2'],
  ...['SHA', 'SHA1', 'SHA256', 'SHA512', 'SSHA', 'SSHA256', 'SSHA512', 'SMD5', 'LDAP-MD5', 'PLAIN-MD5'],
  ...['SHA.HEX', 'SHA256.B64', 'SSHA512.HEX', 'SHA512-CRYPT.B64', 'PLAIN.B64', 'SCRAM-SHA-1', 'SCRAM-SHA-256'],
]
/** The schemes whose answers are compared for every password. */
const WHOLE = ['PLAIN', 'SHA512-CRYPT', 'BLF-CRYPT']
const SECRETS = ['geheim', 'sécret €', 'a'.repeat(80), ' x ']
/** Dovecot does not normalize Unicode, and reports an error for crypt with more than 512 octets. */
const GUESSES = [...SECRETS, 'Geheim', 'a'.repeat(72), 'a'.repeat(71), 'x', '']

describe.skipIf(!hasDovecot())('a passwd-file of Dovecot', () => {
  test('gives the same answers as Dovecot itself', async () => {
    const file = join(client.folder, 'passwd')
    // Dovecot does not run as root.
    chmodSync(client.folder, 0o755)
    const hashOf = (scheme: string, secret: string) => program('doveadm', '-O', 'pw', '-s', scheme, '-p', secret)
    const lines = SCHEMES.flatMap((scheme, n) =>
      (WHOLE.includes(scheme) ? SECRETS : SECRETS.slice(0, 1)).map(
        (secret, m) => `u${n}-${m}@lab.test:${hashOf(scheme, secret)}:1000:1000::/nowhere::userdb_x=y`,
      ),
    )
    lines.push(`argon2id:${hashOf('ARGON2ID', 'geheim')}`, `locked:{PLAIN}geheim:::::: nologin`, '# comment', '')
    writeFileSync(file, lines.join('\n'), { mode: 0o644 })
    await client.lab.reload({
      directory: { accountFiles: [{ file }] },
      virtualServers: [{ protocol: 'imap4', port: 0, tlsPort: 0 }],
    })
    const authority = await TestAuthority.create()
    await using dovecot = await startDovecot(
      await authority.issue(),
      `auth_failure_delay = 0\nauth_allow_weak_schemes = yes\npassdb passwd-file {\n  passwd_file_path = ${file}\n}`,
    )
    const own = { host: '127.0.0.1', port: client.lab.server('imap4').tlsPort as number, ca: client.lab.ca }
    const other = { host: DOVECOT_HOST, port: dovecot.imap4.tlsPort, ca: authority.rootPem }
    const different: string[] = []
    let accepted = 0
    for (const user of lines.flatMap((line) => (line.includes(':') ? [line.split(':', 1)[0] as string] : []))) {
      const isWhole = WHOLE.includes(SCHEMES[Number(/^u(\d+)-/.exec(user)?.[1])] ?? '')
      const guesses = isWhole ? GUESSES : ['geheim', 'x']
      const [mine, theirs] = await Promise.all([own, other].map((server) => answers(server, user, guesses)))
      accepted += theirs?.filter(Boolean).length ?? 0
      guesses.forEach((guess, n) => {
        if (mine?.[n] !== theirs?.[n])
          different.push(`${user} ${guess.slice(0, 20)}: ${mine?.[n]}, and Dovecot ${theirs?.[n]}`)
      })
    }
    expect(accepted).toBeGreaterThan(30)
    expect(different).toEqual([])
  })
})

test.skipIf(!hasDovecot() || !needs('gsasl'))(
  'SCRAM keys of doveadm log on by GNU SASL, without the password',
  async () => {
    const file = join(client.folder, 'scram')
    const hash = program('doveadm', '-O', 'pw', '-s', 'SCRAM-SHA-256', '-r', '5000', '-p', 'geheim')
    writeFileSync(file, `alice:${hash}\nbob:{PLAIN}other\n`)
    await client.lab.reload({
      directory: { accountFiles: [{ file }] },
      virtualServers: [{ protocol: 'imap4', port: 0, tlsPort: 0, authentication: ['basic', 'scram-sha-256-plus'] }],
    })
    const gsasl = async (user: string, password: string, mechanism = 'SCRAM-SHA-256'): Promise<boolean> => {
      const server = ['--imap', '--connect', `localhost:${client.lab.server('imap4').port}`, '--starttls']
      const binding = mechanism.endsWith('-PLUS') ? [] : ['--no-cb']
      const logOn = [`--x509-ca-file=${client.caFile}`, '-m', mechanism, '-a', user, '-p', password, ...binding]
      return (await runProgram('gsasl', [...server, ...logOn])).status === 0
    }
    expect([await gsasl('alice', 'geheim'), await gsasl('alice', 'other'), await gsasl('bob', 'other')]).toEqual([
      true,
      false,
      true,
    ])
    expect(await gsasl('alice', 'geheim', 'SCRAM-SHA-256-PLUS')).toBe(true)
    expect(await gsasl('alice', 'geheim', 'PLAIN')).toBe(true)
    for (const mechanism of ['SCRAM-SHA-1', 'CRAM-MD5']) expect(await gsasl('bob', 'other', mechanism)).toBe(false)
  },
)

interface Server {
  readonly host: string
  readonly port: number
  readonly ca: string
}

/** Returns whether each password logs on. */
async function answers({ host, port, ca }: Server, user: string, passwords: readonly string[]): Promise<boolean[]> {
  return Promise.all(
    passwords.map(async (password) => {
      const socket = connect({ host, port, ca, servername: 'localhost' })
      await once(socket, 'secureConnect')
      const line = new LineClient(socket)
      await line.line()
      line.send(`a AUTHENTICATE PLAIN ${Buffer.from(`\0${user}\0${password}`).toString('base64')}\r\n`)
      const [answer = ''] = (await line.lines((one) => one.startsWith('a '))).slice(-1)
      line.destroy()
      return answer.startsWith('a OK')
    }),
  )
}
