import { execFile } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type OpensslServer, startOpenssl } from '../../../checks/verify/debian/openssl.ts'
import { newFolder } from '../../../support/folder.ts'
import { needs } from '../../../support/programs.ts'

const here = import.meta.dirname
const docFile = new URL('../../../../docs/which-certificate.md', import.meta.url)
const COMMAND = 'SEALPOST_LONG=1 SEALPOST_WRITE_DOCS=1 npx vitest run which-certificate'
const [BEGIN, END] = [`<!-- begin (${COMMAND}) -->\n\n`, '\n<!-- end -->']

/** A kind of certificate. Defaults: P-256, signed with SHA-256, for the name that the client uses, valid for 90 days. */
interface Row {
  readonly title: string
  /** Arguments of `openssl genpkey`. */
  readonly key?: readonly string[]
  readonly hash?: string
  readonly names?: string
  readonly days?: number
  readonly extensions?: readonly string[]
}

const rsa = (bits: number): string[] => ['-algorithm', 'RSA', '-pkeyopt', `rsa_keygen_bits:${bits}`]
const ec = (curve: string): string[] => ['-algorithm', 'EC', '-pkeyopt', `ec_paramgen_curve:${curve}`]

const rows: readonly Row[] = [
  { title: 'RSA 1024', key: rsa(1024) },
  { title: 'RSA 2048', key: rsa(2048) },
  { title: 'RSA 4096', key: rsa(4096) },
  { title: 'RSA-PSS 2048', key: ['-algorithm', 'RSA-PSS', '-pkeyopt', 'rsa_keygen_bits:2048'] },
  { title: 'ECDSA P-256' },
  { title: 'ECDSA P-384', key: ec('P-384') },
  { title: 'ECDSA P-521', key: ec('P-521') },
  { title: 'ECDSA secp256k1', key: ec('secp256k1') },
  { title: 'Ed25519', key: ['-algorithm', 'ED25519'] },
  { title: 'ML-DSA-65', key: ['-algorithm', 'ML-DSA-65'] },
  { title: 'signed with SHA-1', hash: 'sha1' },
  { title: 'signed with MD5', hash: 'md5' },
  { title: 'wildcard `*.lab.test`', names: 'DNS:*.lab.test' },
  { title: 'name in the common name only', names: '' },
  { title: 'valid for 10 years', days: 3650 },
  { title: 'of an authority (CA:TRUE)', extensions: ['basicConstraints=critical,CA:TRUE'] },
  { title: 'for clients only (clientAuth)', extensions: ['extendedKeyUsage=clientAuth'] },
  { title: 'unknown critical extension', extensions: ['1.2.3.4=critical,ASN1:NULL'] },
]

const HOST = 'mail.lab.test'

const run = promisify(execFile)
let folder: string
let servers: readonly OpensslServer[] = []

/** Runs a program. Returns its output, also if it fails. */
const output = (program: string, args: readonly string[]): Promise<string> => {
  const child = run(program, args, {
    cwd: folder,
    timeout: 300_000,
    env: { ...process.env, GOCACHE: join(folder, 'go') },
  })
  child.child.stdin?.end()
  return child.then(
    ({ stdout }) => `${stdout}\nstatus 0`,
    (error: { stdout?: string }) => error.stdout ?? '',
  )
}

interface Client {
  readonly name: string
  readonly programs: readonly string[]
  readonly version: readonly [program: string, ...args: string[]]
  /** Returns those ports whose certificate it accepts. */
  readonly accepts: (ports: readonly string[]) => Promise<readonly string[]>
}

/** Returns an `accepts` that runs a program for each port, which succeeds if it accepts the certificate. */
const oneByOne =
  (program: string, args: (port: string) => readonly string[]): Client['accepts'] =>
  async (ports) => {
    const found: string[] = []
    for (const port of ports) if ((await output(program, args(port))).endsWith('status 0')) found.push(port)
    return found
  }

/** Returns an `accepts` that runs a program once, which prints the ports. */
const together =
  (program: string, ...args: readonly string[]): Client['accepts'] =>
  async (ports) => {
    const targets = ports.flatMap((port) => [port, HOST])
    return (await output(program, [...args, 'ca.pem', ...targets])).match(/^\d+$/gm) ?? []
  }

const clients: readonly Client[] = [
  {
    name: 'OpenSSL',
    programs: ['openssl'],
    version: ['openssl', 'version'],
    accepts: oneByOne('openssl', (port) => {
      const verify = ['-CAfile', 'ca.pem', '-verify_return_error', '-verify_hostname', HOST]
      return ['s_client', '-brief', '-connect', `127.0.0.1:${port}`, '-servername', HOST, ...verify]
    }),
  },
  {
    name: 'curl',
    programs: ['curl'],
    version: ['curl', '--version'],
    accepts: oneByOne('curl', (port) => {
      const to = ['--resolve', `${HOST}:${port}:127.0.0.1`, `https://${HOST}:${port}/`]
      return ['--silent', '--noproxy', '*', '--max-time', '60', '--output', 'page', '--cacert', 'ca.pem', ...to]
    }),
  },
  {
    name: 'Python',
    programs: ['/usr/bin/python3'],
    version: ['/usr/bin/python3', '--version'],
    accepts: together('/usr/bin/python3', join(here, 'client.py')),
  },
  {
    name: 'GnuTLS',
    programs: ['gnutls-cli'],
    version: ['gnutls-cli', '--version'],
    accepts: oneByOne('gnutls-cli', (port) => {
      const verify = ['--x509cafile=ca.pem', `--verify-hostname=${HOST}`, `--sni-hostname=${HOST}`]
      return [...verify, '-p', port, '127.0.0.1']
    }),
  },
  {
    name: 'NSS (Firefox, Thunderbird)',
    programs: ['tstclnt', 'certutil'],
    version: ['dpkg-query', '-W', 'libnss3'],
    accepts: oneByOne('tstclnt', (port) => ['-Q', '-4', '-h', 'localhost', '-a', HOST, '-p', port, '-d', 'sql:.']),
  },
  {
    name: 'Java',
    programs: ['java'],
    version: ['java', '--version'],
    accepts: together('java', join(here, 'NamedClient.java')),
  },
  {
    name: 'Go',
    programs: ['go'],
    version: ['go', 'version'],
    accepts: together('go', 'run', join(here, 'client.go')),
  },
]

const runs = clients.every(({ programs }) => needs(...programs))

describe.skipIf(!runs)('docs/which-certificate.md', () => {
  beforeAll(async () => {
    folder = newFolder()
    const openssl = (...args: readonly string[]) => run('openssl', args, { cwd: folder })
    const ca = ['-newkey', 'rsa:2048', '-noenc', '-keyout', 'ca.key', '-out', 'ca.pem', '-subj', '/CN=Which CA']
    await openssl('req', '-x509', '-days', '3650', ...ca, '-addext', 'keyUsage=critical,keyCertSign,cRLSign')
    await openssl('x509', '-in', 'ca.pem', '-out', 'ca.der', '-outform', 'DER')
    await run('certutil', ['-N', '-d', 'sql:.', '--empty-password'], { cwd: folder })
    await run('certutil', ['-A', '-d', 'sql:.', '-n', 'ca', '-t', 'C,,', '-i', 'ca.pem'], { cwd: folder })
    servers = await Promise.all(rows.map((row, index) => start(row, `row-${index}`)))
  }, 300_000)
  afterAll(async () => {
    for (const server of servers) await server[Symbol.asyncDispose]()
  })

  it('has what each client accepts', { timeout: 1_800_000 }, async () => {
    const ports = servers.map(({ port }) => String(port))
    const found: (readonly string[])[] = []
    const versions: string[] = []
    for (const { accepts, version, name } of clients) {
      // The servers take one connection at a time.
      found.push(await accepts(ports))
      const [program, ...args] = version
      versions.push(`${name} ${/\d+(?:\.\d+)+/.exec(await output(program, args))?.[0]}`)
    }
    const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |\n`
    const table = rows.map(({ title }, at) =>
      line([title, ...found.map((ok) => (ok.includes(ports[at] as string) ? 'yes' : '**no**'))]),
    )
    const titles = ['certificate', ...clients.map(({ name }) => name)]
    const head = line(titles) + line(titles.map(() => '---'))
    const text = `${head}${table.join('')}\nTried with ${versions.join(', ')}.\n`
    const part = (page: string) => [page.indexOf(BEGIN) + BEGIN.length, page.indexOf(END)] as const
    const before = readFileSync(docFile, 'utf8')
    const [from, to] = part(before)
    if (process.env.SEALPOST_WRITE_DOCS === '1') writeFileSync(docFile, before.slice(0, from) + text + before.slice(to))
    const page = readFileSync(docFile, 'utf8')
    // Without the versions, which change more often.
    expect(page.slice(...part(page)).split('\n\n')[0]).toBe(text.split('\n\n')[0])
  })
})

/** Issues a certificate, and serves it with OpenSSL, which can serve each kind, whatever this Node.js can. */
async function start({ key = ec('P-256'), hash = 'sha256', names, days = 90, extensions = [] }: Row, name: string) {
  const openssl = (...args: readonly string[]) => run('openssl', args, { cwd: folder })
  await openssl('genpkey', ...key, '-out', `${name}.key`)
  await openssl('pkey', '-in', `${name}.key`, '-pubout', '-out', `${name}.pub`)
  const own = extensions.some((one) => one.startsWith('basicConstraints')) ? [] : ['basicConstraints=critical,CA:FALSE']
  const subjectAltName = names === '' ? [] : [`subjectAltName=${names ?? `DNS:${HOST}`}`]
  const identifiers = ['subjectKeyIdentifier=hash', 'authorityKeyIdentifier=keyid']
  writeFileSync(join(folder, `${name}.ext`), [...subjectAltName, ...own, ...identifiers, ...extensions].join('\n'))
  const issuer = ['-CA', 'ca.pem', '-CAkey', 'ca.key', `-${hash}`, '-days', String(days)]
  const content = ['-subj', `/CN=${HOST}`, '-force_pubkey', `${name}.pub`, '-extfile', `${name}.ext`]
  await openssl('x509', '-new', ...content, ...issuer, '-out', `${name}.pem`)
  const read = (ending: string): string => readFileSync(join(folder, `${name}.${ending}`), 'utf8')
  return startOpenssl({ key: read('key'), cert: read('pem') }, ['-www', '-cipher', 'ALL:@SECLEVEL=0'])
}
