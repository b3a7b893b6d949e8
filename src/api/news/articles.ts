import { z } from 'zod'
import { omitUndefined } from '../../core/values/omit-undefined.ts'
import { compose } from '../../mail/format/compose.ts'
import { type Folder, PUBLIC_OWNER } from '../../storage/store/folder.ts'
import { Article } from '../../transport/news/article.ts'
import { keyForOthers } from '../../transport/news/cancel-lock.ts'
import { followUpTo } from '../../transport/news/follow-up.ts'
import type { Poster } from '../../transport/news/inject.ts'
import type { Api } from '../api.ts'
import { type Caller, seesFolder } from '../caller.ts'
import { fieldName, line } from '../input-types.ts'
import { messageOf, seenMessage } from '../messages/find.ts'
import { messageId } from '../messages/message-index.ts'
import { defineOperation, locationAt } from '../operation.ts'
import { ApiProblem, notFound } from '../problem.ts'

const posted = z.object({
  messageId: z.string(),
  articles: z
    .array(z.object({ id: z.string(), newsgroup: z.string(), number: z.number().int() }))
    .describe('The stored article: one entry for each newsgroup.'),
  moderator: z
    .string()
    .nullable()
    .describe(
      'Address of the moderator to whom the article was mailed for approval. It is then not stored. Null: the article is stored.',
    ),
})

const post = defineOperation('articles.post', 'POST /articles', {
  summary:
    'Post an article to newsgroups, as the NNTP command POST does. Articles for moderated groups go to the moderator, and control messages are executed.',
  access: 'change',
  input: z.strictObject({
    newsgroups: z.array(line.min(1)).min(1),
    from: line.optional().describe('Default: the address of the account, or sender@example.com.'),
    subject: line.min(1),
    text: z.string(),
    headers: z
      .record(fieldName, line)
      .optional()
      .describe('Further fields, such as References, Followup-To, Approved, Supersedes, Control.'),
  }),
  takesMessages: true,
  output: posted,
  status: 201,
  // An article for a moderated newsgroup is mail until the moderator approves it.
  location: (result) => {
    const [first] = (result as z.infer<typeof posted>).articles
    return first && locationAt('/messages/{id}')(first)
  },
  problems: ['not-found', 'conflict'],
  async run({ api, caller, input: { newsgroups, from, headers = {}, ...rest } }) {
    const sender = from ?? addressOf(api, caller)
    const fields = { ...headers, Newsgroups: newsgroups.join(',') }
    const raw = await compose(omitUndefined({ ...rest, from: sender, headers: fields }), api.lab.clock.now())
    return postArticle(api, caller, raw)
  },
})

const addressOf = ({ lab }: Api, { role, name }: Caller): string | undefined =>
  role === 'account' ? lab.directory.find(name)?.addresses[0] : undefined

/** Posts an article for a caller. @throws ArticleRefused */
async function postArticle({ lab }: Api, caller: Caller, raw: Buffer): Promise<z.infer<typeof posted>> {
  const canPostTo = (group: Folder): boolean => seesFolder(caller, group)
  // A tenant knows that groups for everybody exist.
  const sees = (group: Folder): boolean => group.newsgroup?.onlyAccounts === undefined || canPostTo(group)
  const poster: Poster = {
    host: lab.config.hostname,
    rights: { sees, canPostTo },
    ...(caller.role === 'account' ? { account: caller.name } : {}),
  }
  const { messageId: id, stored, moderator } = await lab.news.service.post(raw, poster)
  const articles = stored.map(({ folder, entry: { uid } }) => ({
    id: messageId(folder.id, uid),
    newsgroup: folder.name,
    number: uid,
  }))
  return { messageId: id, articles, moderator: moderator ?? null }
}

/** Returns an article of a newsgroup with its octets. @throws ApiProblem `not-found`, `conflict` for mail */
async function articleOf(api: Api, caller: Caller, id: string): Promise<Article> {
  const { folder, entry } = await messageOf(api, caller, id)
  if (folder.owner !== PUBLIC_OWNER)
    throw new ApiProblem('conflict', `${id} is not an article of a newsgroup; answer or delete it as mail`)
  const raw = await api.lab.store.read(folder.id, entry.uid)
  if (!raw) throw notFound(`article ${id} was deleted meanwhile`)
  return new Article(raw)
}

const followUp = defineOperation('articles.followUp', 'GET /messages/{id}/follow-up', {
  summary:
    'Read what a follow-up to an article begins with: its newsgroups, subject and References. Add a text, and post it with `articles.post`. RFC 5537 section 3.4.3.',
  access: 'read',
  input: z.strictObject({ id: z.string().describe('Id of the article, in any of its newsgroups.') }),
  output: z.object({
    newsgroups: z
      .array(z.string())
      .describe(
        'Those of Followup-To, or of the article. Empty: the author wants answers by mail (`Followup-To: poster`).',
      ),
    subject: z.string(),
    headers: z.record(z.string(), z.string()).describe('Further fields, such as References.'),
    mailTo: z.string().describe('Address for an answer by mail: Reply-To or From of the article.'),
  }),
  problems: ['conflict'],
  async run({ api, caller, input: { id } }) {
    const { newsgroups, headers, ...rest } = followUpTo(await articleOf(api, caller, id))
    return { ...rest, newsgroups: [...newsgroups], headers: { ...headers } }
  },
})

const cancel = defineOperation('articles.cancel', 'POST /messages/{id}/cancel', {
  summary: 'Cancel an article by a control message, which also goes to the peers of feeds. RFC 5537 section 5.3.',
  access: 'change',
  input: z.strictObject({ id: z.string().describe('Id of the article, in any of its newsgroups.') }),
  output: z.object({ messageId: z.string().describe('Message-ID of the control message.') }),
  problems: ['conflict'],
  async run({ api, caller, input: { id } }) {
    const target = await articleOf(api, caller, id)
    const targetId = target.value('message-id')
    if (targetId === undefined) throw new ApiProblem('conflict', `${id} has no Message-ID; delete it instead`)
    assertMayCancel(api, caller, target)
    if (!api.lab.config.news.control.includes('cancel'))
      throw new ApiProblem('conflict', 'the lab does not execute cancel messages; add `cancel` to `news.control`')
    const key = await keyForOthers(api.lab.store, target, api.lab.config.hostname)
    const draft = {
      from: target.value('from') ?? '',
      subject: `cmsg cancel ${targetId}`,
      text: 'This article cancels another one.',
      headers: {
        Newsgroups: target.newsgroups().join(','),
        Control: `cancel ${targetId}`,
        ...(key ? { 'Cancel-Key': key } : {}),
      },
    }
    const done = await postArticle(api, caller, await compose(draft, api.lab.clock.now()))
    if (await seenMessage(api, caller, id))
      throw new ApiProblem(
        'conflict',
        `${targetId} has a Cancel-Lock, or is also in newsgroups of others, so only its author can cancel it; delete it instead`,
      )
    return { messageId: done.messageId }
  },
})

/** An account may cancel what it has posted with its own address. @throws ApiProblem `forbidden` */
function assertMayCancel({ lab }: Api, { role, name }: Caller, article: Article): void {
  if (role !== 'account') return
  const from = (article.value('from') ?? '').toLowerCase()
  const addresses = lab.directory.find(name)?.addresses ?? []
  if (addresses.some((one) => from === one.toLowerCase() || from.includes(`<${one.toLowerCase()}>`))) return
  throw new ApiProblem(
    'forbidden',
    `the article is not from ${addresses.join(' or ')}; ask its author or an administrator to cancel it`,
  )
}

export const articleOperations = [post, followUp, cancel] as const
