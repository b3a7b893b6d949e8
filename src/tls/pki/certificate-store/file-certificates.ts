import type { SingleCertificateChoice } from '../../../core/config/schema/certificate.ts'
import { readUserFile } from '../../../core/files/user-files.ts'
import { certificatePem, thumbprintOf } from '../certificate/certificate.ts'
import { isRoot } from '../certificate/chain.ts'
import { PkiError } from '../errors.ts'
import { privateKeyPem, readPrivateKey } from '../keys.ts'
import { readCertificates } from '../keystore/certificate-files.ts'
import type { InstalledCertificate } from '../types.ts'

type FileChoice = Extract<SingleCertificateChoice, { readonly kind: 'file' }>

/** The certificates of files that the configuration names. They are read at the start and at each reload. */
export class FileCertificates {
  /** The certificates as they were read last, by their octets. */
  readonly #known = new Map<string, InstalledCertificate>()

  /** @throws Error if a file cannot be read; PkiError if it has no certificate, or the key belongs to another */
  async certificateFor({ file, keyFile }: FileChoice): Promise<InstalledCertificate> {
    const [octets, key] = await Promise.all([readUserFile(file), readUserFile(keyFile)])
    const name = `${octets.toString('latin1')}\n${key.toString('latin1')}`
    const known = this.#known.get(name)
    if (known) return known
    const found = readCertificates(octets)
    const privateKey = readPrivateKey(key.toString('utf8'))
    const own = found.find((one) => one.checkPrivateKey(privateKey))
    if (!own) throw new PkiError('refused', `${keyFile} is not the key of ${file}`)
    const chain = found.filter((one) => one !== own && !isRoot(one))
    const installed = {
      friendlyName: file,
      thumbprint: thumbprintOf(own),
      certificatePem: certificatePem(own),
      chainPem: chain.map(certificatePem),
      privateKeyPem: privateKeyPem(privateKey),
    }
    this.#known.set(name, installed)
    return installed
  }
}
