import { z } from 'zod'
import { meetsAll } from '../../../../src/api/messages/search.ts'
import type { MessageEntry } from '../../../../src/storage/store/message-entry.ts'
import { changesSince, shownId, stateOf } from '../mailbox/mailbox.ts'
import { type Answer, ProviderError } from '../types.ts'
import { folderOf } from './folders.ts'
import { messageEntity } from './message.ts'
import { messagePage } from './messages.ts'
import * as odata from './odata.ts'

const count = z.int().min(0)
/** The state of a client: it has the changes of a folder up to a place in their order, and all deletions up to `modSeq`. */
const seen = z.object({
  folder: z.string(),
  uidValidity: count,
  modSeq: count,
  place: z.object({ modSeq: count, uid: count }),
})

const isAfter = (a: Pick<MessageEntry, 'modSeq' | 'uid'>, b: Pick<MessageEntry, 'modSeq' | 'uid'>): boolean =>
  a.modSeq > b.modSeq || (a.modSeq === b.modSeq && a.uid > b.uid)

/** Answers with the messages of a folder that have changed. https://learn.microsoft.com/en-us/graph/api/message-delta */
async function messages(request: odata.GraphRequest): Promise<Answer> {
  const { mailbox, params, query } = request
  const folder = await folderOf(mailbox, params.folder)
  const { filter, select, top } = odata.listQuery(request, messageEntity)
  if (filter.some(({ ofEntry }) => !ofEntry))
    throw new ProviderError('not-offered', 'Sealpost filters a delta by dates and flags only')
  if (query.has('changeType')) throw new ProviderError('not-offered', 'Sealpost does not filter a delta by changeType')
  const token = query.get('$skiptoken') ?? query.get('$deltatoken') ?? 'first'
  const now = await stateOf(mailbox.store, folder)
  const end = ({ modSeq }: typeof now) => ({ modSeq, uid: Number.MAX_SAFE_INTEGER })
  const begins = { first: { modSeq: 0, uid: 0 }, latest: end(now) }
  const begin =
    token === 'first' || token === 'latest' ? { ...now, folder: folder.id, place: begins[token] } : undefined
  const state = begin ?? odata.readToken(token, seen) ?? odata.lost()
  const { uidValidity, place } = state
  const changes = await changesSince(mailbox, folder.id, { uidValidity, modSeq: Math.max(0, place.modSeq - 1) })
  if (state.folder !== folder.id || !changes || changes.state.modSeq < state.modSeq) odata.lost()
  const later = changes.entries.filter((one) => isAfter(one, place)).sort((a, b) => (isAfter(a, b) ? 1 : -1))
  const part = later.slice(0, top).map((entry) => ({ id: `${folder.id}.${entry.uid}`, folder, entry, order: 0 }))
  const shown = part.filter((message) => meetsAll(filter, { message }))
  const { value, taken } = await messagePage(request, shown, select)
  const last = (taken < shown.length ? shown[taken - 1] : part.at(-1))?.entry
  if (last && last !== later.at(-1)) {
    const next = { ...state, place: { modSeq: last.modSeq, uid: last.uid } }
    const link = odata.linkTo(request, 'next', { $deltatoken: undefined, $skiptoken: next })
    return odata.answer(request, 'messages', { value, ...link })
  }
  const uids = await mailbox.store.vanishedSince(folder.id, state.modSeq)
  // A draft whose content was replaced is not gone.
  const entries = uids.length === 0 ? [] : await mailbox.store.changedSince(folder.id, state.modSeq)
  const kept = new Set(entries.map((entry) => shownId({ id: '', folder, entry, order: 0 })))
  const lost = uids.map((uid) => `${folder.id}.${uid}`).filter((id) => !kept.has(id))
  const all = [...value, ...lost.map(odata.removed)]
  const next = { ...state, ...changes.state, place: end(changes.state) }
  const link = odata.linkTo(request, 'delta', { $skiptoken: undefined, $deltatoken: next })
  return odata.answer(request, 'messages', { value: all, ...link })
}

export const deltaRoutes = [odata.route('GET', `{user}/mailFolders{folder}/messages/${odata.DELTA}`, messages)]
