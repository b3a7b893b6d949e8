import type { SessionRecord } from '../../core/sessions/types.ts'
import type { Lab } from '../../lab/lab.ts'
import { decodeWords } from '../../mail/format/words.ts'
import { accountOf, OUTGOING_OWNER } from '../../storage/store/folder.ts'
import type { MessageEntry, StoredMessage } from '../../storage/store/message-entry.ts'
import { OWN_CHANGES, type StoreEvent } from '../../storage/store/store-events.ts'
import { oneLine, print, styleLine } from '../shared/output.ts'
import { shortenToWidth, textWidth } from '../shared/text-width.ts'

const GAP = '  '
/** Columns that the subject keeps on a narrow terminal. */
const SHORTEST_SUBJECT = 10

/** Prints a line for each message that the lab receives and for each refusal, as they happen. */
export function showLive(lab: Lab): void {
  const arrivals = new Arrivals(lab)
  lab.store.watch((event) => arrivals.add(event), OWN_CHANGES)
  lab.sessionLog.observe(({ record, refusal }) => {
    if (refusal !== undefined) print(oneLine(refusalLine(record, refusal, lab.clock.now())), 'yellow')
  })
}

/** Refusals of the other host are those of an outgoing session. */
function refusalLine(record: SessionRecord, refusal: string, at: number): string {
  const { protocol, direction, remoteAddress, user } = record
  const who = direction === 'out' ? `→ ${remoteAddress}` : [remoteAddress, ...(user ? [`as ${user}`] : [])].join(' ')
  return [clockText(at), protocol.padEnd(PROTOCOL), who, `refused: ${refusal}`].join(GAP)
}

/** Width of the longest name of a protocol. */
const PROTOCOL = 5

/** Gathers the copies of a message, which are stored together, to one line. */
class Arrivals {
  readonly #lab: Lab
  /** By blob, until the present turn of the event loop ends. */
  readonly #copies = new Map<string, StoredMessage[]>()

  constructor(lab: Lab) {
    this.#lab = lab
  }

  /** Changes with an origin are those of a session that works on a mailbox: APPEND and COPY. */
  add(event: StoreEvent): void {
    if (event.type !== 'appended' || event.isRemote || event.origin || event.folder.owner === OUTGOING_OWNER) return
    for (const entry of event.entries) {
      if (this.#copies.size === 0) setImmediate(() => this.#flush())
      const copies = this.#copies.get(entry.blob) ?? []
      this.#copies.set(entry.blob, [...copies, { folder: event.folder, entry }])
    }
  }

  #flush(): void {
    const all = [...this.#copies.values()]
    this.#copies.clear()
    for (const copies of all) {
      this.#show(copies).catch((err: Error) => this.#lab.log.debug({ err }, 'no line for a message'))
    }
  }

  async #show(copies: readonly StoredMessage[]): Promise<void> {
    const [first] = copies
    if (!first) return
    const { folder, entry } = first
    const overview = await this.#lab.store.overview(folder.id, entry.uid)
    // Deleted in the meantime.
    if (!overview) return
    const session = entry.envelope?.session === undefined ? undefined : this.#lab.sessionLog.get(entry.envelope.session)
    const from = entry.envelope?.mailFrom ?? decodeWords(overview.from)
    const to = [...new Set(copies.map(recipientOf))].join(', ')
    const head = [
      clockText(this.#lab.clock.now()),
      (session?.protocol ?? 'lab').padEnd(PROTOCOL),
      `${from === '' ? '<>' : from} → ${to}`,
    ]
    const channel = session ? channelText(session) : ''
    const room = (process.stdout.columns || 80) - textWidth([...head, '""', channel].join(GAP))
    const subject = `"${shortenToWidth(decodeWords(overview.subject), Math.max(room, SHORTEST_SUBJECT))}"`
    process.stdout.write(
      `${[...head.map(oneLine), oneLine(subject), styleLine(channel, 'dim', process.stdout)].join(GAP)}\n`,
    )
  }
}

/** Returns the account, the newsgroup, or the recipients of captured mail. */
function recipientOf({
  folder,
  entry,
}: {
  readonly folder: StoredMessage['folder']
  readonly entry: MessageEntry
}): string {
  if (folder.newsgroup) return folder.name
  const account = accountOf(folder)
  if (account !== undefined) return account
  // The folder of captured mail has the name of the domain.
  const captured = entry.envelope?.rcptTo?.filter((address) => address.endsWith(`@${folder.name}`)) ?? []
  return captured.join(', ') || folder.name
}

const channelText = ({ tls }: SessionRecord): string => tls?.version.replace(/^TLSv/, 'TLS ') ?? 'clear text'

const clockText = (at: number): string => new Date(at).toTimeString().slice(0, 8)
