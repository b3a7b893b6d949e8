import { createHash } from 'node:crypto'
import { splitMessageId } from '../../../src/api/messages/message-index.ts'
import type { Mail } from '../delivered-mail.ts'

/** Returns a UUID with 32 bits and the hash of a text: version 8, RFC 9562 section 5.8. Clients of smtp4dev parse ids as UUIDs. */
function uuidOf(first: number, text: string): string {
  const hash = createHash('sha256').update(text).digest('hex')
  const start = first.toString(16).padStart(8, '0')
  return `${start}-${hash.slice(0, 4)}-8${hash.slice(4, 7)}-8${hash.slice(7, 10)}-${hash.slice(10, 22)}`
}

/** Returns the id that smtp4dev's clients use for a message. */
export function guidOf({ id }: Pick<Mail, 'id'>): string {
  const { uid, folderId } = splitMessageId(id) ?? { uid: 0, folderId: id }
  return uuidOf(uid, folderId)
}

/** Returns the message with an id. */
export function mailOfGuid(mails: readonly Mail[], guid: string): Mail | undefined {
  const wanted = guid.toLowerCase()
  const uid = Number.parseInt(wanted.slice(0, 8), 16)
  return mails.find((mail) => mail.copies[0].entry.uid === uid && guidOf(mail) === wanted)
}

export const sessionGuid = (id: string): string => uuidOf(0, id)
