import { type ChildProcess, spawn } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { chmodSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { freePorts } from '../support/free-ports.ts'
import { run } from '../support/openssl.ts'
import { needs } from '../support/programs.ts'
import { mainFile } from '../support/sealpost.ts'
import { CertificateLab } from './cert-support.ts'

let pki: CertificateLab
let serving: ChildProcess | undefined
beforeEach(() => {
  pki = new CertificateLab()
})
afterEach(async () => {
  if (serving?.exitCode === null) {
    const exited = once(serving, 'exit')
    serving.kill('SIGTERM')
    await exited
  }
  serving = undefined
})

interface Serving {
  readonly directory: string
  readonly httpPort: number
  readonly tlsAlpnPort: number
}

/** Starts the lab's authority service over HTTPS. TXT records are lines of the files in the folder `txt`. */
async function serve(acme: Record<string, unknown> = {}): Promise<Serving> {
  pki.makeFolder('txt')
  const [port = 0, tlsPort = 0, httpPort = 0, tlsAlpnPort = 0] = await freePorts(4)
  const dns = ['sh', '-c', `cat "${pki.path('txt')}/$0"`]
  const authorityService = { address: '127.0.0.1', port, tlsPort, acme: { httpPort, tlsAlpnPort, dns, ...acme } }
  pki.write(
    'lab.yaml',
    `certificates: { store: certs, key: p256 }\nauthorityService: ${JSON.stringify(authorityService)}\n`,
  )
  serving = spawn(process.execPath, [mainFile, 'ca', 'serve', '--config', 'lab.yaml', '--json'], {
    cwd: pki.folder,
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  for await (const line of createInterface({ input: serving.stdout as NodeJS.ReadableStream })) {
    const { event, directories } = JSON.parse(line) as { event: string; directories: { acme: string }[] }
    if (event !== 'ready') continue
    await pki.done('ca', 'export', '--out', 'root.pem')
    return { directory: directories[0]?.acme ?? '', httpPort, tlsAlpnPort }
  }
  throw new Error('ca serve ended')
}

function script(name: string, text: string): string {
  pki.write(name, `#!/bin/sh\n${text}\n`)
  chmodSync(pki.path(name), 0o755)
  return pki.path(name)
}

const verify = (file: string, name: string): Promise<string> =>
  pki.openssl('verify', '-x509_strict', '-CAfile', 'root.pem', '-verify_hostname', name, '-untrusted', file, file)

describe.skipIf(!needs('certbot'))('certbot', () => {
  const certbot = (directory: string, ...args: string[]) => {
    const folders = ['config', 'work', 'logs'].flatMap((name) => [`--${name}-dir`, join(pki.folder, 'certbot', name)])
    const common = ['--server', directory, '--non-interactive', ...folders]
    return run('certbot', [...args, ...common], { env: { ...process.env, REQUESTS_CA_BUNDLE: pki.path('root.pem') } })
  }

  it('obtains and renews a wildcard certificate by dns-01, although nonces are rejected', async () => {
    const { directory } = await serve({ strictness: { rejectNonces: 0.2, reuseAuthorizations: 0 } })
    const hook = script('set.sh', `echo "$CERTBOT_VALIDATION" >> "${pki.path('txt')}/_acme-challenge.$CERTBOT_DOMAIN"`)
    const clean = script('clear.sh', `rm -f "${pki.path('txt')}/_acme-challenge.$CERTBOT_DOMAIN"`)
    const manual = [
      '--manual',
      '--preferred-challenges',
      'dns',
      '--manual-auth-hook',
      hook,
      '--manual-cleanup-hook',
      clean,
    ]
    const names = ['-d', 'lab.test', '-d', '*.lab.test']
    await certbot(directory, 'certonly', ...manual, ...names, '--agree-tos', '-m', 'admin@lab.test')
    const file = 'certbot/config/live/lab.test/fullchain.pem'
    expect(await verify(file, 'any.lab.test')).toContain('OK')
    const first = new X509Certificate(await readFile(pki.path(file)))
    await certbot(directory, 'renew', '--force-renewal', '--no-random-sleep-on-renew')
    const second = new X509Certificate(await readFile(pki.path(file)))
    expect(second.serialNumber).not.toBe(first.serialNumber)
    expect(second.subjectAltName).toBe(first.subjectAltName)
  })

  it('obtains a certificate of a profile by http-01', async () => {
    const { directory, httpPort } = await serve({ profiles: { shortlived: { lifetime: '6d' } } })
    const standalone = ['--standalone', '--http-01-port', String(httpPort), '--http-01-address', '127.0.0.1']
    const profile = ['--preferred-profile', 'shortlived']
    const names = ['-d', 'mail.lab.test', '--agree-tos', '-m', 'admin@lab.test']
    await certbot(directory, 'certonly', ...standalone, ...profile, ...names)
    const file = 'certbot/config/live/mail.lab.test/fullchain.pem'
    expect(await verify(file, 'mail.lab.test')).toContain('OK')
    const { validFrom, validTo } = new X509Certificate(await readFile(pki.path(file)))
    expect(Date.parse(validTo) - Date.parse(validFrom)).toBe(6 * 86_400_000)
  })
})

describe.skipIf(!needs('acme.sh'))('acme.sh', () => {
  it('obtains a certificate by tls-alpn-01', async () => {
    const { directory, tlsAlpnPort } = await serve()
    const home = ['--home', pki.path('acme'), '--config-home', pki.path('acme'), '--no-color']
    const common = [...home, '--server', directory, '--ca-bundle', pki.path('root.pem'), '--force']
    const env = { ...process.env, HOME: pki.folder, NO_TIMESTAMP: '1' }
    await run('acme.sh', ['--register-account', '-m', 'admin@lab.test', ...common], { env })
    const alpn = ['--issue', '--alpn', '--tlsport', String(tlsAlpnPort), '-d', 'mail.lab.test', '--keylength', 'ec-256']
    await run('acme.sh', [...alpn, ...common], { env })
    expect(await verify('acme/mail.lab.test_ecc/fullchain.cer', 'mail.lab.test')).toContain('OK')
  })
})

describe.skipIf(!needs('lego'))('lego', () => {
  it('obtains and renews a certificate by http-01 and by tls-alpn-01', async () => {
    const { directory, httpPort, tlsAlpnPort } = await serve()
    const env = { ...process.env, LEGO_CA_CERTIFICATES: pki.path('root.pem') }
    const common = ['--server', directory, '--accept-tos', '--email', 'admin@lab.test', '--path', pki.path('lego')]
    const http = ['--http', '--http.port', `127.0.0.1:${httpPort}`, '--domains', 'mail.lab.test']
    const alpn = ['--tls', '--tls.port', `127.0.0.1:${tlsAlpnPort}`, '--domains', 'imap.lab.test']
    await run('lego', [...common, ...http, 'run'], { env })
    await run('lego', [...common, ...alpn, '--key-type', 'rsa2048', 'run'], { env })
    const serial = async () =>
      new X509Certificate(await readFile(pki.path('lego/certificates/mail.lab.test.crt'))).serialNumber
    const first = await serial()
    await run('lego', [...common, ...http, 'renew', '--days', '1000', '--no-random-sleep'], { env })
    expect(await serial()).not.toBe(first)
    for (const name of ['mail.lab.test', 'imap.lab.test']) {
      expect(await verify(`lego/certificates/${name}.crt`, name)).toContain('OK')
    }
  })
})

describe.skipIf(!needs('uacme'))('uacme', () => {
  it('obtains a certificate by dns-01', async () => {
    const { directory } = await serve()
    const record = `"${pki.path('txt')}/_acme-challenge.$3"`
    const hook = script(
      'uacme.sh',
      `[ "$2" = dns-01 ] || exit 1\ncase $1 in begin) echo "$5" > ${record};; *) rm -f ${record};; esac`,
    )
    const common = ['-a', directory, '-c', pki.path('uacme'), '-y']
    // It reads the system's roots only, so it sees the lab's root in their place.
    const mounted = 'mount --bind "$0" /etc/ssl/certs/ca-certificates.crt && exec uacme "$@"'
    const uacme = (...args: string[]) =>
      run('unshare', ['-rm', 'sh', '-c', mounted, pki.path('root.pem'), ...common, ...args])
    await uacme('new', 'admin@lab.test')
    await uacme('-h', hook, 'issue', 'lab.test', '*.lab.test')
    expect(await verify('uacme/lab.test/cert.pem', 'any.lab.test')).toContain('OK')
  })
})

describe.skipIf(!needs('dehydrated'))('dehydrated', () => {
  it('obtains a certificate by dns-01', async () => {
    const { directory } = await serve()
    const record = `"${pki.path('txt')}/_acme-challenge.$2"`
    const hook = script(
      'dehydrated.sh',
      `case $1 in deploy_challenge) echo "$4" > ${record};; clean_challenge) rm -f ${record};; esac`,
    )
    pki.write('dehydrated.conf', `CA=${directory}\nBASEDIR=${pki.path('dehydrated')}\n`)
    pki.makeFolder('dehydrated')
    const env = { ...process.env, CURL_CA_BUNDLE: pki.path('root.pem') }
    const common = ['--config', pki.path('dehydrated.conf')]
    await run('dehydrated', [...common, '--register', '--accept-terms'], { env })
    await run('dehydrated', [...common, '--cron', '--domain', 'lab.test', '-t', 'dns-01', '-k', hook], { env })
    expect(await verify('dehydrated/certs/lab.test/fullchain.pem', 'lab.test')).toContain('OK')
  })
})

describe('cert issue --acme', () => {
  const issue = ['cert', 'issue', '--for', 'smtp', '--acme']
  const local = ['--acme-ca', 'root.pem', '--http-address', '127.0.0.1']

  it('obtains a wildcard by dns-01 with a hook, and renews it', async () => {
    const { directory } = await serve()
    const hook = script(
      'hook.sh',
      `file="${pki.path('txt')}/$2"; case $1 in set) echo "$3" > "$file";; clear) rm "$file";; esac`,
    )
    const args = ['--cn', 'lab.test', '--san', '*.lab.test', '--dns-hook', hook, '--acme-profile', 'shortlived']
    const issued = await pki.json(...issue, directory, ...local, ...args)
    const renewed = await pki.json('cert', 'renew', '--for', 'smtp')
    expect(renewed).toMatchObject({ state: 'renewed', replaces: issued.thumbprint })
    const { certificatePem } = await pki.json<{ certificatePem: string }>('cert', 'show', renewed.thumbprint ?? '')
    expect(new X509Certificate(certificatePem).subjectAltName).toBe('DNS:lab.test, DNS:*.lab.test')
  })

  it('obtains a certificate by tls-alpn-01, also for an address', async () => {
    const { directory, tlsAlpnPort } = await serve()
    const alpn = ['--challenge', 'tls-alpn-01', '--tls-alpn-port', String(tlsAlpnPort)]
    const names = ['--cn', 'mail.lab.test', '--san', '127.0.0.1']
    const issued = await pki.json(...issue, directory, ...local, ...alpn, ...names)
    const { certificatePem } = await pki.json<{ certificatePem: string }>('cert', 'show', issued.thumbprint ?? '')
    expect(new X509Certificate(certificatePem).subjectAltName).toBe('DNS:mail.lab.test, IP Address:127.0.0.1')
  })
})
