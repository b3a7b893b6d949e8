import { Agent } from 'node:https'
import { rootCertificates } from 'node:tls'
import type { CertificateStore } from '../certificate-store/store.ts'
import { PkiError } from '../errors.ts'
import { generateKey, privateKeyPem } from '../keys.ts'
import { openChallengeListener } from './challenge-listener.ts'

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
