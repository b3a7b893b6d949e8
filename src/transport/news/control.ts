import type { Folder } from '../../storage/store/folder.ts'
import { PUBLIC_OWNER } from '../../storage/store/folder.ts'
import { openFolder } from '../../storage/store/mailboxes.ts'
import { Article, ArticleRefused } from './article.ts'
import { lockElements, lockOf } from './cancel-lock.ts'
import { permittedGroups } from './control-senders.ts'
import { checkgroups, type GroupRequest, newgroup, rmgroup } from './group-control.ts'
import { isNewsgroupName } from './newsgroups.ts'
import type { ControlKind, GroupControlKind, NewsContext } from './types.ts'

const controlKinds: readonly ControlKind[] = ['cancel', 'newgroup', 'rmgroup', 'checkgroups']

/** A parsed Control field. */
interface Control {
  /** The first word of the field in lower case. It may be unknown. */
  readonly kind: string
  readonly args: readonly string[]
}

/** Parses the Control field, if the article has one. RFC 5536 section 3.2.3. */
export function controlOf(article: Article): Control | undefined {
  const value = article.value('control')
  if (value === undefined) return undefined
  const [kind = '', ...args] = value.split(/[ \t]+/)
  return { kind: kind.toLowerCase(), args }
}

/** Returns the group that keeps this kind of control message, for example `control.cancel`. Creates it if missing. RFC 5537 section 5. */
export async function controlFolder(news: NewsContext, { kind }: Control): Promise<Folder> {
  const known = controlKinds.find((candidate) => candidate === kind)
  const name = known ? `control.${known}` : 'control'
  return openFolder(news.store, PUBLIC_OWNER, name, {
    newsgroup: {
      description: known ? `Control messages (${known})` : 'Other control messages',
      posting: 'no',
      createdAt: news.clock.now(),
      createdBy: news.hostname,
    },
  })
}

/**
 * Returns whether the sender of a control message may cancel an article that has no Cancel-Lock.
 * @param folders the groups that have the article
 */
export type MayCancel = (target: Article, folders: readonly Folder[]) => boolean

/** A stored article that asks for an action. */
interface ControlRequest {
  readonly article: Article
  readonly mayCancel: MayCancel
}

/** Acts on a stored article's Control field, or on its Supersedes field, which cancels another article. */
export async function actOnControl(
  news: NewsContext,
  request: ControlRequest,
  control: Control | undefined,
): Promise<void> {
  const superseded = request.article.value('supersedes')
  if (control) await act(news, request, control)
  else if (superseded !== undefined && news.control.includes('cancel')) await cancel(news, request, superseded) // RFC 5537 section 5.4
}

async function act(news: NewsContext, request: ControlRequest, { kind, args }: Control): Promise<void> {
  const known = controlKinds.find((candidate) => candidate === kind)
  if (!known || !news.control.includes(known)) {
    news.log.info({ control: kind }, 'control message stored, but not executed')
    return
  }
  if (known !== 'cancel') await actOnGroups(news, request.article, known, args)
  else if (args[0] !== undefined) await cancel(news, request, args[0])
}

type GroupAction = (news: NewsContext, request: GroupRequest) => Promise<void>

const groupActions: Readonly<Record<GroupControlKind, GroupAction>> = { newgroup, rmgroup, checkgroups }

async function actOnGroups(
  news: NewsContext,
  article: Article,
  kind: GroupControlKind,
  args: readonly string[],
): Promise<void> {
  const target = kind === 'checkgroups' ? undefined : (args[0] ?? '')
  try {
    // Without Approved, no group is created or removed. RFC 5537 section 5.2
    if (!article.has('approved')) throw new ArticleRefused('forbidden', 'it has no Approved field')
    if (target !== undefined && !isNewsgroupName(target)) throw new ArticleRefused('invalid', 'it names no newsgroup')
    const groups = await permittedGroups(news, article, kind, target)
    await groupActions[kind](news, { article, args, groups })
  } catch (error) {
    if (!(error instanceof ArticleRefused)) throw error
    const facts = {
      control: kind,
      newsgroup: target,
      from: article.value('from'),
      messageId: article.value('message-id'),
    }
    news.log.warn(facts, `control message not executed: ${error.message}`)
  }
}

/**
 * Removes an article from its groups. An article that has not arrived yet will be refused. RFC 5537 section 5.3.
 * @param request the cancel message, or the superseding article
 */
async function cancel(news: NewsContext, request: ControlRequest, messageId: string): Promise<void> {
  const locations = await news.store.locate(messageId)
  const [first] = locations
  if (!first) {
    await news.store.remember(messageId)
    return
  }
  const raw = await news.store.read(first.folder.id, first.uid)
  const folders = locations.map(({ folder }) => folder)
  const refusal = raw && whyNotCancelled(request, new Article(raw), folders)
  if (refusal !== undefined) {
    news.log.info({ messageId }, `cancel refused: ${refusal}`)
    return
  }
  for (const { folder, uid } of locations) await news.store.expunge(folder.id, [uid])
}

/**
 * Returns why a request may not remove an article: it has no key to the article's Cancel-Lock, or the article has no lock
 * and is in groups to which the sender may not post. RFC 8315 section 3.3.
 */
function whyNotCancelled(
  { article, mayCancel }: ControlRequest,
  target: Article,
  folders: readonly Folder[],
): string | undefined {
  const locks = lockElements(target.value('cancel-lock'))
  if (locks.length === 0) return mayCancel(target, folders) ? undefined : 'the sender may not post to its newsgroups'
  const hasKey = lockElements(article.value('cancel-key')).some((key) => locks.includes(lockOf(key)))
  return hasKey ? undefined : "it has no key to the article's Cancel-Lock"
}
