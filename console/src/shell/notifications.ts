import { computed, signal } from '@preact/signals'
import type { Schemas } from '../api/client.ts'
import { onLive } from '../api/live.ts'
import { Problem } from '../api/problem.ts'
import { urlOf } from '../base.ts'
import { notifyProblem } from '../components/toast.tsx'
import { navigate, pathWith } from '../router.ts'
import { remember, remembered } from '../state/preferences.ts'
import { t } from '../texts/index.ts'

type Message = Schemas['MessageSummary']

/** Messages that arrive together are one notification. */
const GATHER_MS = 500
/** Longest text of a line. */
const MAX_LENGTH = 120
/** A later notification replaces an earlier one, also of another tab. */
const TAG = 'sealpost-mail'

/** Whether the browser has notifications. */
export const canNotify = typeof Notification === 'function'

const permission = signal(canNotify ? Notification.permission : 'denied')

/** Whether new mail is notified of: someone has asked for it, and the browser allows it. */
export const isNotifying = computed(() => permission.value === 'granted' && remembered('notifications', false))

/** Turns notifications on or off. Only this asks the browser for the permission: browsers ignore pages that ask unasked. */
export async function toggleNotifications(): Promise<void> {
  if (isNotifying.value) return remember('notifications', false)
  permission.value = await Notification.requestPermission()
  if (permission.value === 'granted') return remember('notifications', true)
  const [title, detail] = [t('shell.notNotifying'), t('shell.notNotifyingHint')]
  notifyProblem(new Problem({ status: 0, kind: 'notifications', title, detail }))
}

let arrived: Message[] = []
let shown: Notification | undefined

onLive(({ name, data }) => {
  const message = data.message as Message | undefined
  if (name !== 'message.received' || !message || !isNotifying.peek() || !document.hidden) return
  // Drafts and copies of sent mail are read; articles have their page.
  if (message.read || message.newsgroup !== null) return
  arrived.push(message)
  if (arrived.length === 1) setTimeout(show, GATHER_MS)
})

document.addEventListener('visibilitychange', () => {
  if (!document.hidden) shown?.close()
})

function show(): void {
  const [first, ...others] = arrived
  arrived = []
  if (!first || !document.hidden) return
  const title = others.length === 0 ? subjectOf(first) : t('shell.newMail', { n: others.length + 1 })
  const body = others.length === 0 ? senderOf(first) : [first, ...others].slice(0, 3).map(subjectOf).join('\n')
  const notification = new Notification(title, { body, tag: TAG, icon: urlOf('icon.svg') })
  notification.addEventListener('click', () => {
    window.focus()
    navigate(others.length === 0 ? pathWith(['mail', first.id]) : '/mail')
    notification.close()
  })
  shown = notification
}

const subjectOf = ({ subject }: Message): string => inert(subject) || t('shell.noSubject')

const senderOf = ({ from, envelope }: Message): string =>
  inert(from ? [from.name, from.address && `<${from.address}>`].filter(Boolean).join(' ') : (envelope?.from ?? ''))

/**
 * Returns a text of a message that cannot act in a notification: on one line, without what changes the direction of text.
 * Desktops that take markup in a notification get that of a text from the browser, which escapes it.
 */
function inert(text: string): string {
  const line = text.replaceAll(/[\p{Cc}\p{Zl}\p{Zp}\s\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]+/gu, ' ').trim()
  return line.length > MAX_LENGTH ? `${line.slice(0, MAX_LENGTH)}…` : line
}
