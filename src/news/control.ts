import type { Folder } from '../store/types.ts'
import { PUBLIC_OWNER } from '../store/types.ts'
import { Article } from './article.ts'
import { lockElements, lockOf } from './cancel-lock.ts'
import { isNewsgroupName } from './newsgroups.ts'
import type { ControlKind, NewsContext } from './types.ts'

const controlKinds: readonly ControlKind[] = ['cancel', 'newgroup', 'rmgroup']

/** A parsed Control field. */
export interface Control {
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
  const folder = await news.group(name)
  if (folder) return folder
  return news.store.createFolder(PUBLIC_OWNER, name, {
    newsgroup: {
      description: known ? `Control messages (${known})` : 'Other control messages',
      posting: 'no',
      createdAt: news.clock.now(),
      createdBy: news.hostname,
    },
  })
}

/** Acts on a stored article's Control field, or on its Supersedes field, which cancels another article. */
export async function actOnControl(news: NewsContext, article: Article, control: Control | undefined): Promise<void> {
  const superseded = article.value('supersedes')
  if (control) await act(news, article, control)
  else if (superseded !== undefined && news.control.includes('cancel')) await cancel(news, article, superseded) // RFC 5537 section 5.4
}

async function act(news: NewsContext, article: Article, { kind, args }: Control): Promise<void> {
  const known = controlKinds.find((candidate) => candidate === kind)
  if (!known || !news.control.includes(known)) {
    news.log.info({ control: kind }, 'control message stored, but not executed')
    return
  }
  const [target] = args
  if (target === undefined) return
  if (known === 'cancel') await cancel(news, article, target)
  // Without Approved, no group is created or removed. RFC 5537 section 5.2
  else if (article.has('approved') && isNewsgroupName(target)) {
    if (known === 'newgroup') await newgroup(news, article, target, args[1] === 'moderated')
    else await rmgroup(news, target)
  }
}

/** Creates the group, or changes whether it is moderated. RFC 5537 section 5.2.1. */
async function newgroup(news: NewsContext, article: Article, name: string, moderated: boolean): Promise<void> {
  const posting = moderated ? 'moderated' : 'yes'
  const existing = await news.group(name)
  if (existing?.newsgroup) {
    await news.store.updateFolder(existing.id, { ...existing, newsgroup: { ...existing.newsgroup, posting } })
    return
  }
  const approved = article.value('approved') ?? ''
  await news.store.createFolder(PUBLIC_OWNER, name, {
    newsgroup: {
      description: descriptionIn(article, name),
      posting,
      ...(moderated ? { moderator: approved } : {}),
      createdAt: news.clock.now(),
      createdBy: approved,
    },
  })
}

/** Returns the group's description from the line after `For your newsgroups file:`. RFC 5537 section 4.2. */
function descriptionIn(article: Article, name: string): string {
  const lines = article.raw.toString('utf8', article.bodyStart).split(/\r?\n/)
  const marker = lines.findIndex((line) => /^for your newsgroups file:\s*$/i.test(line))
  const [group, ...words] = (lines[marker + 1] ?? '').split(/[ \t]+/)
  return marker !== -1 && group === name ? words.join(' ') : ''
}

/** Removes the group. RFC 5537 section 5.2.2. */
async function rmgroup(news: NewsContext, name: string): Promise<void> {
  const folder = await news.group(name)
  if (folder) await news.store.deleteFolder(folder.id)
}

/**
 * Removes an article from its groups. An article that has not arrived yet will be refused. RFC 5537 section 5.3.
 * @param request the cancel message, or the superseding article
 */
async function cancel(news: NewsContext, request: Article, messageId: string): Promise<void> {
  const locations = await news.store.locate(messageId)
  const [first] = locations
  if (!first) {
    await news.store.remember(messageId)
    return
  }
  const raw = await news.store.read(first.folder.id, first.uid)
  if (raw && !mayCancel(request, new Article(raw))) {
    news.log.info({ messageId }, "cancel refused: it has no key to the article's Cancel-Lock")
    return
  }
  for (const { folder, uid } of locations) await news.store.expunge(folder.id, [uid])
}

/** Returns whether the request has a key to the article's Cancel-Lock, or the article has no lock. RFC 8315 section 3.3. */
function mayCancel(request: Article, target: Article): boolean {
  const locks = lockElements(target.value('cancel-lock'))
  if (locks.length === 0) return true
  return lockElements(request.value('cancel-key')).some((key) => locks.includes(lockOf(key)))
}
