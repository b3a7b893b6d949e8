import type { Command } from 'commander'
import type { MessageSummary } from '../../api/messages/summary.ts'
import type { InputOf } from '../../api/operation-types.ts'
import { nearestWord } from '../../core/config/nearest.ts'
import { type ApiOptions, callApi, withApi } from '../shared/api-client.ts'
import { positiveNumber } from '../shared/options.ts'
import { countText, note, print, shortTime, withPager } from '../shared/output.ts'
import { sharedOptions } from '../shared/shared-options.ts'
import { printTable } from '../shared/table.ts'

type ListOptions = ApiOptions & InputOf<'messages.list'>

const DEFAULT_LIMIT = 20

/** Adds `sealpost mail list`. */
export function addList(mail: Command): void {
  withListOptions(mail.command('list'))
    .description('list the messages, the newest first: of all accounts, captured mail and newsgroups')
    .action(withPager((options: ListOptions) => list('', options)))
}

/** Adds `sealpost mail search`. */
export function addSearch(mail: Command): void {
  withListOptions(mail.command('search'))
    .argument('<query...>', 'words, and fields such as from:alice subject:"an invoice" is:unread has:attachment')
    .description(
      'search messages by words and by fields: from: to: cc: subject: body: is: has: before: after: on: larger: smaller: account: folder: newsgroup:',
    )
    .action(
      withPager((words: readonly string[], options: ListOptions) => list(words.map(quoteTerm).join(' '), options)),
    )
}

/**
 * One term of a search whose quotes the shell has removed: `subject:an invoice` of `subject:"an invoice"`. After these fields
 * there are no spaces: `is:unread invoice` is a whole search.
 */
const UNQUOTED =
  /^(?![-!]?(?:is|has|captured|before|after|larger|smaller):)([-!]?(?:[a-z-]+:)?)([^\s"]+(?:\s+[^\s"]+)+)$/i
/** Words that only a whole search in one argument has: `from:shop is:unread`, `invoice -paid`. */
const FURTHER_TERM = /\s(?:[-!]\S|[a-z-]+:\S)/i

/** Returns a term of a search as the person wrote it, with the quotes that the shell has removed. */
const quoteTerm = (word: string): string => (FURTHER_TERM.test(word) ? word : word.replace(UNQUOTED, '$1"$2"'))

const withListOptions = (command: Command): Command =>
  withApi(command)
    .option('--account <user>', 'only the mailboxes of this account')
    .option('--folder <name>', 'only the folder with this name')
    .option('--newsgroup <name>', 'only the articles of this newsgroup')
    .option('--limit <number>', `largest number of messages (default: ${DEFAULT_LIMIT})`, positiveNumber)
    .addOption(sharedOptions.json)

async function list(query: string, options: ListOptions): Promise<void> {
  const { account, folder, newsgroup, limit = DEFAULT_LIMIT, json } = options
  const wanted = { query: query || undefined, account, folder, newsgroup, limit }
  const isFiltered = [wanted.query, account, folder, newsgroup].some((one) => one !== undefined)
  const { items, total } = await callApi(options, 'messages.list', wanted)
  if (json) return print(JSON.stringify(items))
  if (items.length === 0) return note(isFiltered ? await whyNothing(options, query) : 'There is no message.')
  const rows = items.map((one) => [one.id, shortTime(one.receivedAt), locationText(one), senderOf(one), one.subject])
  printTable(['ID', 'RECEIVED', 'IN', 'FROM', 'SUBJECT'], rows)
  if (total > items.length) note(`${countText(total - items.length, 'message')} more; --limit ${total} shows all`)
}

/** Returns the note that nothing was found, with the mistake in the search or in a name that explains it. */
async function whyNothing(options: ListOptions, query: string): Promise<string> {
  const isOpen = (query.match(/"/g)?.length ?? 0) % 2 === 1
  if (isOpen) return `No message matches. The search has an opening quotation mark without a closing one: ${query}`
  const [accounts, folders] = await Promise.all([
    callApi(options, 'accounts.list', {}),
    callApi(options, 'folders.list', {}),
  ]).catch(() => []) // A tenant does not see accounts.
  if (!accounts || !folders) return 'No message matches.'
  const names = (of: (folder: (typeof folders.items)[number]) => string | null): string[] =>
    folders.items.flatMap((folder) => of(folder) ?? [])
  const known = {
    account: [...accounts.items.map(({ user }) => user), ...names(({ account }) => account)],
    folder: names(({ name, newsgroup }) => (newsgroup === null ? name : null)),
    newsgroup: names(({ newsgroup }) => newsgroup),
  }
  const unknown = (['account', 'folder', 'newsgroup'] as const).flatMap((kind) => {
    const wanted = [options[kind] ?? [], termsOf(query, kind)].flat()
    return wanted.flatMap((name) => missingNameNote(kind, name, [...new Set(known[kind])]) ?? [])
  })
  return ['No message matches.', ...unknown].join(' ')
}

/** Returns the values of a field of a search: `alice` of `account:alice`. Negated terms do not count. */
const termsOf = (query: string, field: string): string[] =>
  [...query.matchAll(/(?<!\S)([a-z-]+):(?:"([^"]*)"|(\S+))/gi)].flatMap(([, key, quoted, bare]) =>
    key?.toLowerCase() === field ? (quoted ?? bare ?? []) : [],
  )

/** Returns that a name does not exist, with one like it or all; undefined if it exists. */
function missingNameNote(kind: string, wanted: string, known: readonly string[]): string | undefined {
  if (known.some((name) => name.toLowerCase() === wanted.toLowerCase())) return undefined
  const near = nearestWord(wanted, known)
  const cure = near === undefined ? `known: ${known.join(', ') || 'none'}` : `did you mean ${near}?`
  return `There is no ${kind} ${wanted}; ${cure}`
}

/** Returns the address in the From field, or that of MAIL FROM. */
export const senderOf = ({ from, envelope }: MessageSummary): string => from?.address ?? envelope?.from ?? ''

/** Returns the account and its folder, the newsgroup, or the recipient of captured mail. */
export function locationText({ account, newsgroup, folder, envelope }: MessageSummary): string {
  if (newsgroup !== null) return newsgroup
  if (account === null) {
    // The folder of captured mail has the name of the domain.
    const own = envelope?.to.filter((address) => address.endsWith(`@${folder.name}`)) ?? []
    return `captured: ${own.join(' ') || folder.name}`
  }
  return folder.name === 'INBOX' ? account : `${account}/${folder.name}`
}
