import { X509Certificate } from 'node:crypto'
import { beforeAll, describe, expect, it } from 'vitest'
import { seededRandom } from '../../../src/core/values/random.ts'
import { readFacts } from '../../../src/tls/pki/certificate/certificate.ts'
import { createRequest, readRequest } from '../../../src/tls/pki/certificate/request.ts'
import { openCertificateStore } from '../../../src/tls/pki/certificate-store/store.ts'
import { readPem } from '../../../src/tls/pki/der/pem.ts'
import { PkiError } from '../../../src/tls/pki/errors.ts'
import { readPrivateKey } from '../../../src/tls/pki/keys.ts'
import { readCertificates, writePkcs7 } from '../../../src/tls/pki/keystore/certificate-files.ts'
import { readPkcs12, writePkcs12 } from '../../../src/tls/pki/keystore/pkcs12.ts'
import { certIdOf, createOcspResponse, readOcspRequest } from '../../../src/tls/pki/revocation/ocsp.ts'
import { newFolder } from '../../support/folder.ts'
import { isThorough } from '../../support/thorough.ts'
import { put, run, storeOptions } from './support.ts'

const rounds = isThorough ? 400 : 100
const samples: Record<string, Buffer> = {}
const readers: Record<string, (octets: Buffer) => unknown> = {
  certificate: (octets) => readCertificates(octets).map(readFacts),
  pkcs7: readCertificates,
  pkcs12: (octets) => readPkcs12(octets, 'secret'),
  request: readRequest,
  ocsp: readOcspRequest,
}

beforeAll(async () => {
  await using store = await openCertificateStore(storeOptions('memory'))
  const [installed] = await store.resolve('a', { kind: 'auto' }, ['mail.test'])
  const key = readPrivateKey(installed?.privateKeyPem ?? '')
  const certificates = [
    new X509Certificate(installed?.certificatePem ?? ''),
    new X509Certificate(store.rootPem),
  ] as const
  const request = createRequest({ subject: [{ type: 'CN', value: 'x' }], key, names: [], microsoft: true })
  samples.certificate = certificates[0].raw
  samples.pkcs7 = writePkcs7(certificates)
  samples.pkcs12 = writePkcs12({ friendlyName: 'x', key, certificates, password: 'secret', legacy: true })
  samples.request = readPem(request)[0]?.der ?? Buffer.alloc(0)
  const ocspRequest = { ids: [certIdOf(certificates[0], certificates[1])] }
  expect(createOcspResponse(ocspRequest, [], { key, certificate: certificates[1] }, Date.now()).length).toBeGreaterThan(
    100,
  )
  const folder = newFolder()
  const root = await put(folder, 'root.pem', store.rootPem)
  const made = await run('sh', ['-c', 'openssl ocsp -issuer "$0" -serial 0x1234 -reqout - | base64', root])
  samples.ocsp = Buffer.from(made.out, 'base64')
})

/** Changes some octets, and may cut octets off or insert some. */
function mutated(octets: Buffer, random: () => number): Buffer {
  const at = (): number => Math.floor(random() * octets.length)
  const copy = Buffer.from(octets)
  for (let changes = 1 + Math.floor(random() * 4); changes > 0; changes--) copy[at()] = Math.floor(random() * 256)
  const kind = Math.floor(random() * 4)
  if (kind === 0) return copy.subarray(0, at())
  return kind === 1 ? Buffer.concat([copy.subarray(0, at()), copy]) : copy
}

describe.each(Object.keys(readers))('mutated octets of: %s', (name) => {
  it('are read or rejected with a PkiError', async () => {
    const random = seededRandom(20_251_125)
    const sample = samples[name] ?? Buffer.alloc(0)
    await readers[name]?.(sample)
    for (let round = 0; round < rounds; round++) {
      const octets = mutated(sample, random)
      try {
        await readers[name]?.(octets)
      } catch (error) {
        if (!(error instanceof PkiError)) throw new Error(`${octets.toString('base64')}: ${error}`, { cause: error })
      }
    }
  })
})
