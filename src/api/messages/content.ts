import { z } from 'zod'
import { runInSlices } from '../../core/time/time-slice.ts'
import { timeText } from '../../core/time/time-text.ts'
import type { EventTime } from '../../mail/format/calendar.ts'
import type { ReadableMessage } from '../../mail/format/readable.ts'

const link = z
  .object({
    href: z.string().describe('The target.'),
    text: z
      .string()
      .describe('The words of the link, with the alternative text of its images; in plain text, the target.'),
    place: z.enum(['html', 'text']).describe('In the HTML, or only in the plain text.'),
    line: z.number().int().describe('Line there, from 1.'),
  })
  .meta({ id: 'MessageLink' })

const image = z
  .object({
    src: z.string().describe('As the HTML has it; of a `data:` URL only the beginning.'),
    alt: z.string().nullable(),
    width: z.number().int().nullable().describe('In pixels, as the HTML says.'),
    height: z.number().int().nullable(),
    place: z
      .enum(['attached', 'inline', 'remote', 'missing'])
      .describe('attached: `cid:`. inline: `data:`. missing: a relative URL, or a `cid:` without an attachment.'),
    sizeOctets: z.number().int().nullable().describe('Size of the content, if the message has it.'),
    line: z.number().int().describe('Line of the HTML, from 1.'),
  })
  .meta({ id: 'MessageImage' })

const eventTime = z.object({
  local: z.string().describe('As it is written: `2026-12-01T10:00:00`, or `2026-12-01` for a whole day.'),
  timeZone: z.string().nullable().describe('`UTC`, or the name of a zone such as `Europe/Berlin`.'),
  at: z
    .string()
    .nullable()
    .describe('The moment, RFC 3339; null without a zone, and for a zone that the IANA does not list.'),
})
const person = z.object({ name: z.string(), address: z.string() })

const event = z
  .object({
    method: z.string().nullable().describe('`REQUEST`, `CANCEL`, `REPLY` and others. RFC 5546 section 1.4.'),
    uid: z.string(),
    sequence: z.number().int(),
    status: z.string(),
    summary: z.string(),
    description: z.string(),
    location: z.string(),
    start: eventTime.nullable(),
    end: eventTime.nullable(),
    organizer: person.nullable(),
    attendees: z.array(person.extend({ role: z.string(), status: z.string() })),
    recurrence: z.string().describe('The rule of a repeated event, such as `FREQ=WEEKLY;COUNT=4`; else empty.'),
  })
  .meta({ id: 'CalendarEvent' })

/** The parts of a message's content that programs look for. */
export const contentFields = {
  links: z.array(link),
  images: z.array(image).describe('The images that the HTML shows.'),
  codes: z.array(z.string()).describe('Likely one-time passwords, most likely first.'),
  event: event.nullable().describe('The event of an invitation; null if it has none.'),
}

/** Returns the values of `contentFields`. */
export async function messageContent(read: ReadableMessage) {
  const { event: found } = read
  return {
    links: await runInSlices(read.linksInSteps()),
    images: (await runInSlices(read.imagesInSteps())).map(({ alt, width, height, sizeOctets, ...rest }) => ({
      ...rest,
      alt: alt ?? null,
      width: width ?? null,
      height: height ?? null,
      sizeOctets: sizeOctets ?? null,
    })),
    codes: (await runInSlices(read.codesInSteps())).map(({ code }) => code),
    event: found
      ? {
          ...found,
          method: found.method ?? null,
          start: eventTimeFacts(found.start),
          end: eventTimeFacts(found.end),
          organizer: found.organizer ?? null,
        }
      : null,
  }
}

const eventTimeFacts = (time: EventTime | undefined) =>
  time ? { local: time.local, timeZone: time.timeZone ?? null, at: time.at ? timeText(time.at.getTime()) : null } : null
