import type { IndexedMessage } from '../../../../src/api/messages/message-index.ts'
import { runInSlices } from '../../../../src/core/time/time-slice.ts'
import type { DraftAttachment } from '../../../../src/mail/format/compose.ts'
import type { ReadableAddress } from '../../../../src/mail/format/readable.ts'
import { addMessage, gone, replaces } from '../mailbox/mailbox.ts'
import { type Answer, ProviderError } from '../types.ts'
import { jsonBody } from '../values.ts'
import { shaped } from './entity.ts'
import { attachmentEntity, attachmentsOf } from './message.ts'
import { messageOf, ofMessage } from './messages.ts'
import { answer, type GraphRequest } from './odata.ts'
import { attachedAgain, fileIn, fileInput, type Message, messageInput, written } from './sending.ts'

/** The fields that a draft keeps whatever its content is. */
const KEPT = /^(?:message-id|in-reply-to|references|importance|x-.*)$/i

const people = (all: readonly ReadableAddress[]) => all.map(({ name, address: email }) => ({ email, name }))

/** Replaces the content of a draft, and returns it. It keeps its id. @throws ProviderError, StoreError */
export async function rewriteDraft(
  request: GraphRequest,
  at: IndexedMessage,
  given: Partial<Message>,
  filesOf = (files: readonly DraftAttachment[]) => files,
): Promise<IndexedMessage> {
  const { call, mailbox } = request
  const { folder, entry } = at
  if (!entry.flags.includes('\\Draft'))
    throw new ProviderError('not-offered', 'Sealpost changes the content of drafts only')
  const draft = await call.api.reader.use(at, async ({ read }) => {
    const files = (await runInSlices(read.attachmentsInSteps())).map(attachedAgain)
    const fields = read.fieldList.filter(({ name }) => KEPT.test(name))
    const [from] = people(read.from ? [read.from] : [])
    const lists = { toRecipients: people(read.to), ccRecipients: people(read.cc), bccRecipients: people(read.bcc) }
    const old = { ...messageInput.parse({}), subject: read.subject, from, ...lists, replyTo: people(read.replyTo) }
    const body = { text: read.text, ...(read.html !== undefined && { html: read.html }) }
    return written(
      call,
      { ...old, ...given },
      {
        ...(given.body ? {} : body),
        headers: Object.fromEntries(fields.map(({ name, value }) => [name, value])),
        attachments: [...filesOf(files)],
      },
    )
  })
  const flags = [...entry.flags.filter((flag) => !flag.startsWith('$draft-')), replaces(at)]
  const next = await addMessage(mailbox, folder, (draft ?? gone()).raw, flags)
  await mailbox.store.expunge(folder.id, [entry.uid])
  return next
}

/** Adds an attachment to a draft. https://learn.microsoft.com/en-us/graph/api/message-post-attachments */
async function attach(request: GraphRequest): Promise<Answer> {
  const file = fileIn(jsonBody(request.call, fileInput))
  const next = await rewriteDraft(request, await messageOf(request), {}, (files) => [...files, file])
  const all = await attachmentsOf(request.call.api, next)
  const message = all.findLast(({ one }) => one.filename === file.filename) ?? gone()
  const json = shaped(attachmentEntity, { message }, Object.keys(attachmentEntity))
  return answer(request, 'messages/attachments/$entity', json, 201)
}

/** Removes an attachment of a draft. https://learn.microsoft.com/en-us/graph/api/attachment-delete */
async function detach(request: GraphRequest): Promise<Answer> {
  const number = Number(request.params.part)
  await rewriteDraft(request, await messageOf(request), {}, (files) =>
    files[number - 1] ? files.filter((_, index) => index !== number - 1) : gone(),
  )
  return { status: 204 }
}

export const draftRoutes = [
  ...ofMessage('POST', '/attachments', attach),
  ...ofMessage('DELETE', '/attachments{part}', detach),
]
