import { xml } from '../../../core/text/xml.ts'
import { servicePaths } from '../authority/issue.ts'
import { type AuthorityKey, issuedWith, keysOf, presentKey } from '../certificate-store/authority-keys.ts'
import { type AuthorityRecord, findAuthority } from '../certificate-store/index-file.ts'
import type { CertificateStore } from '../certificate-store/types.ts'
import {
  createOcspResponse,
  entryFinder,
  isIssuedBy,
  OCSP_LIFE_MS,
  type OcspRequest,
  ocspError,
  readOcspRequest,
} from '../revocation/ocsp.ts'
import type { ServiceActivity } from './activity.ts'
import type { Route, ServiceRequest, ServiceResponse } from './routes.ts'

/** Returns the routes of a store's authorities: CRL, OCSP and certificate of each, the list of them, and the roots. */
export function authorityRoutes(store: CertificateStore, activity: ServiceActivity): Route[] {
  return [
    ...readyAuthorities(store).flatMap((record) => [
      ...keysOf(record).flatMap((key) => [
        crlRoute(activity, record.name, key),
        certificateRoute(activity, record, key),
      ]),
      ...ocspRoutes(store, activity, record.name),
    ]),
    listRoute(store),
    rootRoute(store),
  ]
}

/** Returns the authorities that have a certificate. */
const readyAuthorities = (store: CertificateStore): AuthorityRecord[] =>
  store.index.authorities.filter(({ certificate }) => certificate !== undefined)

/** Media types of RFC 5280 section 4.2.1.13, RFC 2585 section 4.1 and RFC 6960 appendix A. */
const types = {
  crl: 'application/pkix-crl',
  certificate: 'application/pkix-cert',
  ocsp: 'application/ocsp-response',
} as const

const crlRoute = (activity: ServiceActivity, name: string, key: AuthorityKey): Route => ({
  path: servicePaths(name, key.number).crl,
  methods: ['GET'],
  async handle() {
    const { der } = await activity.crl(name, key)
    return { type: types.crl, body: der, headers: { 'cache-control': 'max-age=60' } }
  },
})

const certificateRoute = (activity: ServiceActivity, record: AuthorityRecord, key: AuthorityKey): Route => ({
  path: servicePaths(record.name, key.number).caIssuers,
  methods: ['GET'],
  async handle() {
    const [own] = (await activity.open(record, key)).chain
    return { type: types.certificate, body: own.raw }
  },
})

function ocspRoutes(store: CertificateStore, activity: ServiceActivity, name: string): Route[] {
  const { ocsp } = servicePaths(name, 1)
  const handle = (request: ServiceRequest): Promise<ServiceResponse> => answerOcsp(store, activity, name, request)
  return [
    { path: ocsp, methods: ['POST'], handle },
    { path: `${ocsp}/`, methods: ['GET', 'POST'], handle },
  ]
}

async function answerOcsp(
  store: CertificateStore,
  activity: ServiceActivity,
  name: string,
  request: ServiceRequest,
): Promise<ServiceResponse> {
  const ocspRequest = parseOcsp(request)
  // RFC 6960 section 2.3
  if (ocspRequest === undefined) return { type: types.ocsp, body: ocspError('malformedRequest') }
  try {
    const readAtMs = await activity.readAt(OCSP_LIFE_MS)
    const record = findAuthority(store.index, name)
    const key = await requestedKey(activity, record, ocspRequest)
    const { issuer } = await activity.open(record, key)
    const issued = issuedWith(record, key)
    const body = createOcspResponse(ocspRequest, issued, issuer, readAtMs)
    if (issuer.certificate !== 'self') {
      activity.recordOcsp(name, ocspRequest.ids, entryFinder(issued, issuer.certificate), request.clientAddress)
    }
    // A response with a nonce is for one client only. The others may be cached. RFC 5019 section 6.2
    const maxAgeSeconds = Math.floor(OCSP_LIFE_MS / 24 / 1000)
    const cache = ocspRequest.nonce ? 'no-store' : `max-age=${maxAgeSeconds}, public, no-transform, must-revalidate`
    return { type: types.ocsp, body, headers: { 'cache-control': cache } }
  } catch (err) {
    store.log.error({ err, authority: name }, `an OCSP request could not be answered: ${(err as Error).message}`)
    return { type: types.ocsp, body: ocspError('internalError') }
  }
}

/** Returns the key of an authority that an OCSP request is about; the present one if it is about none of them. */
async function requestedKey(
  activity: ServiceActivity,
  record: AuthorityRecord,
  { ids }: OcspRequest,
): Promise<AuthorityKey> {
  for (const key of record.earlier ?? []) {
    const [own] = (await activity.open(record, key)).chain
    if (ids[0] && isIssuedBy(ids[0], own)) return key
  }
  return presentKey(record)
}

/** Parses an OCSP request from GET or POST. Returns undefined if it is malformed. */
function parseOcsp({ method, rest, body }: ServiceRequest): OcspRequest | undefined {
  try {
    // A GET has the request in its path: base64, percent-encoded or not. RFC 6960 appendix A.1
    const der = method === 'POST' ? body : Buffer.from(decodeURIComponent(rest.replace(/^\//, '')), 'base64')
    return readOcspRequest(der)
  } catch {
    return undefined
  }
}

/** Lists the authorities for people. */
const listRoute = (store: CertificateStore): Route => ({
  path: '/',
  methods: ['GET'],
  handle({ path }) {
    if (path !== '/') return { status: 404, type: 'text/plain; charset=utf-8', body: 'not found\n' }
    const rows = readyAuthorities(store)
      .flatMap((record) => keysOf(record).map((key) => authorityRow(record, key)))
      .join('\n')
    const body = `<!doctype html>\n<meta charset="utf-8">\n<title>Sealpost certificate authorities</title>\n<h1>Certificate authorities of this lab</h1>\n<p><a href="/root.pem">The root certificates that clients must trust</a></p>\n<ul>\n${rows}\n</ul>\n`
    return { type: 'text/html; charset=utf-8', body }
  },
})

function authorityRow(record: AuthorityRecord, key: AuthorityKey): string {
  const { crl, caIssuers, ocsp } = servicePaths(record.name, key.number)
  const name = key.number === presentKey(record).number ? record.name : `${record.name}, key ${key.number}`
  const link = (path: string, text: string): string => `<a href="${path}">${text}</a>`
  return `<li>${xml(name)}: ${link(caIssuers, 'certificate')}, ${link(crl, 'revocation list')}, OCSP at ${ocsp}</li>`
}

const rootRoute = (store: CertificateStore): Route => ({
  path: '/root.pem',
  methods: ['GET'],
  handle: () => ({ type: 'application/x-pem-file', body: store.rootPem }),
})
