import { call } from '../../api/client.ts'
import { problemOf } from '../../api/problem.ts'
import { notifyProblem } from '../../components/toast.tsx'
import { replyTo } from './compose.tsx'
import { composing } from './compose-state.ts'

/** Begins an answer to a message. */
export async function answer(id: string | undefined, toAll: boolean): Promise<void> {
  if (id === undefined) return
  try {
    const [message, { headers }] = await Promise.all([call('messages.get', { id }), call('messages.headers', { id })])
    const field = (wanted: string): string => headers.find(({ name }) => name.toLowerCase() === wanted)?.value ?? ''
    composing.value = replyTo(message, field('references') || field('in-reply-to'), toAll)
  } catch (error) {
    notifyProblem(problemOf(error))
  }
}
