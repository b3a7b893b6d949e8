import type { Folder } from '../store/types.ts'
import { PUBLIC_OWNER } from '../store/types.ts'
import { type Article, MAX_LIST_CHARS } from './article.ts'
import { cancel } from './cancel.ts'
import type { NewsService } from './news-service.ts'
import { isNewsgroupName } from './newsgroups.ts'

/** The control messages known here. RFC 5537 section 5. */
const controlKinds = ['cancel', 'newgroup', 'rmgroup'] as const
export type ControlKind = (typeof controlKinds)[number]

export interface Control {
  /** In lower case; any word, known or not. */
  readonly kind: string
  readonly args: readonly string[]
}

/** What the Control field says, if the article has one. RFC 5536 section 3.2.3. */
export function controlOf(article: Article): Control | undefined {
  const value = article.value('control')
  if (value === undefined) return undefined
  const [kind = '', ...args] = value.slice(0, MAX_LIST_CHARS).split(/[ \t]+/)
  return { kind: kind.toLowerCase(), args }
}

/** The group that a control message is filed in: `control.cancel` and its like, made when first needed. RFC 5537 section 5. */
export async function controlFolder(news: NewsService, { kind }: Control): Promise<Folder> {
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

/** Does what a stored article asks for: its Control field, and its Supersedes field, which cancels. */
export async function actOnControl(news: NewsService, article: Article, control: Control | undefined): Promise<void> {
  const superseded = article.value('supersedes')
  if (control) await act(news, article, control)
  else if (superseded !== undefined && news.control.includes('cancel')) await cancel(news, article, superseded) // RFC 5537 section 5.4
}

async function act(news: NewsService, article: Article, { kind, args }: Control): Promise<void> {
  const known = controlKinds.find((candidate) => candidate === kind)
  if (!known || !news.control.includes(known)) {
    news.log.info({ control: kind }, 'control message filed, not acted on')
    return
  }
  const [target] = args
  if (target === undefined) return
  if (known === 'cancel') await cancel(news, article, target)
  // RFC 5537 section 5.2: without Approved, no group is made or removed.
  else if (article.has('approved') && isNewsgroupName(target)) {
    if (known === 'newgroup') await newgroup(news, article, target, args[1] === 'moderated')
    else await rmgroup(news, target)
  }
}

/** RFC 5537 section 5.2.1: makes the group, or changes whether it is moderated. */
async function newgroup(news: NewsService, article: Article, name: string, moderated: boolean): Promise<void> {
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

/** The group's line behind `For your newsgroups file:`. RFC 5537 section 4.2. */
function descriptionIn(article: Article, name: string): string {
  const lines = article.raw.toString('utf8', article.bodyStart).split(/\r?\n/)
  const marker = lines.findIndex((line) => /^for your newsgroups file:\s*$/i.test(line))
  const [group, ...words] = (lines[marker + 1] ?? '').split(/[ \t]+/)
  return marker !== -1 && group === name ? words.join(' ') : ''
}

/** RFC 5537 section 5.2.2. */
async function rmgroup(news: NewsService, name: string): Promise<void> {
  const folder = await news.group(name)
  if (folder) await news.store.deleteFolder(folder.id)
}
