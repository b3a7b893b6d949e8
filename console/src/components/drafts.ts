import { effect, signal } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import { callerState } from '../state/caller.ts'
import { t } from '../texts/index.ts'
import { notify } from './toast.tsx'

/** Changes that are not applied yet, by the key of their form. They stay in memory, because some are passwords. */
const drafts = signal<ReadonlyMap<string, unknown>>(new Map())
let owner: string | undefined

/** Returns whether a form has changes that are not applied yet. */
export const hasDraft = (key: string): boolean => drafts.value.has(key)

/** Forgets the changes of a form. */
export const dropDraft = (key: string): void => keepDraft(key, undefined)

function keepDraft(key: string, draft: unknown): void {
  const next = new Map(drafts.peek())
  if (draft === undefined) next.delete(key)
  else next.set(key, draft)
  drafts.value = next
}

/**
 * Keeps the changes of a form while other pages are open, and says so when the form is left. Before the tab is closed or
 * loaded again, the browser asks.
 * @param name what is changed, in the words of the page
 * @returns the changes, undefined if the form has none, and a function that replaces them
 */
export function useDraft<Draft>(key: string, name: string) {
  const latestName = useRef(name)
  latestName.current = name
  useEffect(
    () => () => {
      if (drafts.peek().has(key)) notify(t('shell.draftKept', { name: latestName.current }))
    },
    [key],
  )
  const draft = drafts.value.get(key) as Draft | undefined
  return [draft, (next: Draft | undefined) => keepDraft(key, next)] as const
}

const ask = (event: Event): void => event.preventDefault()

// Browsers restore a page slowly while it has this listener, so it exists only with a draft.
effect(() => {
  if (drafts.value.size > 0) addEventListener('beforeunload', ask)
  else removeEventListener('beforeunload', ask)
})

// Nobody sees the changes of somebody else who used the browser before. A session that ends keeps them for the same person.
effect(() => {
  const state = callerState.value
  if (state.name === 'out' || state.name === 'unreachable') return
  const name = state.name === 'in' ? state.caller.name : undefined
  if (name !== owner) drafts.value = new Map()
  owner = name
})
