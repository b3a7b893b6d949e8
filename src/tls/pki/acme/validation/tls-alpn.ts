import { createHash, X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { connect } from 'node:tls'
import { clearTimeout, setTimeout } from '../../../../core/time/real-timers.ts'
import { certificateFields, readFacts } from '../../certificate/certificate.ts'
import { item, items, octetStringValue, oidOf, readAsn1 } from '../../der/decode.ts'
import { extensionIds } from '../../der/oids.ts'
import { acmeProtocol, type Identifier, serverNameOf } from '../identifier.ts'
import { AcmeProblem } from '../response.ts'

const TIMEOUT_MS = 10_000

/** Validates a tls-alpn-01 challenge. RFC 8737 section 3. @throws AcmeProblem `connection`, `tls`, `incorrectResponse` */
export async function validateTlsAlpn(
  identifier: Identifier,
  keyAuthorization: string,
  at: { readonly address: string; readonly port: number },
): Promise<void> {
  const certificate = await certificateAt(identifier, at)
  const problem = certificateProblem(certificate, identifier, createHash('sha256').update(keyAuthorization).digest())
  if (problem === undefined) return
  throw new AcmeProblem('incorrectResponse', `the certificate at ${at.address} port ${at.port} ${problem}`)
}

async function certificateAt(
  identifier: Identifier,
  { address: host, port }: { readonly address: string; readonly port: number },
): Promise<X509Certificate> {
  const socket = connect({
    host,
    port,
    servername: serverNameOf(identifier),
    ALPNProtocols: [acmeProtocol],
    minVersion: 'TLSv1.2',
    // The certificate is self-signed; its content proves the control of the name. RFC 8737 section 3
    rejectUnauthorized: false,
  })
  // Of the whole handshake: a host that sends one octet from time to time must not keep it open.
  const timer = setTimeout(() => socket.destroy(new Error('timeout')), TIMEOUT_MS)
  try {
    await once(socket, 'secureConnect')
    if (socket.alpnProtocol !== acmeProtocol) {
      throw new AcmeProblem('tls', `${host} port ${port} did not negotiate the protocol ${acmeProtocol}`)
    }
    return new X509Certificate(socket.getPeerX509Certificate()?.raw ?? Buffer.alloc(0))
  } catch (error) {
    if (error instanceof AcmeProblem) throw error
    const { code = '', message } = error as NodeJS.ErrnoException
    const isRefused = /^E(CONN|HOST|NET|TIMED)/.test(code) || message === 'timeout'
    throw new AcmeProblem(isRefused ? 'connection' : 'tls', `${host} port ${port}: ${message}`)
  } finally {
    clearTimeout(timer)
    socket.on('error', () => {})
    socket.destroy()
  }
}

/** Returns what is wrong with the certificate of a challenge; undefined if it proves the control of the identifier. */
function certificateProblem(certificate: X509Certificate, identifier: Identifier, digest: Buffer): string | undefined {
  const { names } = readFacts(certificate)
  const [only, ...others] = names
  if (only === undefined || others.length > 0 || only.type !== identifier.type) {
    return `is not for ${identifier.value} alone`
  }
  if (only.value.toLowerCase() !== identifier.value.toLowerCase()) {
    return `is for ${only.value}, not for ${identifier.value}`
  }
  const extension = certificateFields(certificate.raw).extensions.find(
    (one) => oidOf(item(one, 0)) === extensionIds.acmeIdentifier,
  )
  if (extension === undefined) return 'has no acmeIdentifier'
  const parts = items(extension)
  const critical = parts.length === 3 && parts[1]?.content[0] === 0xff
  if (!critical) return 'has an acmeIdentifier that is not critical'
  const value = octetStringValue(readAsn1(octetStringValue(parts.at(-1) ?? extension)))
  return value.equals(digest) ? undefined : 'has the acmeIdentifier of another key authorization'
}
