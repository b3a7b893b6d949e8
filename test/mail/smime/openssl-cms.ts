import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'vitest'
import type { TestLab } from '../../../src/testing/index.ts'
import { newFolder } from '../../support/folder.ts'
import { runProgram } from '../../support/run-program.ts'

interface User {
  /** PEM of the certificate, its issuers and the key. */
  readonly file: string
  readonly serial: string
  readonly pkcs12: Buffer
}

interface UserOptions {
  readonly emails?: readonly string[]
  readonly key?: 'rsa-2048' | 'p256' | 'p384' | 'ed25519'
}

/** The S/MIME program that the tests send mail with: OpenSSL, with certificates that a lab issues. */
export class OpensslCms {
  readonly lab: TestLab
  readonly folder = newFolder()

  constructor(lab: TestLab) {
    this.lab = lab
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true })
  }

  /** Issues a certificate for a user, and writes it and its key to a file. */
  async user(name: string, { emails = [`${name}@lab.test`], key = 'p256' }: UserOptions = {}): Promise<User> {
    const { chain, pkcs12 } = await this.lab.authorities.issueUser({ commonName: name, emails, key })
    const { serialNumber: serial } = chain[0]
    const p12 = join(this.folder, `${serial}.p12`)
    const file = join(this.folder, `${serial}.pem`)
    writeFileSync(p12, pkcs12('secret'))
    await this.openssl(['pkcs12', '-in', p12, '-nodes', '-passin', 'pass:secret', '-out', file])
    return { file, serial, pkcs12: pkcs12('secret') }
  }

  /** Runs `openssl`, which must succeed. Returns its output. */
  async openssl(args: readonly string[], input: string | Buffer = ''): Promise<Buffer> {
    const { status, stdout, stderr } = await runProgram('openssl', args, { input, cwd: this.folder })
    expect(status, stderr).toBe(0)
    return Buffer.from(stdout, 'latin1')
  }

  /** Signs a MIME entity. Returns the signed one, with its MIME-Version. */
  sign(user: User, entity: string | Buffer, options: readonly string[] = []): Promise<Buffer> {
    const out = ['cms', '-sign', '-signer', user.file, '-crlfeol', ...options]
    return this.openssl(out, entity)
  }

  encrypt(recipients: readonly User[], entity: string | Buffer, options: readonly string[] = []): Promise<Buffer> {
    return this.openssl(['cms', '-encrypt', ...options, ...recipients.map(({ file }) => file)], entity)
  }

  /** Delivers an entity as a message, and returns it. */
  async send(entity: Buffer, { from = 'alice@lab.test', subject = 'secure' } = {}) {
    const crlf = entity.toString('latin1').replaceAll(/\r?\n/g, '\r\n')
    const header = `From: Someone <${from}>\r\nTo: bob@lab.test\r\nSubject: ${subject}\r\n`
    await this.lab.deliver(Buffer.from(header + crlf, 'latin1'), 'bob')
    return this.lab.waitForMessage({ to: 'bob@lab.test', subject })
  }

  /** Writes the root of the lab, for `-CAfile`. */
  rootFile(): string {
    const file = join(this.folder, 'root.pem')
    writeFileSync(file, this.lab.ca)
    return file
  }

  read(name: string): Buffer {
    return readFileSync(join(this.folder, name))
  }
}
