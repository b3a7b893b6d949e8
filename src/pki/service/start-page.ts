import { xml } from '../../common/xml.ts'
import { servicePaths } from '../authority/urls.ts'
import type { CertificateStore } from '../certificate-store/store.ts'
import type { Route } from './routes.ts'

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
