import { promises as dns } from 'node:dns'
import { AddressList } from '../../../../core/network/address-list.ts'
import type { Identifier } from '../identifier.ts'
import { AcmeProblem } from '../response.ts'

/** Names that public DNS does not have. RFC 6761, RFC 6762, RFC 9476 (alt). A single label is a machine's name. */
const reserved = /^[^.]+$|(^|\.)(test|example|invalid|localhost|local|internal|home\.arpa|alt)$/i

const LOOPBACK = ['127.0.0.0/8', '::1']

/**
 * Returns the address at which an identifier is validated. Names that public DNS does not have are at the client's.
 * A client chooses the address, so everything that the configuration does not list is refused: other machines of the
 * network, and metadata services (169.254.169.254) above all. Only servers of this machine may redirect to loopback.
 * @param earlier the addresses of the servers that redirected there
 * @throws AcmeProblem `connection` if a name does not resolve, `rejectedIdentifier` if the address is not allowed
 */
export async function addressOf(
  identifier: Identifier,
  clientAddress: string,
  listed: readonly string[],
  earlier: readonly string[] = [],
): Promise<string> {
  const address = await resolve(identifier, clientAddress)
  const loopback = new AddressList(LOOPBACK)
  const local = earlier.every((one) => loopback.has(one)) ? LOOPBACK : []
  if (new AddressList([...local, ...listed]).has(address)) return address
  throw new AcmeProblem(
    'rejectedIdentifier',
    `${identifier.value} is at ${address}, to which the lab does not connect: list it in certificates.service.acme.from`,
  )
}

async function resolve({ type, value }: Identifier, clientAddress: string): Promise<string> {
  if (type === 'ip') return value
  if (reserved.test(value)) return clientAddress.replace(/^::ffff:/i, '')
  try {
    return (await dns.lookup(value)).address
  } catch (error) {
    throw new AcmeProblem('connection', `${value} does not resolve: ${(error as Error).message}`)
  }
}
