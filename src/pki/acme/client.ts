import { createServer, get as httpGet } from 'node:http'
import { Agent, get as httpsGet } from 'node:https'
import { rootCertificates } from 'node:tls'
import { listen } from '../../common/listen.ts'
import type { CertificateRecord } from '../certificate-store/index-file.ts'
import type { CertificateStore } from '../certificate-store/store.ts'
import { PkiError } from '../errors.ts'
import { generateKey, privateKeyPem } from '../keys.ts'
import type { LifecycleContext } from '../lifecycle/context.ts'
import { installPlanned, planInstall } from '../lifecycle/install.ts'
import { cancelRequest, type PlannedRequest, prepareRequest } from '../lifecycle/request.ts'

/**
 * Sends a request to an ACME authority, answers its challenges, and installs and assigns the certificate.
 * @throws PkiError; the request is gone then, and what was worn before is worn still
 */
export async function issueByAcme(
  context: LifecycleContext,
  planned: PlannedRequest,
  authority: AcmeAuthority,
): Promise<CertificateRecord> {
  await reachDirectory(authority.directoryUrl, authority.ca)
  await context.store.refresh()
  const { record, pem } = await prepareRequest(context, planned)
  try {
    const answer = await obtainByAcme(context.store, pem, authority)
    return await installPlanned(context, await planInstall(context, Buffer.from(answer), { for: record.virtualServer }))
  } catch (error) {
    // Somebody else may have cancelled it already: what went wrong first is what is told.
    await cancelRequest(context, record.id).catch(() => {})
    throw error
  }
}

/** An ACME directory anywhere, and how its challenges are answered. */
export interface AcmeAuthority {
  readonly directoryUrl: string
  /** Where the http-01 listener is opened. Default: all addresses, port 80. */
  readonly httpAddress?: string
  readonly httpPort?: number
  readonly email?: string
  /** PEM that the directory's own certificate is verified with, beside the roots of Node.js. */
  readonly ca?: string
  readonly externalAccount?: { readonly kid: string; readonly key: string }
  /** Told what happens meanwhile. */
  readonly progress?: (step: string) => void
}

type AcmeClient = typeof import('acme-client')

/** Has a request signed by an ACME authority: PEM of the certificate and its chain. RFC 8555. @throws PkiError */
export async function obtainByAcme(
  store: CertificateStore,
  requestPem: string,
  authority: AcmeAuthority,
): Promise<string> {
  const acme = await load()
  const { directoryUrl, httpAddress = '0.0.0.0', httpPort = 80, progress = () => {}, externalAccount } = authority
  // A directory that cannot be reached is told at once; by itself the client asks for half a minute.
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
      // The names lead to this listener as the authority sees them, which may not be as this machine does.
      skipChallengeVerification: true,
      challengePriority: ['http-01'],
      challengeCreateFn: async ({ identifier }, { type, token }, answer) => {
        if (type !== 'http-01')
          throw new Error(`${identifier.value} can be shown by ${type} only; this client speaks http-01`)
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
    throw new PkiError('refused', 'this needs the package acme-client: npm install acme-client', { cause })
  }
}

/** The key of the account at a directory, kept so that the account is one and the same each time. */
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

/** The answers of http-01 challenges, on a listener that is there only as long as an order. RFC 8555 section 8.3. */
export interface ChallengeListener extends AsyncDisposable {
  set(token: string, answer: string): void
  delete(token: string): void
}

/** @throws PkiError `refused` where the port cannot be opened */
export async function openChallengeListener(address: string, port: number): Promise<ChallengeListener> {
  const answers = new Map<string, string>()
  const server = createServer((request, response) => {
    const path = request.url ?? ''
    const answer = path.startsWith(PREFIX) ? answers.get(path.slice(PREFIX.length)) : undefined
    response.writeHead(answer === undefined ? 404 : 200, { 'content-type': 'application/octet-stream' }).end(answer)
  })
  try {
    // The authority that could not be accepted asks again, or says that nothing answered.
    await listen(server, { host: address, port }, () => {})
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException
    const why = code === 'EACCES' ? 'ports below 1024 are for root; send port 80 on to --http-port' : message
    throw new PkiError('refused', `the http-01 listener on ${address} port ${port} cannot be opened: ${why}`, { cause })
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

/** Makes sure that an ACME directory answers and can be trusted, before anything is changed for it. @throws PkiError `refused` */
export async function reachDirectory(directoryUrl: string, ca: string | undefined): Promise<void> {
  const body = await fetchText(directoryUrl, ca).catch((cause: Error) => {
    throw new PkiError('refused', `${directoryUrl} cannot be reached: ${cause.message}`, { cause })
  })
  if (!body.includes('"newOrder"')) throw new PkiError('refused', `${directoryUrl} is no ACME directory`)
}

function fetchText(url: string, ca: string | undefined): Promise<string> {
  return new Promise((resolve, reject) => {
    const get = new URL(url).protocol === 'https:' ? httpsGet : httpGet
    const asking = get(
      url,
      { agent: false, timeout: TIMEOUT_MS, ...(ca ? { ca: [...rootCertificates, ca] } : {}) },
      (response) => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.on('error', reject)
        response.on('end', () => resolve(Buffer.concat(chunks).toString('utf8')))
      },
    )
    asking.on('timeout', () => asking.destroy(new Error('no answer in time')))
    asking.on('error', reject)
  })
}
