import { addressKey } from '../../accounts/directory/names.ts'
import type { Account } from '../../accounts/directory/types.ts'
import { countOctets, joinPieces, type Pieces, piecesFrom } from '../../core/octets/pieces.ts'
import { omitUndefined } from '../../core/values/omit-undefined.ts'
import { bodyStartAfter, headerFields, headerValues } from '../../mail/format/headers.ts'
import { compileScript, runScript } from '../../mail/sieve/sieve.ts'
import type { CompileResult, SieveAction, SieveEnvironment, SieveResult } from '../../mail/sieve/types.ts'
import { accountOwner, type Folder, type Owner } from '../../storage/store/folder.ts'
import { mailboxNameMistake, openFolder, openInbox, withInboxInCapitals } from '../../storage/store/mailboxes.ts'
import { SieveScripts, VACATION_SCRIPT } from '../../storage/store/sieve-scripts.ts'
import type { MessageStore, NewMessage } from '../../storage/store/types.ts'
import { headerOf } from '../outgoing/filters.ts'
import { writeRejection } from './reports/rejection.ts'
import { type Delivery, DeliveryError, type DeliveryServices } from './types.ts'

/** A copy that a script stores. */
interface ScriptedCopy {
  readonly folder: Folder
  readonly flags: readonly string[]
  /** The message, with the header that the script has changed. `Delivery.rest` follows. */
  readonly message: Pieces
}

/** The decision of the script of a recipient. */
export interface ScriptRun {
  /** The account, and the recipient for whom it ran. */
  readonly user: string
  readonly address: string
  readonly copies: readonly ScriptedCopy[]
  /** Why the message is refused. */
  readonly rejection?: string | undefined
  /** Messages to send once the copies are stored. */
  readonly sent: readonly ScriptedMail[]
  readonly remember: SieveResult['remember']
  /** Its actions in words: `filed into Junk by line 7`. */
  readonly notes: readonly string[]
}

/** A message that a script sends. */
interface ScriptedMail {
  readonly from: string
  readonly to: string
  readonly message: Pieces
  /** Whether a script wrote it, so that no other script answers it. Otherwise `Delivery.rest` follows. */
  readonly isWritten: boolean
}

/** The field that keeps a message from being redirected by the same account again, here or after another host. */
const REDIRECTED = 'X-Sieve-Redirected-From'

/**
 * Runs the scripts of the accounts that get a message. Returns their runs by account.
 * @param messageFor the message as a recipient gets it
 * @throws DeliveryError `rejected` if a script rejects it, and the client learns that for this recipient; MemoryLimitReached
 */
export async function runScripts(
  services: DeliveryServices,
  delivery: Delivery,
  messageFor: (address: string) => Pieces,
): Promise<Map<string, ScriptRun>> {
  const runs = new Map<string, ScriptRun>()
  for (const { address, destination } of services.sieve ? delivery.recipients : []) {
    if (destination.kind !== 'mailbox' || runs.has(destination.account.user)) continue
    const run = await runScriptOf(services, delivery, destination.account, { address, message: messageFor(address) })
    if (run) runs.set(destination.account.user, run)
  }
  const rejections = [...runs.values()].flatMap(({ rejection }) => rejection ?? [])
  // RFC 5429 section 2.1: the protocol refuses where it can; else the sender gets a report.
  const isWhole = delivery.recipients.every(
    ({ destination }) => destination.kind === 'mailbox' && runs.get(destination.account.user)?.rejection !== undefined,
  )
  const [why] = rejections
  if (why !== undefined && (isWhole || delivery.repliesEach)) {
    for (const { user, notes } of runs.values())
      services.recordScript?.({ user, notes, copies: [], session: delivery.session })
    throw new DeliveryError('rejected', why.replaceAll(/\s+/g, ' '))
  }
  return runs
}

/** The message that an account gets. */
interface Received {
  readonly address: string
  readonly message: Pieces
}

/**
 * Runs the active script of an account on a message, and stores nothing yet. Undefined if no script is active. A script that
 * fails keeps the message in INBOX, and says why in its notes. RFC 5228 section 2.10.6.
 */
async function runScriptOf(
  services: DeliveryServices,
  delivery: Delivery,
  account: Account,
  { address, message }: Received,
): Promise<ScriptRun | undefined> {
  const { store, sieve } = services
  const scripts = sieve && new SieveScripts(store, account, sieve)
  const { active, vacation } = (await scripts?.running()) ?? {}
  if (!scripts || !sieve || !(active || vacation)) return undefined
  const limits = { scriptOctets: sieve.scriptSize }
  const compile = (content: Buffer): CompileResult => compileScript(content, limits)
  const compiled = compile(active?.content ?? Buffer.alloc(0))
  const owner = accountOwner(account.user)
  if ('errors' in compiled) {
    const [{ line, message: why } = { line: 1, message: 'it has mistakes' }] = compiled.errors
    const copies = [{ folder: await openInbox(store, owner), flags: [], message }]
    const notes = [`the script ${active?.name} does not run: line ${line}: ${why}`]
    return { user: account.user, address, copies, sent: [], remember: [], notes }
  }
  const start = headerOf(message)
  const raw = start.includes(END_OF_HEADER) ? start : joinPieces(message)
  const own = [...account.addresses]
  const seen = {
    raw,
    octets: delivery.octets ?? countOctets(message),
    whole: delivery.whole ?? (() => joinPieces(message)),
    envelope: { from: delivery.mailFrom, to: address },
  }
  const environment: SieveEnvironment = {
    addresses: own.some((one) => addressKey(one) === addressKey(address)) ? own : [...own, address],
    nowMs: delivery.at ?? Date.now(),
    mailboxExists: async (name) => (await folderNamed(store, owner, name)) !== undefined,
    specialUse: async (use, mailbox) =>
      (await store.listFolders(owner)).find(
        ({ name, specialUse }) =>
          specialUse?.toLowerCase() === use.toLowerCase() && (mailbox === undefined || mailbox === name),
      )?.name,
    included: async (name, location) => {
      const content = location === 'personal' ? await scripts.find(name) : undefined
      return content && compile(content)
    },
    remembers: (key) => isRemembered(store, owner, key, delivery.at ?? Date.now()),
  }
  const run = await runScript(compiled.script, seen, environment, limits)
  const reply = vacation && mayReply(run) ? compile(vacation.content) : undefined
  const replied = reply && 'script' in reply ? await runScript(reply.script, seen, environment, limits) : undefined
  const result = replied ? withReply(run, replied) : run
  return performActions(services, delivery, account, { address, message, raw, result })
}

/** A message that is not kept, or has been answered, gets no vacation reply besides. */
const mayReply = ({ actions }: SieveResult): boolean =>
  actions.some(({ type }) => type === 'keep' || type === 'fileinto' || type === 'redirect') &&
  !actions.some(({ type }) => type === 'vacation')

const withReply = (result: SieveResult, { actions, remember, trace }: SieveResult): SieveResult => ({
  ...result,
  actions: [...result.actions, ...actions.filter(({ type }) => type === 'vacation')],
  remember: [...result.remember, ...remember],
  trace: [
    ...result.trace,
    ...trace.filter(({ text }) => /vacation/.test(text)).map((one) => ({ ...one, script: VACATION_SCRIPT })),
  ],
})

const END_OF_HEADER = Buffer.from('\r\n\r\n')

/** Returns what the actions of a run are for this account. */
async function performActions(
  { store }: DeliveryServices,
  delivery: Delivery,
  { user }: Account,
  { address, message, raw, result }: Received & { readonly raw: Buffer; readonly result: SieveResult },
): Promise<ScriptRun> {
  const owner = accountOwner(user)
  const copies: ScriptedCopy[] = []
  const sent: ScriptedMail[] = []
  const notes = result.trace.map(
    ({ text, script, line }) => `${text} by line ${line}${script === undefined ? '' : ` of ${script}`}`,
  )
  if (result.error) notes.push(`the script failed at line ${result.error.line}: ${result.error.message}`)
  let rejection: string | undefined
  const fields = headerFields(raw)
  const bodyStart = bodyStartAfter(raw, fields)
  const withHeader = (header: Buffer | undefined): Pieces =>
    header ? [header, ...piecesFrom(message, bodyStart)] : message
  const isLoop = wasRedirectedBy(headerValues(raw, fields, REDIRECTED.toLowerCase()), address)
  for (const action of result.actions) {
    if (action.type === 'keep' || action.type === 'fileinto') {
      const folder = await (action.type === 'keep' ? openInbox(store, owner) : folderOf(store, owner, action))
      copies.push({ folder, flags: action.flags, message: withHeader(action.header) })
    } else if (action.type === 'reject' || action.type === 'ereject') rejection = action.reason
    else if (action.type === 'redirect') {
      if (isLoop) {
        copies.push({ folder: await openInbox(store, owner), flags: [], message })
        notes.push('kept, because the message has been redirected from here before')
      } else
        sent.push({
          from: delivery.mailFrom,
          to: action.address,
          message: [Buffer.from(`${REDIRECTED}: ${address}\r\n`), ...withHeader(action.header)],
          isWritten: false,
        })
    } else if ((action.type === 'vacation' || action.type === 'notify') && !delivery.isWrittenByScript)
      for (const to of action.to) sent.push({ from: action.from, to, message: [action.content], isWritten: true })
  }
  return { user, address, copies, rejection, sent, remember: result.remember, notes }
}

/** Returns the mailbox of `fileinto`: INBOX if it does not exist and is not to be created, as Pigeonhole does. RFC 5490 section 3.2. */
async function folderOf(
  store: MessageStore,
  owner: Owner,
  { mailbox, create, specialUse }: Extract<SieveAction, { readonly type: 'fileinto' }>,
): Promise<Folder> {
  const name = withInboxInCapitals(mailbox)
  const found = await folderNamed(store, owner, name)
  if (found || !create || mailboxNameMistake(name) !== undefined) return found ?? openInbox(store, owner)
  const settings = specialUse === undefined ? {} : ({ specialUse } as Parameters<typeof openFolder>[3])
  return openFolder(store, owner, name, settings)
}

/** The mailboxes of an account exist from its first message on. */
async function folderNamed(store: MessageStore, owner: Owner, name: string): Promise<Folder | undefined> {
  await openInbox(store, owner)
  return store.findFolder(owner, withInboxInCapitals(name))
}

/** More redirections of one message are a loop, in which its address changes each time. */
const MAX_REDIRECTIONS = 8

function wasRedirectedBy(senders: readonly string[], address: string): boolean {
  const isSame = (value: string): boolean => addressKey(value.trim()) === addressKey(address)
  return senders.length >= MAX_REDIRECTIONS || senders.some(isSame)
}

const memoryOf = (reader: Owner) => ({ kind: 'sieve-memory', reader }) as const

async function isRemembered(store: MessageStore, owner: Owner, key: string, at: number): Promise<boolean> {
  const until = (await store.values({ ...memoryOf(owner), names: [key] })).get(key)
  return until !== undefined && Number(until.toString()) > at
}

/** Remembers the keys of a run, and forgets those that have expired. RFC 7352 section 3, RFC 5230 section 4.2. @throws StoreError */
export async function remember(
  store: MessageStore,
  user: string,
  keys: SieveResult['remember'],
  at: number,
): Promise<void> {
  if (keys.length === 0) return
  await store.changeValues(memoryOf(accountOwner(user)), (current) => {
    const expired = [...current].filter(([, until]) => Number(until.toString()) <= at).map(([key]) => key)
    return new Map<string, Buffer | undefined>([
      ...expired.map((key) => [key, undefined] as const),
      ...keys.map(({ key, seconds }) => [key, Buffer.from(String(at + seconds * 1000))] as const),
    ])
  })
}

/** Returns the report about a rejection. Reports are not reported about. */
export function rejectionOf(
  services: DeliveryServices,
  delivery: Delivery,
  { address, rejection: text }: ScriptRun,
): readonly ScriptedMail[] {
  const { mailFrom, at = Date.now() } = delivery
  if (text === undefined || mailFrom === '') return []
  const message = writeRejection(services, delivery, { address, text, at })
  return [{ from: '', to: mailFrom, message: [message], isWritten: true }]
}

/** Keeps a message in INBOX that a script could not redirect. @throws StoreError */
export async function keepInInbox(
  { store }: DeliveryServices,
  { trace, rest, mailFrom, session, at }: Delivery,
  user: string,
  { message }: ScriptedMail,
): Promise<void> {
  const { id } = await openInbox(store, accountOwner(user))
  const envelope = omitUndefined({ mailFrom, session })
  const raw = withRest(trace ? [trace, ...message] : message, rest)
  await store.append([{ raw, targets: [{ folderId: id }], envelope, internalDate: at }])
}

/** Returns what is stored of a message: its start, and what follows. */
export function withRest(start: Pieces, rest: Delivery['rest']): NewMessage['raw'] {
  if (!rest) return start
  return (async function* () {
    yield* start
    yield* rest()
  })()
}
