import { signal } from '@preact/signals'
import { call } from '../../api/client.ts'
import { problemOf } from '../../api/problem.ts'
import { notifyProblem } from '../../components/toast.tsx'
import { quotedText } from '../mail/compose.tsx'
import { composing } from '../mail/compose-state.ts'
import type { Newsgroup } from './groups.ts'

/** The initial content of a new article. */
export interface ArticleDraft {
  readonly newsgroups: readonly string[]
  readonly subject: string
  readonly text: string
  /** References and others that a follow-up keeps. */
  readonly headers: Readonly<Record<string, string>>
}

/** The article that is being written. */
export const writing = signal<ArticleDraft | undefined>(undefined)

/** Begins an article for a newsgroup. */
export function beginArticle(group?: Newsgroup): void {
  writing.value = {
    newsgroups: group && group.posting !== 'no' ? [group.name] : [],
    subject: '',
    text: '',
    headers: {},
  }
}

/** Begins a follow-up to an article; an answer by mail if its author asks for that. */
export const followUp = (id: string): Promise<void> => begin(id, false)

/** Begins an answer to the author of an article, by mail. */
export const answerByMail = (id: string): Promise<void> => begin(id, true)

async function begin(id: string, byMail: boolean): Promise<void> {
  try {
    const [message, draft] = await Promise.all([call('messages.get', { id }), call('articles.followUp', { id })])
    const { newsgroups, subject, headers, mailTo } = draft
    const text = quotedText(message)
    if (byMail || newsgroups.length === 0) {
      const reply = message.messageId === '' ? {} : { 'In-Reply-To': message.messageId }
      composing.value = { to: mailTo, subject, text, headers: { ...reply, ...headers } }
    } else writing.value = { newsgroups, subject, text, headers }
  } catch (error) {
    notifyProblem(problemOf(error))
  }
}
