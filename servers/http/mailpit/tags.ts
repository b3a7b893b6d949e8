import { z } from 'zod'
import { keywordOf } from '../../../src/api/messages/summary.ts'
import { ApiProblem, notFound } from '../../../src/api/problem.ts'
import { changeFlags, type Mail } from '../delivered-mail.ts'
import { bodyOf, changes, jsonResponse, pathParameter, type Route, type RouteCall, reads } from '../routes.ts'
import { mailsOf } from '../tool-mail.ts'

/** Returns the name that Mailpit gives a tag: other characters become spaces, of which one is left. May be empty. */
const cleanTag = (text: string): string => text.replaceAll(/[^\w.@-]+/g, ' ').trim()

/** Returns the keywords of tags, once each. */
export const keywordsOf = (tags: readonly string[]): string[] => [
  ...new Set(
    tags
      .map(cleanTag)
      .filter((tag) => tag !== '')
      .map(keywordOf),
  ),
]

const isSame = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase()

/** Returns the messages that have a tag. @throws ApiProblem `not-found` */
async function taggedMails(call: RouteCall): Promise<{ tag: string; mails: readonly Mail[] }> {
  const tag = pathParameter(call.c, 'tag')
  const { all } = await mailsOf(call)
  const mails = all.mails.filter((mail) => mail.tags.some((one) => isSame(one, tag)))
  if (mails.length > 0) return { tag, mails }
  throw notFound(`no message has the tag ${tag}; there are: ${all.tags.join(', ') || 'none'}`)
}

const list = reads('/api/v1/tags', async (call) => jsonResponse(call.c, (await mailsOf(call)).all.tags))

const set = changes('PUT', '/api/v1/tags', async (call) => {
  const strings = z.array(z.string()).default([])
  const { ids, tags } = await bodyOf(call, z.object({ ids: strings, tags: strings }))
  const delivered = await mailsOf(call)
  const keywords = keywordsOf(tags)
  for (const id of ids) {
    const mail = await delivered.find(id)
    if (!mail) continue
    const gone = mail.tags.map(keywordOf).filter((one) => !keywords.some((keyword) => isSame(keyword, one)))
    if (gone.length > 0) await changeFlags(call.api, [mail], { mode: 'remove', flags: gone })
    if (keywords.length > 0) await changeFlags(call.api, [mail], { mode: 'add', flags: keywords })
  }
  return call.c.text('ok')
})

const rename = changes('PUT', '/api/v1/tags/:tag', async (call) => {
  const [name] = keywordsOf([(await bodyOf(call, z.object({ name: z.string() }))).name])
  if (name === undefined) throw new ApiProblem('bad-request', 'Name: has no letter or digit that a tag can have')
  const { tag, mails } = await taggedMails(call)
  await changeFlags(call.api, mails, { mode: 'remove', flags: [keywordOf(tag)] })
  await changeFlags(call.api, mails, { mode: 'add', flags: [name] })
  return call.c.text('ok')
})

const remove = changes('DELETE', '/api/v1/tags/:tag', async (call) => {
  const { tag, mails } = await taggedMails(call)
  await changeFlags(call.api, mails, { mode: 'remove', flags: [keywordOf(tag)] })
  return call.c.text('ok')
})

export const tagRoutes: readonly Route[] = [list, set, rename, remove]
