import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type SealpostResult, Workplace } from '../support/sealpost.ts'
import { run as runProgram } from '../tls/pki/support.ts'

const labYaml = `hostname: localhost
certificates: { store: certs, key: p256 }
virtualServers:
  - { protocol: smtp, port: 0 }
  - { protocol: pop3, port: 0, tlsPort: 0, certificate: assigned }
  - { protocol: imap4, port: 0, tlsPort: 0 }
  - { protocol: nntp, port: 0, certificate: none }
`

export const smtp = 'Default SMTP Virtual Server'
export const pop3 = 'Default POP3 Virtual Server'
export const imap4 = 'Default IMAP4 Virtual Server'

/** The output of `cert list --json` and `cert show --json`. */
export interface ShownCertificate {
  readonly friendlyName: string
  readonly issuedTo: string
  readonly issuedBy: string
  readonly thumbprint: string
  readonly usedBy: readonly string[]
  readonly state: string
  readonly serial: string
  readonly key: string
  readonly names: readonly string[]
  readonly chain: readonly string[]
  readonly certificatePem: string
}

/** A folder with a configuration and its certificate store. */
export class CertificateLab extends Workplace {
  constructor(yaml: string = labYaml) {
    super()
    this.write('lab.yaml', yaml)
  }

  /** Returns the certificate that a virtual server uses. */
  async certificateOf(virtualServer: string): Promise<ShownCertificate> {
    const all = await this.json<ShownCertificate[]>('cert', 'list')
    const used = all.find(({ usedBy }) => usedBy.includes(virtualServer))
    if (used === undefined) throw new Error(`${virtualServer} has no certificate`)
    return this.json('cert', 'show', used.thumbprint)
  }

  path(name: string): string {
    return join(this.folder, name)
  }

  text(name: string): string {
    return readFileSync(this.path(name), 'utf8')
  }

  /** The index of the store as text, to check that it did not change. */
  get state(): string {
    return existsSync(this.path('certs/store.json')) ? this.text('certs/store.json') : ''
  }

  sealpost(...args: readonly string[]): Promise<SealpostResult> {
    return this.run([...args, '--config', 'lab.yaml'])
  }

  /** Runs a command that must succeed. Returns its standard output. */
  async done(...args: readonly string[]): Promise<string> {
    const { status, stdout, stderr } = await this.sealpost(...args)
    if (status !== 0) throw new Error(`sealpost ${args.join(' ')}: ${status}: ${stderr}`)
    return stdout
  }

  async json<T = Record<string, string>>(...args: readonly string[]): Promise<T> {
    return JSON.parse(await this.done(...args, '--json')) as T
  }

  /** Runs a command that must fail and change nothing. Returns its one line on standard error. */
  async refused(...args: readonly string[]): Promise<string> {
    const before = this.state
    const { status, stderr } = await this.sealpost(...args)
    if (status !== 1) throw new Error(`sealpost ${args.join(' ')}: status ${status}, not 1: ${stderr}`)
    if (this.state !== before) throw new Error(`sealpost ${args.join(' ')}: the store was changed`)
    const lines = stderr.trim().split('\n')
    if (lines.length !== 1) throw new Error(`more than one line: ${stderr}`)
    return lines[0] ?? ''
  }

  /** Writes certreq.txt for a virtual server. */
  request(server: string, ...args: readonly string[]): Promise<string> {
    return this.done('cert', 'request', '--for', server, '--cn', 'localhost', '--out', 'certreq.txt', ...args)
  }

  /** Issues a certificate of the lab for a virtual server. Returns its thumbprint. */
  async issue(server: string, name: string, ...args: readonly string[]): Promise<string> {
    const { thumbprint = '' } = await this.json(
      ...['cert', 'issue', '--for', server, '--cn', 'localhost', '--name', name],
      ...args,
    )
    return thumbprint
  }

  /** Runs openssl in the folder. It must succeed. Returns its output. */
  async openssl(...args: readonly string[]): Promise<string> {
    const { code, out, err } = await runProgram('openssl', args, undefined, this.folder)
    if (code !== 0) throw new Error(`openssl ${args.join(' ')}: ${err}`)
    return out + err
  }

  /** Creates a key and a request for a common name with openssl. */
  async opensslRequest(
    commonName: string,
    { key, out }: { readonly key: string; readonly out: string },
  ): Promise<void> {
    const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', key]
    await this.openssl('req', '-new', ...newKey, '-subj', `/CN=${commonName}`, '-out', out)
  }

  /** Runs openssl in the folder. Returns its exit status. */
  opensslCode(...args: readonly string[]): Promise<number> {
    return runProgram('openssl', args, undefined, this.folder).then(({ code }) => code)
  }

  /** Creates an authority outside the lab with openssl: NAME.pem and NAME.key. */
  async outsideAuthority(name: string, parent?: string): Promise<void> {
    writeFileSync(
      this.path(`${name}.ext`),
      'basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\nsubjectKeyIdentifier=hash\n' +
        (parent ? 'authorityKeyIdentifier=keyid\n' : ''),
    )
    const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', `${name}.key`]
    await this.openssl('req', '-new', ...key, '-subj', `/O=Outside/CN=${name}`, '-out', `${name}.csr`)
    const signer = parent ? ['-CA', `${parent}.pem`, '-CAkey', `${parent}.key`] : ['-key', `${name}.key`]
    const days = ['-days', '30', '-extfile', `${name}.ext`]
    await this.openssl('x509', '-req', '-in', `${name}.csr`, ...signer, ...days, '-out', `${name}.pem`)
  }

  /** Signs a request with an outside authority. @param args other options than a lifetime of 20 days */
  async sign(authority: string, request: string, out: string, ...args: readonly string[]): Promise<void> {
    writeFileSync(
      this.path('leaf.ext'),
      'subjectAltName=DNS:localhost\nextendedKeyUsage=serverAuth\nauthorityKeyIdentifier=keyid\nsubjectKeyIdentifier=hash\n',
    )
    await this.signWith('leaf.ext', authority, request, out, ...args)
  }

  /** Signs a request with an outside authority and the extensions of a file. */
  async signWith(extensions: string, authority: string, request: string, out: string, ...args: readonly string[]) {
    const signer = ['-CA', `${authority}.pem`, '-CAkey', `${authority}.key`, '-extfile', extensions]
    const days = args.length > 0 ? args : ['-days', '20']
    await this.openssl('x509', '-req', '-in', request, ...signer, ...days, '-out', out)
  }

  /** Signs the request of an authority of the lab with an outside authority, and installs the answer. */
  async installFrom(authority: string, request: string): Promise<string> {
    await this.signWith(`${authority}.ext`, authority, request, 'signed.pem')
    this.write('answer.pem', this.text('signed.pem') + this.text(`${authority}.pem`))
    return this.done('ca', 'install', 'answer.pem')
  }

  makeFolder(name: string): void {
    mkdirSync(this.path(name), { recursive: true })
  }
}
