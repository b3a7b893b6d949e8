import { z } from 'zod'
import { duration, durationText, mailAddress } from '../../core/config/schema/values.ts'
import { timeText } from '../../core/time/time-text.ts'
import { type Folder, PUBLIC_OWNER } from '../../storage/store/folder.ts'
import type { NewsgroupAttributes } from '../../storage/store/newsgroup-attributes.ts'
import type { Api } from '../api.ts'
import { type Caller, seesFolder } from '../caller.ts'
import { folder, folderFacts } from '../folders.ts'
import { defineOperation, locationAt } from '../operation.ts'
import { ApiProblem, notFound } from '../problem.ts'

const newsgroup = folder
  .extend({
    description: z.string(),
    posting: z.enum(['yes', 'no', 'moderated']),
    moderator: z.string().nullable(),
    access: z
      .enum(['anonymous-read', 'authenticated'])
      .nullable()
      .describe('What clients can do without a log-on. Null: what the virtual server allows.'),
    addresses: z.array(z.string()).describe('Mail addresses of the newsgroup. Mail to them is posted as an article.'),
    gateway: z.array(z.string()).describe('Addresses to which each new article is mailed.'),
    peers: z
      .enum(['accept', 'refuse', 'discard'])
      .describe('What happens to articles from peers: stored, refused, or passed on without being stored.'),
    aliasOf: z.string().nullable().describe('Newsgroup in which articles from peers are stored instead of this one.'),
    expireAfter: z.string().nullable().describe('Age at which articles are deleted.'),
    keepLatest: z.number().int().nullable(),
    suggested: z.boolean(),
    configured: z
      .boolean()
      .describe('Whether the newsgroup is in the configuration. Its attributes can then be changed only there.'),
    createdAt: z.string(),
    createdBy: z.string(),
    first: z.number().int().describe('Lowest article number.'),
    last: z.number().int().describe('Highest article number; one less than `first` if there is no article.'),
  })
  .meta({ id: 'Newsgroup' })

async function newsgroupFacts(api: Api, caller: Caller, one: Folder): Promise<z.infer<typeof newsgroup>> {
  const { exists, lowestUid, uidNext } = await api.lab.store.status(one.id)
  const {
    moderator,
    access,
    addresses = [],
    gateway = [],
    peers = 'accept',
    aliasOf = null,
    expireAfterMs,
    keepLatest,
    suggested,
    createdAt,
    ...rest
  } = one.newsgroup as NewsgroupAttributes
  const { onlyAccounts: _, ...shown } = rest
  const first = exists === 0 ? uidNext : lowestUid
  return {
    ...(await folderFacts(api, caller, one)),
    ...shown,
    moderator: moderator ?? null,
    access: access ?? null,
    addresses: [...addresses],
    gateway: [...gateway],
    peers,
    aliasOf,
    expireAfter: expireAfterMs === undefined ? null : durationText(expireAfterMs),
    keepLatest: keepLatest ?? null,
    suggested: suggested ?? false,
    configured: isConfigured(api, one.name),
    createdAt: timeText(createdAt),
    first,
    last: uidNext - 1,
  }
}

const isConfigured = ({ lab }: Api, name: string): boolean => lab.config.news.groups.some((one) => one.name === name)

/** Returns the newsgroups that a caller sees, ordered by name. */
async function visibleGroups({ lab }: Api, caller: Caller): Promise<Folder[]> {
  const folders = await lab.store.listFolders(PUBLIC_OWNER)
  return folders.filter((one) => one.newsgroup !== undefined && seesFolder(caller, one))
}

/** @throws ApiProblem `not-found` */
export async function groupNamed(api: Api, caller: Caller, name: string): Promise<Folder> {
  const found = await api.lab.store.findFolder(PUBLIC_OWNER, name)
  if (found?.newsgroup && seesFolder(caller, found)) return found
  throw notFound(`there is no newsgroup ${name}; GET /api/v1/newsgroups lists them`)
}

/** Newsgroups belong to the whole lab or to a tenant, not to an account. @throws ApiProblem `forbidden` */
function assertMayManage({ role, tenant }: Caller, name: string): void {
  if (role === 'account')
    throw new ApiProblem('forbidden', 'an administrator or a tenant may do this, not an account; use a token')
  if (tenant === undefined || tenant.ownsNewsgroup(name)) return
  throw new ApiProblem('forbidden', `the newsgroups of a tenant begin with its name: ${tenant.name}.${name}`)
}

const list = defineOperation('newsgroups.list', 'GET /newsgroups', {
  listKey: 'name',
  summary: 'List the newsgroups with their attributes and article numbers.',
  access: 'read',
  input: z.strictObject({}),
  output: z.object({ items: z.array(newsgroup) }),
  async run({ api, caller }) {
    const groups = await visibleGroups(api, caller)
    return { items: await Promise.all(groups.map((one) => newsgroupFacts(api, caller, one))) }
  },
})

const get = defineOperation('newsgroups.get', 'GET /newsgroups/{name}', {
  summary: 'Read one newsgroup.',
  access: 'read',
  input: z.strictObject({ name: z.string() }),
  output: newsgroup,
  run: async ({ api, caller, input: { name } }) => newsgroupFacts(api, caller, await groupNamed(api, caller, name)),
})

const newsgroupName = z
  .string()
  .regex(/^[A-Za-z0-9+_-]+(?:\.[A-Za-z0-9+_-]+)*$/, 'is not the name of a newsgroup such as lab.general')

/** The attributes of a newsgroup, as in the key `news.groups` of the YAML. Null removes one. */
const attributes = {
  description: z.string().optional(),
  posting: z.enum(['yes', 'no', 'moderated']).optional().describe('moderated needs `moderator`. Default: yes.'),
  moderator: mailAddress.nullable().optional(),
  access: z
    .enum(['anonymous-read', 'authenticated'])
    .nullable()
    .optional()
    .describe('What clients can do without a log-on. Null: what the virtual server allows.'),
  expireAfter: duration.nullable().optional().describe('Age at which articles are deleted, such as 30d.'),
  keepLatest: z.number().int().positive().nullable().optional().describe('Number of newest articles to keep.'),
  suggested: z.boolean().optional().describe('Whether LIST SUBSCRIPTIONS suggests it to new readers.'),
}

type Attributes = z.output<z.ZodObject<typeof attributes>>

/** Returns the attributes after a change. @throws ApiProblem `invalid` for a moderated group without a moderator */
function changedAttributes(before: NewsgroupAttributes, { expireAfter, ...given }: Attributes): NewsgroupAttributes {
  const wanted = { ...before, ...given, ...(expireAfter === undefined ? {} : { expireAfterMs: expireAfter }) }
  const kept = Object.entries(wanted).filter(([, value]) => value !== undefined && value !== null)
  const after = Object.fromEntries(kept) as unknown as NewsgroupAttributes
  if (after.posting === 'moderated' && after.moderator === undefined) {
    const message = 'is missing; a moderated newsgroup needs the mail address of its moderator'
    throw new ApiProblem('invalid', `/moderator: ${message}`, { errors: [{ pointer: '/moderator', message }] })
  }
  return after
}

const create = defineOperation('newsgroups.create', 'POST /newsgroups', {
  summary: 'Create a newsgroup.',
  access: 'change',
  input: z.strictObject({ name: newsgroupName, ...attributes }),
  output: newsgroup,
  status: 201,
  problems: ['conflict'],
  location: locationAt('/newsgroups/{name}'),
  async run({ api, caller, input: { name, ...given } }) {
    assertMayManage(caller, name)
    const { tenant } = caller
    const fresh: NewsgroupAttributes = {
      description: '',
      posting: 'yes',
      createdAt: api.lab.clock.now(),
      createdBy: caller.name,
      ...(tenant === undefined ? {} : { onlyAccounts: `${tenant.name}-` }),
    }
    const settings = { newsgroup: changedAttributes(fresh, given) }
    return newsgroupFacts(api, caller, await api.lab.store.createFolder(PUBLIC_OWNER, name, settings))
  },
})

const update = defineOperation('newsgroups.update', 'PATCH /newsgroups/{name}', {
  summary: 'Change the attributes of a newsgroup that is not in the configuration.',
  access: 'change',
  input: z.strictObject({ name: z.string(), ...attributes }),
  output: newsgroup,
  problems: ['conflict'],
  async run({ api, caller, input: { name, ...given } }) {
    const found = await groupNamed(api, caller, name)
    assertMayManage(caller, name)
    // The next reload or reset would undo the change.
    if (isConfigured(api, name))
      throw new ApiProblem('conflict', `${name} is in the configuration; change it there, under \`news.groups\``)
    const settings = { newsgroup: changedAttributes(found.newsgroup as NewsgroupAttributes, given) }
    return newsgroupFacts(api, caller, await api.lab.store.updateFolder(found.id, settings))
  },
})

const remove = defineOperation('newsgroups.delete', 'DELETE /newsgroups/{name}', {
  summary:
    'Delete a newsgroup and its articles. If the configuration lists it, the next reload or reset creates it again, without articles.',
  access: 'change',
  input: z.strictObject({ name: z.string() }),
  async run({ api, caller, input: { name } }) {
    const found = await groupNamed(api, caller, name)
    assertMayManage(caller, name)
    await api.lab.store.deleteFolder(found.id)
  },
})

export const newsgroupOperations = [list, create, get, update, remove] as const
