import { X509Certificate } from 'node:crypto'
import { isIP } from 'node:net'
import type { ResolvedVirtualServer } from '../../config/resolve.ts'
import type { CertificateStore } from '../../pki/certificate-store/store.ts'
import type { InstalledCertificate } from '../../pki/types.ts'
import type { Configuration } from '../configuration.ts'
import { unknownPins } from '../pinned-certificates.ts'
import { readStore } from '../read-store.ts'
import { doubtful, type Finding, mistaken, wrong } from './finding.ts'

const DAY_MS = 86_400_000
const WARN_DAYS = 30

/**
 * What is wrong with the certificates that virtual servers are to wear. Nothing is issued or changed.
 * @throws PkiError when the store cannot be read
 */
export async function checkCertificates(configuration: Configuration): Promise<Finding[]> {
  const { lab } = configuration
  const unknown = (await unknownPins(configuration)).map(mistaken)
  const worn = await readStore(lab.certificates, (store) =>
    Promise.all(lab.virtualServers.map((server) => checkServer(server, store, lab.hostname))),
  )
  return [...unknown, ...(worn ?? []).flat()]
}

/** The certificates of one virtual server that are in the store already. */
async function checkServer(
  server: ResolvedVirtualServer,
  store: CertificateStore,
  hostname: string,
): Promise<Finding[]> {
  const settings = typeof server.certificate === 'string' ? [server.certificate] : server.certificate
  const found: Finding[] = []
  for (const setting of settings) {
    const record = recordOf(setting, server.name, store)
    if (!record) continue
    try {
      const installed = await store.materials.load(record)
      found.push(
        ...judge(installed, hostname).map(({ severity, message }) => ({
          severity,
          message: `${server.name}: ${message}`,
        })),
      )
    } catch (error) {
      found.push(wrong(`${server.name}: ${(error as Error).message}`))
    }
  }
  return found
}

function recordOf(
  setting: string,
  server: string,
  store: CertificateStore,
): CertificateStore['index']['certificates'][number] | undefined {
  const { assignments, certificates } = store.index
  if (setting === 'none') return undefined
  if (setting === 'auto' || setting === 'assigned') {
    return certificates.find(({ thumbprint }) => thumbprint === assignments[server])
  }
  const digits = setting.replaceAll(/[\s:]/g, '').toUpperCase()
  return certificates.findLast(({ friendlyName, thumbprint }) => thumbprint === digits || friendlyName === setting)
}

/** Dates, names and chain of one certificate. That the key is its own, the store has checked when it read it. */
function judge({ friendlyName, certificatePem, chainPem }: InstalledCertificate, hostname: string): Finding[] {
  const certificate = new X509Certificate(certificatePem)
  const name = `certificate "${friendlyName}"`
  const found: Finding[] = []
  const daysLeft = Math.floor((Date.parse(certificate.validTo) - Date.now()) / DAY_MS)
  if (daysLeft < 0) found.push(wrong(`${name} expired on ${certificate.validTo}; sealpost cert renew makes another`))
  else if (daysLeft < WARN_DAYS) found.push(doubtful(`${name} expires in ${daysLeft} days, on ${certificate.validTo}`))
  if (Date.parse(certificate.validFrom) > Date.now())
    found.push(wrong(`${name} is not valid before ${certificate.validFrom}`))
  const covers = isIP(hostname) ? certificate.checkIP(hostname) : certificate.checkHost(hostname)
  if (!covers)
    found.push(doubtful(`${name} is not issued to ${hostname}: ${certificate.subjectAltName ?? certificate.subject}`))
  if (!builds(certificate, chainPem))
    found.push(doubtful(`the chain of ${name} does not build: clients cannot follow it to its root`))
  return found
}

/** Whether each certificate of the chain issued the one before it. The root above the last is the client's. */
function builds(certificate: X509Certificate, chainPem: readonly string[]): boolean {
  const chain = [certificate, ...chainPem.map((pem) => new X509Certificate(pem))]
  return chain.every((one, index) => {
    const issuer = chain[index + 1]
    return issuer === undefined || (one.checkIssued(issuer) && one.verify(issuer.publicKey))
  })
}
