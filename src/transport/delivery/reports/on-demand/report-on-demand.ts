import type { OnDemand } from '../../../../core/config/on-demand/parse.ts'
import { joinPieces } from '../../../../core/octets/pieces.ts'
import type { Delivery, DeliveryServices, Recipient } from '../../types.ts'
import { whyNoAnswer } from '../automatic-mail.ts'
import { writeAutomaticReply } from '../automatic-reply.ts'
import { writeComplaint } from '../complaint.ts'
import { reportWriters } from '../forms/index.ts'
import type { Action, ReportSchedule } from '../types.ts'

/** The recipients of a message for which a test asks for the same report. */
interface Group<Wanted extends OnDemand = OnDemand> {
  readonly wanted: Wanted
  readonly recipients: readonly Recipient[]
}

/** The sources of a report. */
interface Source {
  readonly services: DeliveryServices
  readonly reports: ReportSchedule
  readonly delivery: Delivery
  readonly message: Buffer
  readonly arrivedAt: number
  /** When the report is due. */
  readonly at: number
}

/** A report that is written, and who gets it. */
interface Written {
  readonly to: string
  readonly raw: Buffer
}

/**
 * Schedules the reports that a test asks for by the recipients of a message, or by a fault. Resolves once the store has them.
 * @param arrivedAt milliseconds since the epoch
 * @throws DeliveryError, StoreError; the message itself stays delivered
 */
export async function reportOnDemand(services: DeliveryServices, delivery: Delivery, arrivedAt: number): Promise<void> {
  const { mailFrom, recipients, session } = delivery
  const { reports } = services
  if (!reports || mailFrom === '' || !recipients.some(({ onDemand }) => onDemand)) return
  const message = await messageOf(delivery)
  for (const group of groupsOf(delivery)) {
    const at = arrivedAt + (group.wanted.delayMs ?? reports.settings.delay)
    const written = await write(group, { services, reports, delivery, message, arrivedAt, at })
    if (written) await reports.schedule({ ...written, session }, at)
  }
}

/** Returns the message as it is known: a message that is in a file is read only if RET asks for it. */
async function messageOf({ message, rest, ret }: Delivery): Promise<Buffer> {
  const pieces = [...message]
  if (rest && ret === 'FULL') for await (const piece of rest()) pieces.push(piece)
  return joinPieces(pieces)
}

/** Returns the recipients by what is asked for, because one report can be about several. */
function groupsOf({ recipients }: Delivery): Iterable<Group> {
  const groups = new Map<string, { wanted: OnDemand; recipients: Recipient[] }>()
  for (const recipient of recipients) {
    const { onDemand } = recipient
    if (!onDemand) continue
    const { kind, delayMs } = onDemand
    const key = JSON.stringify(onDemand.kind === 'bounce' ? [kind, onDemand.form, onDemand.action, delayMs] : onDemand)
    const known = groups.get(key)
    if (known) known.recipients.push(recipient)
    else groups.set(key, { wanted: onDemand, recipients: [recipient] })
  }
  return groups.values()
}

type Writers = {
  readonly [Kind in OnDemand['kind']]: (
    group: Group<Extract<OnDemand, { kind: Kind }>>,
    source: Source,
  ) => Written | undefined | Promise<Written | undefined>
}

const write = ({ wanted, recipients }: Group, source: Source): ReturnType<Writers['vacation']> => {
  if (wanted.kind === 'bounce') return writers.bounce({ wanted, recipients }, source)
  if (wanted.kind === 'complaint') return writers.complaint({ wanted, recipients }, source)
  if (wanted.kind === 'vacation') return writers.vacation({ wanted, recipients }, source)
  return undefined
}

const writers: Omit<Writers, 'refuse' | 'event'> = {
  bounce({ wanted: { action, form }, recipients }, { services, reports, delivery, message, arrivedAt, at }) {
    const { mailFrom: to, envelopeId, ret, smtpUtf8 = false } = delivery
    const told = recipients.filter(({ notify }) => wants(action, notify))
    if (told.length === 0) return undefined
    const { form: usual } = reports.settings
    const raw = reportWriters[form ?? (usual === 'qmail' && action !== 'failed' ? 'standard' : usual)]({
      hostname: services.hostname,
      domain: services.directory.domain,
      to,
      recipients: told.flatMap(({ address, originalRecipient, onDemand }) =>
        onDemand?.kind === 'bounce'
          ? [
              {
                address,
                originalRecipient,
                action,
                ...onDemand.refusal,
                remoteMta: services.hostname,
                remoteAddress: '127.0.0.1',
                lastAttemptAt: at,
                retryUntil: arrivedAt + RETRY_TIME_MS,
              },
            ]
          : [],
      ),
      envelopeId,
      ret,
      smtpUtf8,
      message,
      arrivedAt,
      at,
    })
    return { to, raw }
  },
  complaint({ wanted: { type, onlyHeader }, recipients }, { services, reports, delivery, message, arrivedAt, at }) {
    const { mailFrom, client, envelopeId } = delivery
    const to = reports.settings.complaintsTo ?? mailFrom
    const raw = writeComplaint({
      hostname: services.hostname,
      domain: services.directory.domain,
      to,
      type,
      mailFrom,
      recipients: recipients.map(({ address }) => address),
      sourceIp: client?.address,
      envelopeId,
      message,
      onlyHeader: onlyHeader || delivery.ret === 'HDRS' || (delivery.rest !== undefined && delivery.ret !== 'FULL'),
      arrivedAt,
      at,
    })
    return { to, raw }
  },
  async vacation({ wanted: { form }, recipients }, { services: { hostname }, delivery, message, at }) {
    const { mailFrom: to } = delivery
    const from = recipients[0]?.address
    if (from === undefined || whyNoAnswer({ mailFrom: to, message }) !== undefined) return undefined
    const text = 'I am out of the office. This is an automatic reply.'
    return { to, raw: await writeAutomaticReply({ hostname, from, to, message, text, form, at }) }
  },
}

/** How long a delayed message is tried again, as the reports about delays say. */
const RETRY_TIME_MS = 5 * 86_400_000

/** Returns whether NOTIFY lets a report be sent. RFC 3461 section 4.1. */
function wants(action: Action, notify: readonly string[] | undefined): boolean {
  if (notify === undefined) return true
  if (action === 'failed') return notify.includes('FAILURE')
  return action === 'delayed' ? notify.includes('DELAY') : !notify.includes('NEVER')
}
