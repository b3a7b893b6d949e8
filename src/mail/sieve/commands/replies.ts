import { createHash, randomUUID } from 'node:crypto'
import { isWritten, parseAllAddresses } from '../../format/addresses.ts'
import { headerLines } from '../../format/compose.ts'
import { formatDate } from '../../format/dates.ts'
import { messageIds } from '../../format/message-ids.ts'
import type { SieveMail } from '../mail.ts'
import type { Call } from '../run.ts'

/** Messages that a script writes: vacation replies and notifications. */

type Field = readonly [name: string, value: string | undefined]

/** Returns a message of a text in UTF-8, with Date and Message-ID. `entity`: it begins with its own MIME header. */
export async function written(call: Call, fields: readonly Field[], text: string, entity = false): Promise<Buffer> {
  const own = call.run.environment.addresses[0] ?? call.run.message.envelope.to
  const domain = own.slice(own.lastIndexOf('@') + 1) || 'localhost'
  const header = await headerLines([
    ...fields,
    ['Date', formatDate(call.run.environment.nowMs)],
    ['Message-ID', `<${randomUUID()}@${domain}>`],
    ['MIME-Version', '1.0'],
    ...(entity
      ? []
      : ([
          ['Content-Type', 'text/plain; charset=utf-8'],
          ['Content-Transfer-Encoding', '8bit'],
        ] as const)),
  ])
  return Buffer.from(`${header}${entity ? '' : '\r\n'}${text}${text.endsWith('\r\n') ? '' : '\r\n'}`)
}

/** RFC 5322 section 3.6.4. A long chain keeps its beginning and its end. */
export function references(mail: SieveMail): readonly Field[] {
  const [id] = mail.raws(['message-id']).flatMap(messageIds)
  if (id === undefined) return []
  const before = mail.raws(['references']).flatMap(messageIds)
  const kept = before.length > MAX_REFERENCES ? [...before.slice(0, 1), ...before.slice(1 - MAX_REFERENCES)] : before
  return [
    ['In-Reply-To', id],
    ['References', [...kept, id].join(' ')],
  ]
}

const MAX_REFERENCES = 20

export const ownAddress = (call: Call): string => call.run.environment.addresses[0] ?? call.run.message.envelope.to

/** Returns the address of a text such as `Alice <alice@lab.test>`, or undefined. */
export function mailboxIn(text: string): string | undefined {
  const [found, ...others] = parseAllAddresses(Buffer.from(text).toString('latin1')) ?? []
  if (!found || others.length > 0 || !isWritten(found) || /[\r\n]/.test(text)) return undefined
  return Buffer.from(`${found.mailbox}@${found.host}`, 'latin1').toString()
}

export const mailboxProblem = (text: string): string | undefined =>
  mailboxIn(text) === undefined ? 'use an address such as alice@lab.test or Alice <alice@lab.test>' : undefined

/** Returns a short key of several texts. */
export const replyKey = (kind: string, ...texts: readonly string[]): string =>
  `${kind} ${createHash('sha256').update(JSON.stringify(texts)).digest('base64url')}`

/** Whether the message was written by a program. RFC 3834 section 5: any value but "no" says so. */
export const isAutomatic = (mail: SieveMail): boolean =>
  mail.values(['auto-submitted']).some((value) => !/^no\b(?!-)/i.test(value))
