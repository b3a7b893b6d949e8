import { apiUrl, readAnswer, request } from '../shared/api-client.ts'
import { exitStatus, SendmailError } from './exit-status.ts'
import type { Submission } from './message.ts'
import type { SendmailOptions } from './options.ts'

/** Exit statuses by the HTTP status of a refusal. */
const byStatus: Readonly<Record<number, number>> = {
  401: exitStatus.noPermission,
  403: exitStatus.noPermission,
  404: exitStatus.noUser,
  429: exitStatus.tempFail,
  503: exitStatus.tempFail,
}

/** Sends a message by the HTTP API of a lab. @throws SendmailError */
export async function sendByHttp(
  { url, token, tokenFile }: SendmailOptions,
  { mailFrom, recipients, content }: Submission,
): Promise<void> {
  const options = { url, ...(token ? { token } : {}), ...(tokenFile ? { tokenFile } : {}) }
  const target = apiUrl({ url: url ?? '' }, '/messages/import')
  target.searchParams.set('from', mailFrom)
  target.searchParams.set('to', recipients.join(','))
  const { problem } = await request({ ...options, url: url ?? '' }, target, {
    method: 'POST',
    headers: { 'content-type': 'message/rfc822' },
    body: new Uint8Array(content),
  })
    .then((response) => readAnswer(response, target))
    .catch((error: Error) => {
      throw new SendmailError(exitStatus.unavailable, error.message, { cause: error })
    })
  if (problem) throw new SendmailError(byStatus[problem.status] ?? exitStatus.unavailable, problem.detail)
}
