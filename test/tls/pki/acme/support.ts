import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import acme from 'acme-client'
import pino from 'pino'
import { systemClock } from '../../../../src/core/time/clock.ts'
import { AcmeDirectories } from '../../../../src/tls/pki/acme/directory.ts'
import type { AcmeOptions } from '../../../../src/tls/pki/acme/options.ts'
import { authoritiesOf } from '../../../../src/tls/pki/authority/authorities.ts'
import { openCertificateStore } from '../../../../src/tls/pki/certificate-store/store.ts'
import { AuthorityService } from '../../../../src/tls/pki/service/service.ts'
import { freePort } from '../../../support/free-ports.ts'

export const log = pino({ level: 'silent' })

export type AcmeClient = InstanceType<typeof acme.Client>
export type AcmeChallenge = Parameters<AcmeClient['completeChallenge']>[0]
export type Create = acme.ClientAutoOptions['challengeCreateFn']
type ClientOptions = ConstructorParameters<typeof acme.Client>[0]

/** Returns a client with a new key, which does not wait long before it asks again. */
export async function acmeClient(directoryUrl: string, more: Partial<ClientOptions> = {}): Promise<AcmeClient> {
  const accountKey = await acme.crypto.createPrivateEcdsaKey('P-256')
  return new acme.Client({ directoryUrl, accountKey, backoffMin: 50, backoffMax: 200, backoffAttempts: 100, ...more })
}

/** Returns a client that has an account. */
export async function acmeAccount(directoryUrl: string): Promise<AcmeClient> {
  const client = await acmeClient(directoryUrl)
  await client.createAccount({ termsOfServiceAgreed: true })
  return client
}

/** Orders a certificate for a name. Returns the order and its http-01 challenge. */
export async function orderByHttp(client: AcmeClient, name: string) {
  const order = await client.createOrder({ identifiers: [{ type: 'dns', value: name }] })
  const challenge = (await client.getAuthorizations(order))[0]?.challenges.find(({ type }) => type === 'http-01')
  if (!challenge) throw new Error('http-01 is not offered')
  return { order, challenge, answer: await client.getChallengeKeyAuthorization(challenge) }
}

/** Obtains a certificate for names that one kind of challenge proves. Returns it with its chain as PEM. */
export async function obtainBy(
  type: string,
  client: AcmeClient,
  names: readonly string[],
  { create, remove = async () => {} }: Readonly<Partial<Record<'create' | 'remove', Create>>> = {},
): Promise<string> {
  const [, csr] = await acme.crypto.createCsr({ altNames: [...names] })
  return client.auto({
    csr,
    email: 'admin@lab.test',
    termsOfServiceAgreed: true,
    skipChallengeVerification: true,
    challengePriority: [type],
    challengeCreateFn: create ?? (async () => {}),
    challengeRemoveFn: remove,
  })
}

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
  const opened = await openAcme(folder, options)
  return {
    ...opened,
    async [Symbol.asyncDispose]() {
      await opened[Symbol.asyncDispose]()
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
    /** For a client that answers http-01. */
    http01: {
      create: async (_, challenge, answer) => void answers.set(challenge.token, answer),
      remove: async (_, challenge) => void answers.delete(challenge.token),
    } satisfies Record<string, Create>,
    async [Symbol.asyncDispose]() {
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
