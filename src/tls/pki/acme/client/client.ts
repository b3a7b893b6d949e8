import { Agent } from 'node:https'
import { rootCertificates } from 'node:tls'
import { installCommand } from '../../../../core/files/folders.ts'
import type { CertificateStore } from '../../certificate-store/types.ts'
import { PkiError } from '../../errors.ts'
import { generateKey, privateKeyPem } from '../../keys.ts'
import type { AcmeAuthority } from './authority.ts'
import { MAX_OCTETS, TIMEOUT_MS } from './directory.ts'

type AcmeModule = typeof import('acme-client')
export type AcmeClient = InstanceType<AcmeModule['Client']>

/** The end of the last use of acme-client, which keeps the root of the directory for the whole process. */
let lastUse: Promise<unknown> = Promise.resolve()

/** Runs tasks that use acme-client one after the other. */
export function runInTurn<T>(task: () => Promise<T>): Promise<T> {
  const next = lastUse.then(task)
  lastUse = next.catch(() => {})
  return next
}

/** Returns a client of an ACME directory. Call it `inTurn`. @param accountKey private key in PEM @throws PkiError */
export async function openClient(
  { directoryUrl, ca, externalAccount }: AcmeAuthority,
  accountKey: string,
): Promise<AcmeClient> {
  const acme = await load()
  limit(acme)
  // Reports an unreachable directory immediately. By default the client retries for half a minute.
  Object.assign(acme.axios.defaults, { acmeSettings: { retryMaxAttempts: 1, retryDefaultDelay: 1 } })
  acme.axios.defaults.httpsAgent = ca ? new Agent({ ca: [...rootCertificates, ca] }) : undefined
  return new acme.Client({
    directoryUrl,
    accountKey,
    backoffAttempts: 40,
    backoffMin: 200,
    backoffMax: 5000,
    ...(externalAccount ? { externalAccountBinding: { kid: externalAccount.kid, hmacKey: externalAccount.key } } : {}),
  })
}

let isLimited = false

/** Limits the time and the size of every exchange, also of one whose answer arrives slowly: the package has no limits. */
function limit({ axios }: AcmeModule): void {
  if (isLimited) return
  isLimited = true
  axios.defaults.maxContentLength = MAX_OCTETS
  axios.interceptors.request.use((config) => Object.assign(config, { signal: AbortSignal.timeout(TIMEOUT_MS) }))
  // The package fails with a TypeError if there was no answer at all.
  axios.interceptors.response.use(undefined, (cause: unknown) => {
    if (!(cause instanceof TypeError)) throw cause
    throw new Error(`the directory closed the connection, or did not answer within ${TIMEOUT_MS / 1000} s`, { cause })
  })
}

async function load(): Promise<AcmeModule> {
  try {
    const loaded = await import('acme-client')
    return loaded.default ?? loaded
  } catch (cause) {
    throw new PkiError('refused', `ACME needs the package acme-client; run: ${installCommand('acme-client')}`, {
      cause,
    })
  }
}

/** Returns the key of the lab's account at a directory in PEM. It is stored, so that the account stays the same. */
export async function accountKey(store: CertificateStore, directoryUrl: string): Promise<string> {
  const known = store.index.acmeKeys?.find(({ directory }) => directory === directoryUrl)
  if (known) return store.materials.read(known.key)
  const made = await generateKey('p256')
  return store.update((draft) => {
    const key = draft.putKey('acme-account', made)
    draft.index.acmeKeys = [...(draft.index.acmeKeys ?? []), { directory: directoryUrl, key }]
    return privateKeyPem(made)
  })
}
