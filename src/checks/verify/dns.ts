import { DnsError, type DnsErrorCode } from '../../transport/dns/errors.ts'
import { remoteResolver } from '../../transport/dns/remote.ts'
import type { Lookup, Resolver } from '../../transport/dns/resolver.ts'
import { type DnsServer, VerifyError } from './types.ts'

interface DnsAnswer<Record> extends Pick<Lookup<Record>, 'records' | 'authenticated'> {
  /** The response code of a failure. */
  readonly error?: DnsErrorCode
}

/** Creates a resolver that asks a DNS server once. */
export const resolverAt = ({ address, port }: DnsServer, timeoutMs: number): Resolver =>
  remoteResolver({ host: address, port, timeoutMs, attempts: 1 })

/** Returns what a lookup finds: nothing if it fails. @throws VerifyError if the server does not answer */
export async function answerTo<Record>(lookup: Promise<Lookup<Record>>): Promise<DnsAnswer<Record>> {
  try {
    return await lookup
  } catch (error) {
    if (!(error instanceof DnsError)) throw error
    const { code, message, authenticated } = error
    if (code === 'BADRESPONSE') throw new VerifyError(`the DNS server’s answer is malformed: ${message}`)
    if (code === 'TIMEOUT' || code === 'UNREACHABLE') {
      throw new VerifyError(`the DNS server does not answer: ${message}`)
    }
    return { records: [], authenticated, ...(error.isPermanent ? {} : { error: code }) }
  }
}
