import { filenameOf } from './attachments.ts'
import { isText } from './parts.ts'
import type { MessagePart } from './types.ts'

/** The parts of a message by what a reader makes of them. */
export interface SortedParts {
  readonly texts: MessagePart[]
  readonly calendars: MessagePart[]
  /** Attachments. A message inside the message is one of them. */
  readonly others: MessagePart[]
}

export const isHtml = (part: MessagePart): boolean => part.subtype.toLowerCase() === 'html'
const isCalendar = (part: MessagePart): boolean => isText(part) && /^calendar$/i.test(part.subtype)
const isMultipart = (part: MessagePart | undefined, subtype: string): boolean =>
  part?.kind === 'multipart' && part.subtype.toLowerCase() === subtype

const isAttached = (part: MessagePart): boolean =>
  part.disposition?.type.toLowerCase() === 'attachment' || filenameOf(part) !== undefined

/** Adds a part and those inside it to the texts, the calendars or the others. */
export function sortParts(part: MessagePart, sorted: SortedParts, parent?: MessagePart): void {
  if (part.kind === 'multipart') for (const child of part.children) sortParts(child, sorted, part)
  // Outlook names the calendar object of an invitation, but gives it no disposition.
  else if (isCalendar(part) && part.disposition === undefined) sorted.calendars.push(part)
  else if (!isText(part) || isAttached(part)) sorted.others.push(part)
  else if (/^(|plain|html|enriched)$/i.test(part.subtype)) sorted.texts.push(part)
  // Another form of the same text, such as text/x-amp-html. RFC 2046 section 5.1.4
  else if (!isMultipart(parent, 'alternative')) sorted.others.push(part)
}
