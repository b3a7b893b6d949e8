import { useEffect, useMemo, useRef, useState } from 'preact/hooks'
import { reconnects } from '../../api/live.ts'
import { navigate, useRoute } from '../../router.ts'
import { may } from '../../state/caller.ts'
import { type Choice, mark, removeSoon } from './actions.ts'
import { filterIn, type MailFilter, mailPath, selectionOf } from './filter.ts'
import { MessageList } from './message-list.ts'

/** The state that the parts of the page share. */
export interface Mail {
  readonly filter: MailFilter
  readonly list: MessageList
  /** The open message. */
  readonly openId: string | undefined
  /** Ids of the checked messages. */
  readonly checked: ReadonlySet<string>
  /** Whether everything that the list would show is checked. */
  readonly isAllChecked: boolean
  readonly setFilter: (filter: MailFilter) => void
  readonly open: (id: string) => void
  readonly close: () => void
  /** Opens the message `by` rows below the open one. */
  readonly step: (by: number) => Promise<void>
  readonly check: (ids: readonly string[], isChecked?: boolean) => void
  readonly checkAll: () => void
  readonly uncheck: () => void
  /** The checked messages, to which the actions of the list apply. */
  readonly choice: Choice | undefined
  /** Deletes messages, and opens the next one if the open one is among them. */
  readonly remove: (ids: readonly string[]) => void
}

/** Returns the state of the page, which its URL holds. */
export function useMail(): Mail {
  const { rest, query } = useRoute()
  const [openId] = rest
  const filter = filterIn(query)
  const key = mailPath(filter)
  const list = useMemo(() => new MessageList(filter), [key])
  list.openId = openId
  const [checked, setChecked] = useState<ReadonlySet<string>>(new Set())
  const [isAllChecked, setAllChecked] = useState(false)
  useEffect(() => {
    setChecked(new Set())
    setAllChecked(false)
    return list.follow()
  }, [list])
  const isFirst = useRef(true)
  useEffect(() => {
    if (isFirst.current) isFirst.current = false
    else void list.reconnect()
  }, [reconnects.value])

  const tab = query.get('tab') ?? undefined
  const open = (id: string): void => navigate(mailPath(filter, id, tab), { replace: openId !== undefined })
  const close = (): void => navigate(mailPath(filter), { replace: true })
  const latest = useRef(openId)
  latest.current = openId
  const step = async (by: number): Promise<void> => {
    const row = list.rowOf(openId)
    const next = openId === undefined || row === -1 ? 0 : Math.max(0, Math.min(list.count - 1, row + by))
    const id = list.at(next)?.id ?? (await list.loadBetween(next, next))[0]
    // Another message may have been opened while the list was loaded.
    if (id !== undefined && id !== openId && latest.current === openId) open(id)
  }
  const uncheck = (): void => {
    setChecked(new Set())
    setAllChecked(false)
  }
  const remove = (ids: readonly string[]): void => {
    const row = list.rowOf(openId)
    removeSoon(list, ids)
    uncheck()
    if (openId === undefined || !ids.includes(openId)) return
    const next = list.at(Math.min(row, list.count - 1))
    if (next) open(next.id)
    else close()
  }
  return {
    filter,
    list,
    openId,
    checked,
    isAllChecked,
    setFilter: (changed) => navigate(mailPath(changed)),
    open,
    close,
    step,
    check: (ids, isChecked) => {
      setChecked((before) => {
        const next = new Set(before)
        for (const id of ids) {
          if (isChecked ?? !next.has(id)) next.add(id)
          else next.delete(id)
        }
        return next
      })
      setAllChecked(false)
    },
    checkAll: () => {
      setChecked(new Set(list.between(0, Math.min(list.count - 1, 999))))
      setAllChecked(true)
    },
    uncheck,
    choice: isAllChecked
      ? { kind: 'all', count: list.count, selection: selectionOf(filter) }
      : checked.size > 0
        ? { kind: 'ids', ids: [...checked] }
        : undefined,
    remove,
  }
}

/** Whether the message that is opened takes the focus, so that it is read out: it was opened by a key. */
export const takesFocus = { current: false }

/** Marks a message as read once it is shown. */
export function useRead(list: MessageList, id: string, isRead: boolean | undefined): void {
  useEffect(() => {
    if (isRead === false && may('change')) void mark(list, { kind: 'ids', ids: [id] }, { read: true })
  }, [id, isRead === undefined])
}
