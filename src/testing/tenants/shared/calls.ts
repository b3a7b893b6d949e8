import { deserialize, serialize } from 'node:v8'
import type { MessageFacts } from '../../received/message.ts'
import type { TestLab } from '../../test-lab.ts'
import type { Tenant } from '../tenant.ts'

/** The data with which another process connects to a shared lab. Vitest passes it to the workers. */
export interface SharedLab {
  readonly port: number
  readonly token: string
  readonly domain: string
  readonly nodemailer: ReturnType<TestLab['nodemailer']>
  readonly imapflow: ReturnType<TestLab['imapflow']>
}

/** The methods that other processes can call: those of a tenant, and of its messages. `join` calls none: it adds the tenant. */
export const methods = [
  'join',
  'waitForMessage',
  'waitForMessages',
  'receives',
  'messages',
  'waitForSession',
  'sessions',
  'assertNothingSent',
  'unsubscribe',
  'deliver',
  'createNewsgroup',
  'articles',
  'clear',
] as const satisfies readonly (keyof Tenant | 'join' | 'unsubscribe')[]

export type Method = (typeof methods)[number]

export interface Request {
  readonly tenant: string
  readonly method: Method
  readonly args: readonly unknown[]
}

export type Response =
  | { readonly value: unknown }
  | { readonly error: { readonly name: string; readonly message: string } }

/** A message as it is sent to another process. */
export interface EncodedMessage {
  readonly raw: Uint8Array
  readonly facts: MessageFacts
}

/** The longest call or result. */
const MAX_OCTETS = 512 * 1024 * 1024

/**
 * Writes a call or its result by structured clone, which keeps patterns, dates and octets.
 * @throws DataCloneError for a value that cannot be cloned, such as a function; RangeError if it is too long
 */
export function encode(value: Request | Response): Buffer {
  const body = serialize(value)
  if (body.length > MAX_OCTETS)
    throw new RangeError(`${body.length} octets are too many for one call of a shared lab (limit: ${MAX_OCTETS})`)
  return body
}

/** Reads the body of a call or its result. @throws RangeError if it is too long; Error if it is damaged */
export async function decode(body: AsyncIterable<Buffer>): Promise<unknown> {
  const pieces: Buffer[] = []
  let octets = 0
  for await (const piece of body) {
    octets += piece.length
    if (octets > MAX_OCTETS) throw new RangeError('the call is too long')
    pieces.push(piece)
  }
  return deserialize(Buffer.concat(pieces))
}
