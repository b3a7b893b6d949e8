import { once } from 'node:events'
import { connect } from 'node:tls'
import { expect, it } from 'vitest'
import { run } from '../support/openssl.ts'
import { needs } from '../support/programs.ts'
import { CertificateLab, imap4 } from './cert-support.ts'

const config = `hostname: localhost
certificates: { store: certs, key: p256 }
virtualServers: [{ protocol: imap4, port: 0, tlsPort: 0 }]
`
const easyRsa = '/usr/share/easy-rsa/easyrsa'

/** How a program makes a certificate for localhost: its own files, and the root that clients trust. */
interface Maker {
  readonly has: boolean
  readonly make: (lab: CertificateLab) => Promise<{ certificate: string; key: string; root: string }>
}

const makers: Readonly<Record<string, Maker>> = {
  mkcert: {
    has: needs('mkcert'),
    async make(lab) {
      const files = ['-cert-file', lab.path('m.pem'), '-key-file', lab.path('m.key')]
      await run('mkcert', [...files, 'localhost'], { env: { ...process.env, CAROOT: lab.path('mkcert') } })
      return { certificate: 'm.pem', key: 'm.key', root: 'mkcert/rootCA.pem' }
    },
  },
  'easy-rsa': {
    has: needs(easyRsa),
    async make(lab) {
      const env = { ...process.env, EASYRSA_PKI: lab.path('pki'), EASYRSA_BATCH: '1' }
      const easy = (...args: string[]) => run(easyRsa, args, { env, cwd: lab.folder })
      await easy('init-pki')
      await easy('--req-cn=Easy Root', 'build-ca', 'nopass')
      await easy('--san=DNS:localhost', 'build-server-full', 'localhost', 'nopass')
      return { certificate: 'pki/issued/localhost.crt', key: 'pki/private/localhost.key', root: 'pki/ca.crt' }
    },
  },
}

for (const [name, { has, make }] of Object.entries(makers)) {
  it.skipIf(!has)(`a certificate of ${name} is imported and served`, { timeout: 60_000 }, async () => {
    const lab = new CertificateLab(config)
    lab.makeFolder('mkcert')
    const { certificate, key, root } = await make(lab)
    lab.write('all.pem', lab.text(key) + lab.text(certificate) + lab.text(root))
    await lab.done('cert', 'import', 'all.pem', '--for', imap4)
    await using running = await lab.start(['--config', 'lab.yaml'])
    const port = running.endpoint('imap4').tlsPort as number
    const socket = connect({ host: '127.0.0.1', port, ca: lab.text(root), servername: 'localhost' })
    await once(socket, 'secureConnect')
    expect(socket.authorized).toBe(true)
    socket.destroy()
  })
}
