import { cramMd5 } from './cram-md5.ts'
import { external } from './external.ts'
import { login } from './login.ts'
import { plain } from './plain.ts'
import { scramSha256 } from './scram-sha-256.ts'
import type { SaslContext, SaslExchange, SaslMechanism } from './types.ts'

export type { SaslMechanism } from './types.ts'

/** Every mechanism, in the order they are announced. What `needs` a clear password is not to be had in an open directory. */
export const saslMechanisms: readonly SaslMechanism[] = [plain, login, cramMd5, scramSha256, external]

/** Starts an exchange of a mechanism, named in any case; undefined where there is none of that name. */
export function startSasl(mechanism: string, context: SaslContext): SaslExchange | undefined {
  return saslMechanisms.find(({ name }) => name === mechanism.toUpperCase())?.start(context)
}
