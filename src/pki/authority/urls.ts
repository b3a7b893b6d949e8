import { slug } from '../certificate-store/draft.ts'
import type { ServiceUrls } from '../x509/profiles.ts'

/** Paths of one authority below the authority service's address. */
export const servicePaths = (name: string) => {
  const id = slug(name)
  return { crl: `/crl/${id}.crl`, ocsp: `/ocsp/${id}`, caIssuers: `/ca/${id}.cer` } as const
}

/** What certificates of an authority say about revocation, where the lab serves it. */
export function serviceUrls(base: string | undefined, name: string): ServiceUrls | undefined {
  if (base === undefined) return undefined
  const at = base.replace(/\/$/, '')
  const paths = servicePaths(name)
  return { crl: at + paths.crl, ocsp: at + paths.ocsp, caIssuers: at + paths.caIssuers }
}
