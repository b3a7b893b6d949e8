import { z } from 'zod'
import { runInSlices } from '../../core/time/time-slice.ts'
import { timeText } from '../../core/time/time-text.ts'
import { nodeOfId } from '../../core/values/node-ids.ts'
import { flag } from '../input-types.ts'
import { Content, defineOperation } from '../operation.ts'
import { askNode } from '../other-nodes.ts'
import { ApiProblem, notFound } from '../problem.ts'
import { htmlDocument } from './html-document.ts'
import { openedInput, readFor } from './read.ts'
import { ownerOf } from './remote-content.ts'
import { remoteImageUrls } from './remote-images.ts'

const html = defineOperation('messages.html', 'GET /messages/{id}/html', {
  summary: 'Read the HTML of a message as a separate document, which runs no script and loads nothing.',
  access: 'read',
  input: openedInput.extend({
    scheme: z
      .enum(['light', 'dark'])
      .optional()
      .describe('Shows the message as a mail program with this colour scheme does.'),
    mark: z.coerce
      .number()
      .int()
      .min(0)
      .optional()
      .describe('Index of a tag, as `at` of a finding: it gets a frame, and `#sealpost-mark` shows it.'),
    remote: z
      .string()
      .optional()
      .describe('Id of remote images that the caller had fetched by `/messages/{id}/remote-content`, to show them.'),
    source: flag.default(false).describe('The HTML as it was sent, as text.'),
  }),
  output: 'text/html',
  otherOutputs: ['text/plain'],
  async run(call) {
    const node = call.input.remote === undefined ? undefined : nodeOfId(call.input.remote)
    // The node that has fetched the images keeps them.
    if (node !== undefined && !call.isForwarded && (await call.api.lab.cluster.others()).includes(node))
      return askNode(node, 'messages.html', call)
    return readFor(call, ({ at, read }) => {
      if (read.html === undefined)
        throw notFound(`message ${at.id} has no HTML; its text is at /api/v1/messages/${at.id}/text`)
      if (call.input.source) return new Content('text/plain; charset=utf-8', read.html)
      const { scheme, mark, remote: wanted } = call.input
      const remote = wanted === undefined ? undefined : call.api.remoteContents.get(wanted, ownerOf(call.caller), at.id)
      if (wanted !== undefined && !remote)
        throw notFound(`the remote images ${wanted} are not kept any more; fetch them again`)
      return runInSlices(htmlDocument(read, { scheme, linksInTabs: true, mark, remote }))
    })
  },
})

const remoteContent = defineOperation('messages.remoteContent', 'POST /messages/{id}/remote-content', {
  summary:
    'Fetch the remote images of a message, to show them once in its HTML. The lab asks the hosts of `mail.remoteContent`; style sheets, fonts and all else stay blocked.',
  access: 'administer',
  input: z.strictObject({ ...openedInput.shape, opened: z.boolean().default(true) }),
  output: z.object({
    id: z.string().describe('The parameter `remote` of `/messages/{id}/html`, for the same caller.'),
    expiresAt: z.string(),
    resources: z.array(
      z.object({
        url: z.string(),
        status: z.number().int().nullable().describe('HTTP status of the last answer; null without one.'),
        type: z.string().nullable(),
        sizeOctets: z.number().int().nullable(),
        reason: z.string().nullable().describe('Why the image is not shown; null if it is.'),
      }),
    ),
  }),
  problems: ['conflict', 'not-found'],
  run: async (call) => {
    const { api, caller, signal, input } = call
    if (!api.lab.config.mail.remoteContent?.length)
      throw new ApiProblem(
        'conflict',
        'remote content is off; name the hosts in the configuration: mail: { remoteContent: [cdn.example.com] }',
      )
    const urls = await readFor(call, ({ read }) => runInSlices(remoteImageUrls(read.html ?? '')))
    const { expiresAt, ...fetched } = await api.remoteContents.fetch(urls, ownerOf(caller), input.id, signal)
    return { ...fetched, expiresAt: timeText(expiresAt) }
  },
})

export const htmlOperations = [html, remoteContent] as const
