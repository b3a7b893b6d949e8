import { z } from 'zod'
import { keywordOf } from '../../../src/api/messages/summary.ts'
import { ApiProblem, notFound } from '../../../src/api/problem.ts'
import { changeFlags, DeliveredMail, type Mail } from '../delivered-mail.ts'
import { jsonResponse, pathParameter, type Route, type RouteCall } from '../routes.ts'
import { bodyOf } from './body.ts'

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
async function tagged({ api, caller, c }: RouteCall): Promise<{ tag: string; mails: readonly Mail[] }> {
  const tag = pathParameter(c, 'tag')
  const { all } = await DeliveredMail.of(api, caller)
  const mails = all.mails.filter((mail) => mail.tags.some((one) => isSame(one, tag)))
  if (mails.length > 0) return { tag, mails }
  throw notFound(`no message has the tag ${tag}; there are: ${all.tags.join(', ') || 'none'}`)
}

const list: Route = {
  method: 'GET',
  path: '/api/v1/tags',
  access: 'read',
  async run({ api, caller, c }) {
    return jsonResponse(c, (await DeliveredMail.of(api, caller)).all.tags)
  },
}

const set: Route = {
  method: 'PUT',
  path: '/api/v1/tags',
  access: 'change',
  async run(call) {
    const strings = z.array(z.string()).default([])
    const { ids, tags } = await bodyOf(call, z.object({ ids: strings, tags: strings }))
    const delivered = await DeliveredMail.of(call.api, call.caller)
    const keywords = keywordsOf(tags)
    for (const id of ids) {
      const mail = delivered.find(id)
      if (!mail) continue
      const gone = mail.tags.map(keywordOf).filter((one) => !keywords.some((keyword) => isSame(keyword, one)))
      if (gone.length > 0) await changeFlags(call.api, [mail], { mode: 'remove', flags: gone })
      if (keywords.length > 0) await changeFlags(call.api, [mail], { mode: 'add', flags: keywords })
    }
    return call.c.text('ok')
  },
}

const rename: Route = {
  method: 'PUT',
  path: '/api/v1/tags/:tag',
  access: 'change',
  async run(call) {
    const [name] = keywordsOf([(await bodyOf(call, z.object({ name: z.string() }))).name])
    if (name === undefined) throw new ApiProblem('bad-request', 'Name: has no letter or digit that a tag can have')
    const { tag, mails } = await tagged(call)
    await changeFlags(call.api, mails, { mode: 'remove', flags: [keywordOf(tag)] })
    await changeFlags(call.api, mails, { mode: 'add', flags: [name] })
    return call.c.text('ok')
  },
}

const remove: Route = {
  method: 'DELETE',
  path: '/api/v1/tags/:tag',
  access: 'change',
  async run(call) {
    const { tag, mails } = await tagged(call)
    await changeFlags(call.api, mails, { mode: 'remove', flags: [keywordOf(tag)] })
    return call.c.text('ok')
  },
}

export const tagRoutes: readonly Route[] = [list, set, rename, remove]
