import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import type { InstalledCertificate } from '../../src/tls/pki/types.ts'
import { newFolder } from './folder.ts'

/** Adds TLS to a program without it: `server` accepts TLS and forwards clear text, `client` does the reverse. */
type Tunnel =
  | { readonly kind: 'server'; readonly port: number; readonly to: number; readonly certificate: InstalledCertificate }
  | { readonly kind: 'client'; readonly port: number; readonly to: number; readonly ca: string }

/** Starts Debian's stunnel with tunnels on 127.0.0.1. Clients verify the chain and the name `localhost`. */
export async function startTunnels(tunnels: readonly Tunnel[]): Promise<AsyncDisposable> {
  const folder = newFolder()
  const services = tunnels.map((tunnel, n) => {
    const pem = join(folder, `${n}.pem`)
    const own = tunnel.kind === 'server'
    const text = own ? tunnel.certificate.privateKeyPem + tunnel.certificate.certificatePem : tunnel.ca
    writeFileSync(pem, text, { mode: 0o600 })
    const settings = own ? `cert = ${pem}` : `client = yes\nCAfile = ${pem}\nverifyChain = yes\ncheckHost = localhost`
    return `[tunnel${n}]\naccept = 127.0.0.1:${tunnel.port}\nconnect = 127.0.0.1:${tunnel.to}\n${settings}\n`
  })
  const conf = join(folder, 'stunnel.conf')
  writeFileSync(conf, `foreground = yes\npid =\nsyslog = no\noutput = ${folder}/log\n${services.join('')}`)
  const child = spawn('stunnel', [conf], { stdio: 'ignore' })
  await Promise.all(tunnels.map(({ port }) => listening(child, port)))
  return {
    async [Symbol.asyncDispose]() {
      const closed = once(child, 'exit')
      child.kill()
      await closed
    },
  }
}

async function listening(child: ChildProcess, port: number): Promise<void> {
  for (let tries = 0; tries < 600; tries++) {
    if (child.exitCode !== null) throw new Error('stunnel did not start')
    const socket = connect(port, '127.0.0.1')
    const open = await Promise.race([
      once(socket, 'connect').then(() => true),
      once(socket, 'error').then(() => false),
    ]).catch(() => false)
    socket.destroy()
    if (open) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error(`stunnel does not listen on ${port}`)
}
