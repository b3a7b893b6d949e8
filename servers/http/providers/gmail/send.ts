import { randomBytes } from 'node:crypto'
import { findField, headerFields } from '../../../../src/mail/format/headers.ts'
import { addressesIn } from '../account-mail.ts'
import { send } from '../send.ts'
import type { Gmail } from './account.ts'
import { addMail } from './change.ts'
import { invalid } from './errors.ts'
import { summary } from './resource.ts'

/** The Message-ID that Gmail gives to a message. */
export const messageIdOf = (id: string): string => `${id}@mail.gmail.com`

/** Sends a message, and saves a copy with the label SENT. Returns that as `messages.send` shows it. @throws ProviderError */
export async function sendMail(gmail: Gmail, given: Buffer): Promise<object> {
  const { call, address } = gmail
  const { recipients } = addressesIn(given)
  if (recipients.length === 0) throw invalid('Recipient address required')
  const id = randomBytes(8).toString('hex')
  // The copy has the same Message-ID, so that answers are in its thread.
  const own = findField(headerFields(given), 'message-id') ? '' : `Message-ID: <${messageIdOf(id)}>\r\n`
  const raw = Buffer.concat([Buffer.from(own), given])
  await send(call, [{ id, from: address, recipients, content: raw }])
  return summary(gmail, await addMail(gmail, raw, ['SENT']))
}
