import { ArrowUp } from 'lucide-preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import { Glyph } from '../../components/icon.tsx'
import { ProblemState, Skeleton } from '../../components/states.tsx'
import { VirtualList } from '../../components/virtual-list.tsx'
import { may } from '../../state/caller.ts'
import { t } from '../../texts/index.ts'
import { EmptyList } from './empty-list.tsx'
import { mailPath } from './filter.ts'
import { ImportDialog } from './import.tsx'
import { ListToolbar } from './list-toolbar.tsx'
import { Row } from './row.tsx'
import { SearchBox } from './search-box.tsx'
import type { Mail } from './use-mail.ts'

const ROW_HEIGHT = 54

/** Offsets of the lists of this tab, which survive a reload. */
const offsetKey = (key: string): string => `sealpost.scroll.${key}`

/** The search, the actions and the list of messages. */
export function ListPane({ mail, onFolders }: { readonly mail: Mail; readonly onFolders?: (() => void) | undefined }) {
  const { filter, setFilter } = mail
  const [imported, setImported] = useState<readonly File[]>()
  return (
    <section
      class="list-pane"
      aria-label={t('mail.list')}
      onDragOver={(event) => may('change') && event.preventDefault()}
      onDrop={(event) => {
        if (!may('change') || !event.dataTransfer?.files.length) return
        event.preventDefault()
        setImported([...event.dataTransfer.files])
      }}
    >
      <div class="list-head">
        <SearchBox value={filter.search} onSearch={(search) => setFilter({ ...filter, search })} />
        <ListToolbar mail={mail} onFolders={onFolders} onImport={() => setImported([])} />
      </div>
      <ListBody mail={mail} />
      {imported && <ImportDialog filter={filter} files={imported} onClose={() => setImported(undefined)} />}
    </section>
  )
}

function ListBody({ mail }: { readonly mail: Mail }) {
  const { list, filter } = mail
  const key = mailPath(filter)
  const { problem, isLoaded } = list
  if (!isLoaded.value) {
    return problem.value ? (
      <ProblemState problem={problem.value} onRetry={() => list.refresh()} />
    ) : (
      <Skeleton lines={12} />
    )
  }
  if (list.count === 0) return <EmptyList filter={filter} />
  return <Rows key={key} mail={mail} offsetKey={offsetKey(key)} />
}

function Rows({ mail, offsetKey: key }: { readonly mail: Mail; readonly offsetKey: string }) {
  const { list, filter, openId, checked, isAllChecked } = mail
  const anchor = useRef(-1)
  const active = list.rowOf(openId)
  const prepended = list.prepended.value
  const [seen, setSeen] = useState(prepended)
  const [isAtTop, setAtTop] = useState(true)
  const box = useRef<HTMLDivElement>(null)
  useEffect(() => {
    if (isAtTop) setSeen(prepended)
  }, [isAtTop, prepended])
  const checkRow = (row: number, isRange: boolean): void => {
    const id = list.at(row)?.id
    if (id === undefined) return
    if (isRange && anchor.current >= 0) void list.loadBetween(anchor.current, row).then((ids) => mail.check(ids, true))
    else mail.check([id])
    anchor.current = row
  }
  const open = (row: number, event: MouseEvent | KeyboardEvent): void => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return checkRow(row, event.shiftKey)
    const message = list.at(row)
    if (message) mail.open(message.id)
  }
  const onKeyDown = (event: KeyboardEvent): void => {
    const by = { ArrowDown: 1, ArrowUp: -1, PageDown: 10, PageUp: -10, Home: -list.count, End: list.count }[event.key]
    if (by !== undefined) void mail.step(by)
    else if (event.key === ' ' && active >= 0) checkRow(active, false)
    else return
    event.preventDefault()
  }
  const waiting = prepended - seen
  return (
    <div class="list-box" ref={box}>
      {waiting > 0 && !isAtTop && (
        <button
          type="button"
          class="new-chip"
          onClick={() => box.current?.querySelector('.virtual-list')?.scrollTo({ top: 0 })}
        >
          <Glyph icon={ArrowUp} size={14} />
          {t('mail.newMessages', { n: waiting })}
        </button>
      )}
      <VirtualList
        label={t('mail.list')}
        count={list.count}
        rowHeight={ROW_HEIGHT}
        active={active}
        prepended={prepended}
        initialOffset={Number(sessionStorage.getItem(key) ?? 0)}
        keyOf={(row) => list.at(row)?.id ?? `row ${row}`}
        isSelected={(row) => {
          const id = list.at(row)?.id
          return (
            id !== undefined && (isAllChecked || checked.size > 0 ? isAllChecked || checked.has(id) : id === openId)
          )
        }}
        classOf={(row) => (isAllChecked || checked.has(list.at(row)?.id ?? '') ? 'checked' : '')}
        row={(row) => (
          <Row
            message={list.at(row)}
            isChecked={isAllChecked || checked.has(list.at(row)?.id ?? '')}
            account={filter.account}
            isSent={filter.folder === 'Sent' || filter.folder === 'Drafts'}
            onCheck={(event) => {
              event.stopPropagation()
              checkRow(row, event.shiftKey)
            }}
          />
        )}
        onOpen={open}
        onKeyDown={onKeyDown}
        onRange={(first, last) => list.show(first, last)}
        onScroll={(offset) => {
          setAtTop(offset < ROW_HEIGHT / 2)
          sessionStorage.setItem(key, `${Math.round(offset)}`)
        }}
      />
    </div>
  )
}
