import { xml } from '../../common/xml.ts'
import { openAuthority, servicePaths } from '../authority/issue.ts'
import type { AuthorityRecord } from '../certificate-store/index-file.ts'
import type { CertificateStore } from '../certificate-store/store.ts'
import { createCrl, crlLifeMs } from '../revocation/crl.ts'
import { createOcspResponse, type OcspRequest, ocspError, ocspLifeMs, readOcspRequest } from '../revocation/ocsp.ts'
import type { Route, ServiceRequest, ServiceResponse } from './routes.ts'

/** Media types of RFC 5280 section 4.2.1.13, RFC 2585 section 4.1 and RFC 6960 appendix A. */
const types = {
  crl: 'application/pkix-crl',
  certificate: 'application/pkix-cert',
  ocsp: 'application/ocsp-response',
} as const

const seconds = (milliseconds: number): string => String(Math.floor(milliseconds / 1000))

/** CRL of one authority: made anew when half its life is over, and with the routes after each change of the store. */
function crlRoute(store: CertificateStore, { name }: AuthorityRecord): Route {
  let made: { der: Buffer; at: number } | undefined
  return {
    path: servicePaths(name).crl,
    methods: ['GET'],
    async handle() {
      const nowMs = store.clock.now()
      if (made === undefined || Math.abs(nowMs - made.at) > crlLifeMs / 2) {
        const { record, issuer } = await openAuthority(store, store.materials, name)
        made = { der: createCrl(record.issued, issuer, nowMs), at: nowMs }
      }
      return { type: types.crl, body: made.der, headers: { 'cache-control': 'max-age=60' } }
    },
  }
}

function certificateRoute(store: CertificateStore, { name }: AuthorityRecord): Route {
  return {
    path: servicePaths(name).caIssuers,
    methods: ['GET'],
    async handle() {
      const { chain } = await openAuthority(store, store.materials, name)
      return { type: types.certificate, body: chain[0]?.raw ?? Buffer.alloc(0) }
    },
  }
}

/** The request of a GET: base64 in the path, percent-encoded or not. RFC 6960 appendix A.1. */
function requestDer({ method, rest, body }: ServiceRequest): Buffer {
  return method === 'POST' ? body : Buffer.from(decodeURIComponent(rest.replace(/^\//, '')), 'base64')
}

async function answerOcsp(store: CertificateStore, name: string, request: ServiceRequest): Promise<ServiceResponse> {
  // RFC 6960 section 2.3
  const asked = readAsked(request)
  if (asked === undefined) return { type: types.ocsp, body: ocspError('malformedRequest') }
  try {
    const { record, issuer } = await openAuthority(store, store.materials, name)
    const body = createOcspResponse(asked, record.issued, issuer, store.clock.now())
    // A nonce makes the answer the asker's own. RFC 5019 section 6.2 on the caching of the others.
    const cache = asked.nonce
      ? 'no-store'
      : `max-age=${seconds(ocspLifeMs / 24)}, public, no-transform, must-revalidate`
    return { type: types.ocsp, body, headers: { 'cache-control': cache } }
  } catch (err) {
    store.log.error({ err, authority: name }, `an OCSP request cannot be answered: ${(err as Error).message}`)
    return { type: types.ocsp, body: ocspError('internalError') }
  }
}

/** Undefined: whatever it is, it is no request. */
function readAsked(request: ServiceRequest): OcspRequest | undefined {
  try {
    return readOcspRequest(requestDer(request))
  } catch {
    return undefined
  }
}

function ocspRoutes(store: CertificateStore, { name }: AuthorityRecord): Route[] {
  const { ocsp } = servicePaths(name)
  const handle = (request: ServiceRequest): Promise<ServiceResponse> => answerOcsp(store, name, request)
  return [
    { path: ocsp, methods: ['POST'], handle },
    { path: `${ocsp}/`, methods: ['GET', 'POST'], handle },
  ]
}

/** CRL, OCSP and certificate of every authority of the store. */
export const revocationRoutes = (store: CertificateStore): Route[] =>
  store.index.authorities
    .filter(({ certificate }) => certificate !== undefined)
    .flatMap((record) => [crlRoute(store, record), certificateRoute(store, record), ...ocspRoutes(store, record)])

function rowOf(name: string): string {
  const { crl, caIssuers, ocsp } = servicePaths(name)
  const link = (path: string, text: string): string => `<a href="${path}">${text}</a>`
  return `<li>${xml(name)}: ${link(caIssuers, 'certificate')}, ${link(crl, 'revocation list')}, OCSP at ${ocsp}</li>`
}

/** For people: the authorities, and `/root.pem` for clients that are to trust the lab. */
export const startPages = (store: CertificateStore): Route[] => [
  {
    path: '/',
    methods: ['GET'],
    handle({ path }) {
      if (path !== '/') return { status: 404, type: 'text/plain; charset=utf-8', body: 'no such page\n' }
      const ready = store.index.authorities.filter(({ certificate }) => certificate !== undefined)
      const list = ready.map(({ name }) => rowOf(name)).join('\n')
      const body = `<!doctype html>\n<meta charset="utf-8">\n<title>Sealpost certificate authorities</title>\n<h1>Certificate authorities of this lab</h1>\n<p><a href="/root.pem">The root that clients are to trust</a></p>\n<ul>\n${list}\n</ul>\n`
      return { type: 'text/html; charset=utf-8', body }
    },
  },
  {
    path: '/root.pem',
    methods: ['GET'],
    handle: () => ({ type: 'application/x-pem-file', body: store.rootPem }),
  },
]
