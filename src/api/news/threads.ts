import { z } from 'zod'
import { isSliceOver, nextSlice, runInSlices } from '../../core/time/time-slice.ts'
import { omitUndefined } from '../../core/values/omit-undefined.ts'
import { type Thread, threadIdentifiers } from '../../mail/format/threading.ts'
import { queryConditions } from '../messages/find.ts'
import type { IndexedMessage } from '../messages/message-index.ts'
import { type MessageSummary, messageSummary, summarize, type Viewer } from '../messages/summary.ts'
import { identifiersIn, MAX_HEADER_OCTETS } from '../messages/threads.ts'
import { type Call, defineOperation } from '../operation.ts'
import { groupNamed } from './newsgroups.ts'

/** Articles of a thread in an answer. */
const MAX_ARTICLES = 1_000

const article = messageSummary
  .extend({
    parent: z
      .string()
      .nullable()
      .describe(
        'Id of the article that this one follows up; null: a new subject, or the newsgroup lacks the other one.',
      ),
    depth: z.number().int().describe('Number of articles above this one in the response.'),
  })
  .meta({ id: 'ThreadArticle' })

const thread = z
  .object({
    messages: z.number().int(),
    unread: z.number().int(),
    articles: z
      .array(article)
      .describe(
        `Each article is followed by its follow-ups, the oldest first. Of more than ${MAX_ARTICLES}, the newest.`,
      ),
  })
  .meta({ id: 'NewsThread' })

const list = defineOperation('newsgroups.threads', 'GET /newsgroups/{name}/threads', {
  readsMessages: true,
  summary:
    'List the threads of a newsgroup as trees by References, the thread with the newest article first. RFC 5256 section 3 without its subjects.',
  access: 'read',
  input: z.strictObject({
    name: z.string(),
    query: z.string().optional().describe('Only threads with an article that this search finds.'),
    limit: z.coerce.number().int().min(1).max(200).default(50).describe('Largest number of threads in the response.'),
    offset: z.coerce.number().int().min(0).default(0).describe('Number of threads to skip.'),
  }),
  output: z.object({
    items: z.array(thread),
    total: z.number().int().describe('Number of threads in the whole list.'),
  }),
  async run(call) {
    const { limit, offset } = call.input
    const found = await threadsOf(call)
    const items: z.infer<typeof thread>[] = []
    for (const messages of found.slice(offset, offset + limit)) {
      items.push({
        messages: messages.length,
        unread: messages.filter(({ entry }) => !entry.flags.includes('\\Seen')).length,
        articles: await readingOrder(messages.slice(0, MAX_ARTICLES), call),
      })
    }
    return { items, total: found.length }
  },
})

/** Returns the articles of each thread, in both lists the newest first. */
async function threadsOf({
  api,
  caller,
  input: { name, query },
}: Call<{ readonly name: string; readonly query?: string | undefined }>): Promise<readonly IndexedMessage[][]> {
  const group = await groupNamed(api, caller, name)
  const find = (search?: string) =>
    api.views.find(caller, queryConditions(omitUndefined({ newsgroup: group.name, query: search })))
  const threadOf = await api.threads.current()
  const threads = new Map<string, IndexedMessage[]>()
  for (const message of await find()) {
    const key = threadOf(message)
    const known = threads.get(key)
    if (known) known.push(message)
    else threads.set(key, [message])
    if (isSliceOver()) await nextSlice()
  }
  if (query === undefined) return [...threads.values()]
  const matching = new Set((await find(query)).map(threadOf))
  return [...threads].filter(([key]) => matching.has(key)).map(([, messages]) => messages)
}

type ThreadArticle = z.infer<typeof article>

/** Returns articles in the order of reading: each one before its follow-ups. */
async function readingOrder(
  messages: readonly IndexedMessage[],
  viewer: Viewer & Call<unknown>,
): Promise<ThreadArticle[]> {
  const { api } = viewer
  const summaries: MessageSummary[] = []
  const threadable = []
  const oldestFirst = messages.toReversed()
  using source = api.lab.store.readAhead(oldestFirst)
  for (const message of oldestFirst) {
    const { folder, entry } = message
    const head = await source.read(folder.id, entry.uid, 0, MAX_HEADER_OCTETS)
    const facts = await api.reader.facts(message, { source })
    if (!head || !facts) continue // It was deleted meanwhile.
    const { own, ancestors } = identifiersIn(head)
    const date = facts.date?.getTime()
    threadable.push({
      number: summaries.length,
      ...(own === undefined ? {} : { messageId: own }),
      ancestors,
      subject: '',
      date: date === undefined || Number.isNaN(date) ? entry.savedAt : date,
    })
    summaries.push(summarize(message, facts, viewer))
    if (isSliceOver()) await nextSlice()
  }
  const roots = await runInSlices(threadIdentifiers(threadable))
  return flattenThreads(roots, summaries)
}

/** Not recursive: a thread can be as deep as it has articles. */
function flattenThreads(roots: readonly Thread[], summaries: readonly MessageSummary[]): ThreadArticle[] {
  const found: ThreadArticle[] = []
  const ahead: { readonly node: Thread; readonly parent: ThreadArticle | undefined }[] = []
  const later = (nodes: readonly Thread[], parent: ThreadArticle | undefined): void => {
    for (const node of nodes.toReversed()) ahead.push({ node, parent })
  }
  later(roots, undefined)
  for (let next = ahead.pop(); next !== undefined; next = ahead.pop()) {
    const { node, parent } = next
    const summary = node.number === undefined ? undefined : summaries[node.number]
    const here = summary && { ...summary, parent: parent?.id ?? null, depth: parent ? parent.depth + 1 : 0 }
    if (here) found.push(here)
    later(node.children, here ?? parent)
  }
  return found
}

export const threadOperations = [list] as const
