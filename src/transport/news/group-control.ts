import { isSliceOver, nextSlice } from '../../core/time/time-slice.ts'
import { type Folder, PUBLIC_OWNER } from '../../storage/store/folder.ts'
import { createIfMissing } from '../../storage/store/mailboxes.ts'
import type { NewsgroupAttributes } from '../../storage/store/newsgroup-attributes.ts'
import { type Article, ArticleRefused } from './article.ts'
import { isNewsgroupName } from './newsgroups.ts'
import type { NewsContext } from './types.ts'
import type { Wildmat } from './wildmat.ts'

/** A control message for newsgroups that its sender may send. */
export interface GroupRequest {
  readonly article: Article
  /** The words after the kind. */
  readonly args: readonly string[]
  /** The groups for which the sender may send it. */
  readonly groups: Wildmat
}

interface WantedGroup {
  readonly name: string
  readonly moderated: boolean
  /** Empty: unknown. */
  readonly description: string
}

/** Creates the group, or changes its description and whether it is moderated. RFC 5537 section 5.2.1. */
export async function newgroup(news: NewsContext, { article, args }: GroupRequest): Promise<void> {
  const [name = '', flag] = args
  checkChangeable(name, await news.group(name))
  await establish(news, article, { name, moderated: flag === 'moderated', description: descriptionIn(article, name) })
}

async function establish(news: NewsContext, article: Article, wanted: WantedGroup): Promise<void> {
  const { name, moderated, description } = wanted
  const existing = await news.group(name)
  const posting = existing?.newsgroup && isClosed(existing.newsgroup) ? 'no' : moderated ? 'moderated' : 'yes'
  if (existing?.newsgroup) {
    const newsgroup = { ...existing.newsgroup, posting, ...(description === '' ? {} : { description }) } as const
    await news.store.updateFolder(existing.id, { ...existing, newsgroup })
    return
  }
  const approved = article.value('approved') ?? ''
  await createIfMissing(news.store, PUBLIC_OWNER, name, {
    newsgroup: {
      description,
      posting,
      ...(moderated ? { moderator: approved } : {}),
      createdAt: news.clock.now(),
      createdBy: approved,
    },
  })
}

/** RFC 6048 section 3.1: users cannot post to groups with status x, j and =other.group. */
const isClosed = ({ peers, aliasOf }: NewsgroupAttributes): boolean => peers !== undefined || aliasOf !== undefined

const bodyLines = ({ raw, bodyStart }: Article): string[] => raw.toString('utf8', bodyStart).split(/\r?\n/)

/** Returns the group's description from the line after `For your newsgroups file:`. RFC 5537 section 4.2. */
function descriptionIn(article: Article, name: string): string {
  const lines = bodyLines(article)
  const marker = lines.findIndex((line) => /^for your newsgroups file:\s*$/i.test(line))
  const [group, ...words] = (lines[marker + 1] ?? '').split(/[ \t]+/)
  return marker !== -1 && group === name ? words.join(' ').trim() : ''
}

/** Removes the group. RFC 5537 section 5.2.2. */
export async function rmgroup(news: NewsContext, { args: [name = ''] }: GroupRequest): Promise<void> {
  const folder = await news.group(name)
  checkChangeable(name, folder)
  if (folder) await news.store.deleteFolder(folder.id)
}

/**
 * Makes the groups of a hierarchy those that the article lists: creates, changes and removes groups. Groups that the sender
 * may not change, those of the lab itself and those of tenants stay. RFC 5537 section 5.2.3.
 */
export async function checkgroups(news: NewsContext, { article, args, groups }: GroupRequest): Promise<void> {
  const listed = bodyLines(article).flatMap(listedGroup)
  const scopes = args.filter((word) => !word.startsWith('#'))
  if (listed.length === 0 || !(await isNewer(news, args, scopes))) return
  // Without a scope, the hierarchies of the listed groups are complete.
  const inScope = scopeOf(scopes.length > 0 ? scopes : listed.map(({ name }) => name.replace(/\..*$/, '')))
  const existing = await news.store.listFolders(PUBLIC_OWNER)
  const foreign = new Set(existing.filter(isForeign).map(({ name }) => name))
  const mayChange = (name: string): boolean => inScope(name) && groups(name) && !OWN.test(name) && !foreign.has(name)
  for (const wanted of listed) {
    if (isSliceOver()) await nextSlice()
    if (mayChange(wanted.name)) await establish(news, article, wanted)
  }
  const kept = new Set(listed.map(({ name }) => name))
  for (const { id, name } of existing) {
    if (isSliceOver()) await nextSlice()
    if (!kept.has(name) && mayChange(name)) await news.store.deleteFolder(id)
  }
}

/** Refuses to create, change or remove a group of the lab itself or of a tenant. @throws ArticleRefused */
function checkChangeable(name: string, existing: Folder | undefined): void {
  if (OWN.test(name)) throw new ArticleRefused('forbidden', `${name} is a group of the lab itself`)
  if (existing && isForeign(existing)) throw new ArticleRefused('forbidden', `${name} is a group of a tenant`)
}

/** Returns whether a folder is not a newsgroup, or is a newsgroup of a tenant. */
const isForeign = ({ newsgroup }: Folder): boolean => newsgroup === undefined || newsgroup.onlyAccounts !== undefined

/** Groups that the lab creates itself. */
const OWN = /^(?:junk$|control(?:\.|$))/

/** Parses a line: name, white space, description, which ends in ` (Moderated)` for a moderated group. RFC 5537 section 4.2. */
function listedGroup(line: string): WantedGroup[] {
  const [, name = '', description = ''] = /^(\S+)[ \t]*(.*)$/.exec(line.trimEnd()) ?? []
  if (!isNewsgroupName(name)) return []
  return [{ name, description, moderated: /\s\(Moderated\)$/.test(` ${description}`) }]
}

/** Returns whether a group belongs to the hierarchies: `lab` and `lab.x` to `lab`, unless `!lab.x` excludes it. */
function scopeOf(scopes: readonly string[]): (name: string) => boolean {
  const covers = (scope: string, name: string): boolean => name === scope || name.startsWith(`${scope}.`)
  const [excluded, included] = [
    scopes.filter((one) => one.startsWith('!')),
    scopes.filter((one) => !one.startsWith('!')),
  ]
  return (name) =>
    included.some((scope) => covers(scope, name)) && !excluded.some((scope) => covers(scope.slice(1), name))
}

/** Compares the serial number with the last one for the same scope, and keeps it. RFC 5537 section 5.2.3. */
async function isNewer({ store }: NewsContext, args: readonly string[], scopes: readonly string[]): Promise<boolean> {
  const serial = /^#(\d{1,30})$/.exec(args.at(-1) ?? '')?.[1]
  if (serial === undefined) return true
  const key = `news.checkgroups.${scopes.join(' ')}`
  const last = await store.getState(key)
  if (last !== undefined && BigInt(serial) <= BigInt(last)) return false
  await store.setState(key, serial)
  return true
}
