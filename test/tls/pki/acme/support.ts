import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pino from 'pino'
import { systemClock } from '../../../../src/core/time/clock.ts'
import { AcmeDirectories } from '../../../../src/tls/pki/acme/directory.ts'
import type { AcmeOptions } from '../../../../src/tls/pki/acme/options.ts'
import { authoritiesOf } from '../../../../src/tls/pki/authority/authorities.ts'
import { openCertificateStore } from '../../../../src/tls/pki/certificate-store/store.ts'
import { AuthorityService } from '../../../../src/tls/pki/service/service.ts'
import { freePort } from '../../../support/free-ports.ts'

export const log = pino({ level: 'silent' })

/** Starts an authority with ACME over HTTP and HTTPS, and creates a folder for its clients. */
export async function startAcme(
  externalAccounts: Record<string, string> = {},
  addresses: readonly string[] = [],
  more: Partial<AcmeOptions> = {},
) {
  const folder = await mkdtemp(join(tmpdir(), 'sealpost-acme-'))
  const options = {
    httpPort: await freePort(),
    externalAccounts,
    addresses,
    caaIdentities: ['authority.test'],
    ...more,
  }
  const acme = await openAcme(folder, options)
  return {
    ...acme,
    async [Symbol.asyncDispose]() {
      await acme[Symbol.asyncDispose]()
      await rm(folder, { recursive: true })
    },
  }
}

/** Opens the authority of a folder, at any free port or the one given. */
export async function openAcme(folder: string, options: AcmeOptions, port = 0) {
  const { httpPort } = options
  const store = await openCertificateStore({ folder: join(folder, 'certs'), clock: systemClock, log, key: 'p256' })
  const directories = new AcmeDirectories(store, options, log)
  const service = await AuthorityService.open(store, {
    address: '127.0.0.1',
    port,
    hostname: 'localhost',
    log,
    tls: { port: 0, names: ['localhost', '127.0.0.1'] },
    routes: () => directories.routes(),
  })
  const name = store.index.authorities[0]?.name ?? ''
  const path = `/acme/${name.toLowerCase().replaceAll(' ', '-')}/directory`
  return {
    folder,
    httpPort,
    port: service.port,
    store,
    authorities: authoritiesOf(store),
    authority: name,
    directory: `http://localhost:${service.port}${path}`,
    tlsDirectory: `https://localhost:${service.tlsPort}${path}`,
    async [Symbol.asyncDispose]() {
      await service[Symbol.asyncDispose]()
      await store.close()
    },
  }
}

/** Serves what an ACME client puts at `/.well-known/acme-challenge/TOKEN`. */
export async function serveAnswers(port: number, address = '127.0.0.1') {
  const answers = new Map<string, string>()
  const server: Server = createServer((request, response) => {
    const answer = answers.get((request.url ?? '').replace('/.well-known/acme-challenge/', ''))
    response.writeHead(answer === undefined ? 404 : 200).end(answer)
  })
  await new Promise<void>((resolve) => server.listen(port, address, resolve))
  return {
    answers,
    async [Symbol.asyncDispose]() {
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
