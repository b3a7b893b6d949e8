import { type ChildProcess, spawn } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { beforeEach, describe, expect, test } from 'vitest'
import { freePort } from '../support/free-ports.ts'
import { run } from '../support/openssl.ts'
import { needs } from '../support/programs.ts'
import { mainFile } from '../support/sealpost.ts'
import { startAcme } from '../tls/pki/acme/support.ts'
import { CertificateLab, imap4, type ShownCertificate, smtp } from './cert-support.ts'

let pki: CertificateLab
beforeEach(() => {
  pki = new CertificateLab()
})

/** Starts `sealpost ca serve`. Resolves when it is ready. */
async function caServe(...args: string[]): Promise<{ process: ChildProcess; directory: string; root: string }> {
  const child = spawn(process.execPath, [mainFile, 'ca', 'serve', '--config', 'lab.yaml', '--json', ...args], {
    cwd: pki.folder,
  })
  for await (const line of createInterface({ input: child.stdout })) {
    const { event, directories, root } = JSON.parse(line) as {
      event: string
      root: string
      directories: { acme: string }[]
    }
    if (event === 'ready') return { process: child, directory: directories[0]?.acme ?? '', root }
  }
  throw new Error('ca serve ended')
}

/** Processes that end with the test. */
class Processes implements Disposable {
  readonly #children: ChildProcess[] = []
  add(child: ChildProcess): void {
    this.#children.push(child)
  }
  [Symbol.dispose](): void {
    for (const child of this.#children) child.kill()
  }
}

async function end(child: ChildProcess): Promise<number | null> {
  const exited = once(child, 'exit')
  child.kill('SIGTERM')
  const [status] = (await exited) as [number | null]
  return status
}

test('cert issue --acme obtains a certificate over HTTPS with an external account', async () => {
  await using acme = await startAcme({ 'kid-1': Buffer.alloc(32, 7).toString('base64url') })
  pki.write('root.pem', acme.store.rootPem)
  const http = ['--http-address', '127.0.0.1', '--http-port', String(acme.httpPort)]
  const args = ['cert', 'issue', '--for', smtp, '--cn', 'mail.lab.test', '--acme', acme.tlsDirectory, ...http]
  const refused = async (...more: string[]): Promise<string> => {
    const { status, stderr } = await pki.sealpost(...args, ...more)
    expect(status).toBe(1)
    expect(await pki.json('cert', 'pending')).toEqual([])
    return stderr
  }
  expect(await refused()).toMatch(/cannot be reached: (unable to|self.signed)/)
  expect(await refused('--acme-ca', 'root.pem')).toContain('external account binding')
  const account = ['--eab-kid', 'kid-1', '--eab-key', Buffer.alloc(32, 7).toString('base64url')]
  expect(await pki.done(...args, '--acme-ca', 'root.pem', ...account)).toContain(`it is installed on "${smtp}"`)
  const [shown] = (await pki.json<ShownCertificate[]>('cert', 'list')).filter(({ usedBy }) => usedBy.includes(smtp))
  expect(shown).toMatchObject({ issuedTo: 'mail.lab.test', issuedBy: acme.authority })
  expect(await pki.json('cert', 'pending')).toEqual([])
  const renewed = await pki.json('cert', 'renew', '--for', smtp)
  expect(renewed).toMatchObject({ state: 'renewed', replaces: shown?.thumbprint })
  expect(await pki.json('cert', 'pending')).toEqual([])
  // The next certificate uses the same account.
  const again = ['cert', 'issue', '--for', imap4, '--cn', 'news.lab.test', '--acme', acme.tlsDirectory, ...http]
  await pki.done(...again, '--acme-ca', 'root.pem')
  expect(acme.store.index.acmeAccounts).toHaveLength(1)
})

test('cert issue --acme fails with a reason if no server answers the challenge', async () => {
  await using acme = await startAcme()
  const elsewhere = await freePort()
  const args = ['cert', 'issue', '--for', smtp, '--cn', 'mail.lab.test', '--acme', acme.directory]
  const { status, stderr } = await pki.sealpost(
    ...args,
    '--http-address',
    '127.0.0.1',
    '--http-port',
    String(elsewhere),
  )
  expect([status, stderr]).toEqual([1, expect.stringContaining('ECONNREFUSED')])
  expect(await pki.json('cert', 'pending')).toEqual([])
})

describe.skipIf(!needs('acme.sh'))('ca serve', () => {
  test('acme.sh obtains, renews and revokes a certificate; CRL and OCSP are served', async () => {
    const [port, tlsPort, httpPort] = [await freePort(), await freePort(), await freePort()]
    using processes = new Processes()
    const serving = await caServe(
      '--port',
      String(port),
      '--tls-port',
      String(tlsPort),
      '--acme-http-port',
      String(httpPort),
    )
    const root = await (await fetch(serving.root)).text()
    await writeFile(join(pki.folder, 'root.pem'), root)
    const home = ['--home', join(pki.folder, 'acme'), '--config-home', join(pki.folder, 'acme'), '--no-color']
    const common = [...home, '--server', serving.directory, '--ca-bundle', join(pki.folder, 'root.pem'), '--force']
    const acmeSh = (...args: string[]) =>
      run('acme.sh', [...args, ...common], { env: { ...process.env, HOME: pki.folder, NO_TIMESTAMP: '1' } })
    const web = join(pki.folder, 'web')
    pki.makeFolder('web/.well-known/acme-challenge')
    processes.add(serving.process)
    const files = spawn('python3', ['-m', 'http.server', String(httpPort), '--bind', '127.0.0.1', '--directory', web], {
      stdio: 'ignore',
    })
    processes.add(files)
    await expect
      .poll(
        () =>
          fetch(`http://127.0.0.1:${httpPort}/`).then(
            ({ status }) => status,
            () => 0,
          ),
        { timeout: 20_000 },
      )
      .toBe(200)
    await acmeSh('--register-account', '-m', 'admin@lab.test')
    await acmeSh('--issue', '-d', 'www.lab.test', '-w', web, '--keylength', 'ec-256')
    const file = join(pki.folder, 'acme/www.lab.test_ecc/www.lab.test.cer')
    const first = new X509Certificate(await readFile(file))
    await acmeSh('--renew', '-d', 'www.lab.test', '--ecc')
    const second = new X509Certificate(await readFile(file))
    expect(second.serialNumber).not.toBe(first.serialNumber)
    // acme.sh deletes its own file when it revokes the certificate.
    await writeFile(join(pki.folder, 'second.pem'), second.toString())
    await acmeSh('--revoke', '-d', 'www.lab.test', '--ecc')
    const ocsp = second.infoAccess?.match(/OCSP - URI:(\S+)/)?.[1] ?? ''
    const args = ['-issuer', 'root.pem', '-cert', 'second.pem', '-url', ocsp, '-CAfile', 'root.pem']
    expect(await pki.openssl('ocsp', ...args)).toContain('second.pem: revoked')
    expect(await end(serving.process)).toBe(0)
  })
})
