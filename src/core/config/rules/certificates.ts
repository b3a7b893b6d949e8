import { mlDsaProblem } from '../ml-dsa-support.ts'
import { isShared } from '../resolve.ts'
import { isOnlyOverTls } from '../schema/authentication.ts'
import { certificateText, choicesOf } from '../schema/certificate.ts'
import { DATABASE } from '../schema/certificates.ts'
import { eachServer, type Rule } from './rule.ts'

export const NEEDS_CERTIFICATE =
  'certificate: none makes TLS impossible; write certificate: auto (or assigned, or a name)'

/** Rules about certificates, and about keys that need one. */
export const certificateRules: readonly Rule[] = [
  function* mlDsaKeys({ certificates }) {
    const { key } = certificates
    const why = key.startsWith('ml-dsa-') ? mlDsaProblem() : undefined
    if (why) yield { path: ['certificates', 'key'], message: `is ${key}, but ${why}` }
  },

  function* databaseWithoutOne({ certificates, store }) {
    if (certificates.store !== DATABASE || isShared(store)) return
    yield {
      path: ['certificates', 'store'],
      message: `is ${DATABASE}, but messages are not in one; set store: { postgres: URL }, or name a folder (./${DATABASE} is one)`,
    }
  },

  eachServer(function* mlDsaVariants(server, at) {
    const asked = choicesOf(server.certificate).some(
      (one) => one.kind === 'variant' && one.variant.startsWith('ml-dsa-'),
    )
    const why = asked ? mlDsaProblem() : undefined
    if (why) yield { path: [...at, 'certificate'], message: `is ${certificateText(server.certificate)}, but ${why}` }
  }),

  eachServer(function* requiredTlsWithoutCertificate(server, at) {
    if (server.certificate.kind !== 'none') return
    for (const key of ['requireSecureChannel', 'require128BitEncryption'] as const) {
      if (server[key]) yield { path: [...at, key], message: `is true, but ${NEEDS_CERTIFICATE}, or ${key}: false` }
    }
    if (typeof server.tlsPort === 'number') {
      yield { path: [...at, 'tlsPort'], message: `is ${server.tlsPort}, but ${NEEDS_CERTIFICATE}, or tlsPort: off` }
    }
    for (const method of server.authentication.filter(isOnlyOverTls)) {
      const otherwise = method === 'basic-over-tls' ? ', or basic' : ''
      yield { path: [...at, 'authentication'], message: `has ${method}, but ${NEEDS_CERTIFICATE}${otherwise}` }
    }
  }),

  eachServer(function* noneInList(server, at) {
    if (server.certificate.kind !== 'list') return
    const index = server.certificate.choices.findIndex(({ kind }) => kind === 'none')
    if (index !== -1) {
      yield {
        path: [...at, 'certificate', index],
        message: 'none cannot be one of several certificates; write certificate: none',
      }
    }
  }),
]
