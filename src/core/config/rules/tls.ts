import { isLoopback } from '../../network/ip-address.ts'
import { atLeast128Bits, cipherStringError, isTls13Only } from '../openssl.ts'
import { tlsVersions } from '../schema.ts'
import { isBelow128Bits } from '../tls-names.ts'
import { NEEDS_CERTIFICATE } from './certificates.ts'
import { eachServer, type Rule } from './rule.ts'

/** Rules about TLS policies, the engine for old clients and its defects. */
export const tlsRules: readonly Rule[] = [
  eachServer(function* legacyWithClientCertificates(server, at) {
    if (server.tls.legacy === 'off' || server.clientCertificates.mode !== 'require') return
    yield {
      path: [...at, 'tls', 'legacy'],
      message:
        'accepts old clients, which cannot send a certificate, but clientCertificates requires one; write clientCertificates: accept, or legacy: off',
    }
  }),

  eachServer(function* defectOffLoopback(server, at) {
    const { defect } = server.tls
    if (defect === undefined || isLoopback(server.address)) return
    yield {
      path: [...at, 'tls', 'defect'],
      message: `${defect} is allowed only on a loopback address, and address is ${server.address}; write address: 127.0.0.1, or remove defect`,
    }
  }),

  eachServer(function* defectWithoutEffect(server, at) {
    const { defect, minVersion } = server.tls
    if (defect === undefined) return
    const path = [...at, 'tls', 'defect']
    if (server.certificate.kind === 'none') {
      yield { path, message: `${defect} has no effect without TLS: ${NEEDS_CERTIFICATE}` }
    }
    if (minVersion === 'TLSv1.3') {
      yield { path, message: `${defect} has no effect in TLS 1.3; write minVersion: TLSv1.2, or remove defect` }
    }
    if (server.clientCertificates.mode === 'require') {
      yield {
        path,
        message: `${defect} has no effect, because the engine with defects cannot ask for client certificates; write clientCertificates: accept, or remove defect`,
      }
    }
  }),

  eachServer(function* minVersionAboveMaxVersion(server, at) {
    const { minVersion, maxVersion } = server.tls
    if (tlsVersions.indexOf(minVersion) <= tlsVersions.indexOf(maxVersion)) return
    yield {
      path: [...at, 'tls', 'minVersion'],
      message: `${minVersion} is higher than maxVersion, ${maxVersion}; no client could connect: lower minVersion or raise maxVersion`,
    }
  }),

  eachServer(function* noSuiteOf128Bits({ require128BitEncryption, tls: { ciphers, legacy, strength } }, at) {
    if (!require128BitEncryption) return
    const only = 'only cipher suites below 128 bits, but require128BitEncryption is true'
    const cure = 'allow stronger ones, or write require128BitEncryption: false'
    if (ciphers !== undefined && cipherStringError(atLeast128Bits(ciphers)) !== undefined) {
      yield { path: [...at, 'tls', 'ciphers'], message: `allows ${only}; ${cure}` }
    }
    if (Array.isArray(legacy) && legacy.every((name) => isBelow128Bits(name, strength))) {
      const measure = strength === 'effective' ? ' (with strength: effective, 3DES has 112)' : ''
      yield { path: [...at, 'tls', 'legacy'], message: `lists ${only}${measure}; ${cure}` }
    }
  }),

  eachServer(function* suitesOfTls13Only({ tls: { ciphers, maxVersion } }, at) {
    if (ciphers === undefined || maxVersion === 'TLSv1.3' || !isTls13Only(ciphers)) return
    yield {
      path: [...at, 'tls', 'ciphers'],
      message: `names only suites of TLS 1.3, but maxVersion is ${maxVersion}; add suites of TLS 1.2, or write maxVersion: TLSv1.3`,
    }
  }),
]
