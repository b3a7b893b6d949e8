import { createServer, get as httpGet } from 'node:http'
import { Agent, get as httpsGet } from 'node:https'
import { rootCertificates } from 'node:tls'
import { installCommand } from '../../common/folders.ts'
import { listen } from '../../common/listen.ts'
import type { CertificateRecord } from '../certificate-store/index-file.ts'
import type { CertificateStore } from '../certificate-store/types.ts'
import { PkiError } from '../errors.ts'
import { generateKey, privateKeyPem } from '../keys.ts'
import type { LifecycleContext } from '../lifecycle/context.ts'
import { installPlanned, planInstall } from '../lifecycle/install.ts'
import { cancelRequest, type PlannedRequest, prepareRequest } from '../lifecycle/request.ts'

/**
 * Sends a request to an ACME authority, answers its challenges, and installs and assigns the certificate.
 * @throws PkiError; the request is deleted then, and the previous certificate stays in use
 */
export async function issueByAcme(
  context: LifecycleContext,
  planned: PlannedRequest,
  authority: AcmeAuthority,
): Promise<CertificateRecord> {
  await checkDirectory(authority.directoryUrl, authority.ca)
  await context.store.refresh()
  const { record, pem } = await prepareRequest(context, planned)
  try {
    const answer = await obtainByAcme(context.store, pem, authority)
    return await installPlanned(context, await planInstall(context, Buffer.from(answer), { for: record.virtualServer }))
  } catch (error) {
    // If another process has cancelled the request already, the first error is still the one to report.
    await cancelRequest(context, record.id).catch(() => {})
    throw error
  }
}

/** An ACME directory on any host, and how to answer its challenges. */
export interface AcmeAuthority {
  readonly directoryUrl: string
  /** Address of the http-01 listener. Default: all addresses, port 80. */
  readonly httpAddress?: string
  readonly httpPort?: number
  readonly email?: string
  /** PEM of a root to verify the directory's own certificate with, in addition to the roots of Node.js. */
  readonly ca?: string
  readonly externalAccount?: { readonly kid: string; readonly key: string }
  /** Receives a description of each step as it begins. */
  readonly progress?: (step: string) => void
}

type AcmeClient = typeof import('acme-client')

/** Returns the certificate and its chain in PEM, issued by an ACME authority. RFC 8555. @throws PkiError */
async function obtainByAcme(store: CertificateStore, requestPem: string, authority: AcmeAuthority): Promise<string> {
  const acme = await load()
  const { directoryUrl, httpAddress = '0.0.0.0', httpPort = 80, progress = () => {}, externalAccount } = authority
  // Reports an unreachable directory at once. By default the client retries for half a minute.
  Object.assign(acme.axios.defaults, { acmeSettings: { retryMaxAttempts: 1, retryDefaultDelay: 1 } })
  acme.axios.defaults.httpsAgent = authority.ca ? new Agent({ ca: [...rootCertificates, authority.ca] }) : undefined
  const client = new acme.Client({
    directoryUrl,
    accountKey: await accountKey(store, directoryUrl),
    ...(externalAccount ? { externalAccountBinding: { kid: externalAccount.kid, hmacKey: externalAccount.key } } : {}),
  })
  await using listener = await openChallengeListener(httpAddress, httpPort)
  try {
    return await client.auto({
      csr: requestPem,
      ...(authority.email ? { email: authority.email } : {}),
      termsOfServiceAgreed: true,
      // The names lead to this listener when the authority resolves them, but not always when this machine does.
      skipChallengeVerification: true,
      challengePriority: ['http-01'],
      challengeCreateFn: async ({ identifier }, { type, token }, answer) => {
        if (type !== 'http-01')
          throw new Error(`${identifier.value} can be validated by ${type} only, and this client supports only http-01`)
        progress(`answering for ${identifier.value} on port ${httpPort}`)
        listener.set(token, answer)
      },
      challengeRemoveFn: async (_authorization, { token }) => listener.delete(token),
    })
  } catch (error) {
    throw new PkiError('refused', `${directoryUrl}: ${(error as Error).message}`, { cause: error })
  }
}

async function load(): Promise<AcmeClient> {
  try {
    const loaded = await import('acme-client')
    return loaded.default ?? loaded
  } catch (cause) {
    throw new PkiError('refused', `ACME needs the package acme-client; run: ${installCommand('acme-client')}`, {
      cause,
    })
  }
}

/** Returns the key of the lab's account at a directory. It is stored, so that the account stays the same. */
async function accountKey(store: CertificateStore, directoryUrl: string): Promise<string> {
  const known = store.index.acmeKeys?.find(({ directory }) => directory === directoryUrl)
  if (known) return store.materials.read(known.key)
  const made = await generateKey('p256')
  return store.update((draft) => {
    const key = draft.putKey('acme-account', made)
    draft.index.acmeKeys = [...(draft.index.acmeKeys ?? []), { directory: directoryUrl, key }]
    return privateKeyPem(made)
  })
}

const PREFIX = '/.well-known/acme-challenge/'

/** A web server that answers http-01 challenges while an order is open. RFC 8555 section 8.3. */
interface ChallengeListener extends AsyncDisposable {
  set(token: string, answer: string): void
  delete(token: string): void
}

/** Starts to listen for http-01 challenges. @throws PkiError `refused` if the port cannot be opened */
async function openChallengeListener(address: string, port: number): Promise<ChallengeListener> {
  const answers = new Map<string, string>()
  const server = createServer((request, response) => {
    const path = request.url ?? ''
    const answer = path.startsWith(PREFIX) ? answers.get(path.slice(PREFIX.length)) : undefined
    response.writeHead(answer === undefined ? 404 : 200, { 'content-type': 'application/octet-stream' }).end(answer)
  })
  try {
    // If a connection cannot be accepted, the authority tries again or reports it.
    await listen(server, { host: address, port }, () => {})
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException
    const why = code === 'EACCES' ? 'ports below 1024 need root; forward port 80 to the port of --http-port' : message
    throw new PkiError('refused', `cannot open the http-01 listener on ${address} port ${port}: ${why}`, { cause })
  }
  return {
    set: (token, answer) => void answers.set(token, answer),
    delete: (token) => void answers.delete(token),
    async [Symbol.asyncDispose]() {
      await new Promise((closed) => {
        server.close(closed)
        server.closeAllConnections()
      })
    },
  }
}

const TIMEOUT_MS = 15_000

/** Checks, before any change, that an ACME directory answers and its certificate is trusted. @throws PkiError `refused` */
async function checkDirectory(directoryUrl: string, ca: string | undefined): Promise<void> {
  const body = await fetchText(directoryUrl, ca).catch((cause: Error) => {
    throw new PkiError('refused', `${directoryUrl} cannot be reached: ${cause.message}`, { cause })
  })
  if (!body.includes('"newOrder"')) throw new PkiError('refused', `${directoryUrl} is not an ACME directory`)
}

function fetchText(url: string, ca: string | undefined): Promise<string> {
  return new Promise((resolve, reject) => {
    const get = new URL(url).protocol === 'https:' ? httpsGet : httpGet
    const request = get(
      url,
      { agent: false, timeout: TIMEOUT_MS, ...(ca ? { ca: [...rootCertificates, ca] } : {}) },
      (response) => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.on('error', reject)
        response.on('end', () => resolve(Buffer.concat(chunks).toString('utf8')))
      },
    )
    request.on('timeout', () => request.destroy(new Error('timeout')))
    request.on('error', reject)
  })
}
