import { call } from '../../api/client.ts'
import { problemOf } from '../../api/problem.ts'
import { notifyProblem } from '../../components/toast.tsx'
import { replyTo } from './compose.tsx'
import { composing } from './compose-state.ts'

/** Begins an answer to a message. */
export async function answer(id: string | undefined, toAll: boolean): Promise<void> {
  if (id === undefined) return
  try {
    composing.value = replyTo(await call('messages.get', { id }), toAll)
  } catch (error) {
    notifyProblem(problemOf(error))
  }
}
