import type { ComponentChildren } from 'preact'
import { useId, useLayoutEffect, useRef, useState } from 'preact/hooks'

interface VirtualListProps {
  readonly label: string
  readonly count: number
  /** Height of every row, in CSS pixels. */
  readonly rowHeight: number
  readonly row: (index: number) => ComponentChildren
  /** Stays the same for a row that moves. */
  readonly keyOf: (index: number) => string
  readonly classOf?: (index: number) => string
  readonly isSelected: (index: number) => boolean
  /** The row of the cursor. It is scrolled into view when it changes; -1: none. */
  readonly active: number
  /** Rows that were put before the first one so far. What is visible stays where it is, unless the list is at its top. */
  readonly prepended?: number
  readonly onOpen: (index: number, event: MouseEvent | KeyboardEvent) => void
  readonly onKeyDown?: (event: KeyboardEvent) => void
  /** Called with the first and the last row that are in the document. */
  readonly onRange?: (first: number, last: number) => void
  readonly onScroll?: (offset: number) => void
  readonly initialOffset?: number
  /** Makes a tree of the list: the level of a row, from 1, and whether it is expanded, if it has rows below it. */
  readonly treeOf?: (index: number) => { readonly level: number; readonly isExpanded?: boolean | undefined }
}

/** Rows above and below those that are visible. */
const OVERSCAN = 8

/** A list box or tree of rows of one height, which keeps only the visible ones in the document. */
export function VirtualList(props: VirtualListProps) {
  const { label, count, rowHeight, row, keyOf, isSelected, active, prepended = 0, onRange, treeOf } = props
  const id = useId()
  const box = useRef<HTMLDivElement>(null)
  const [height, setHeight] = useState(800)
  const [offset, setOffset] = useState(props.initialOffset ?? 0)
  const known = useRef(prepended)
  const isAtTop = offset < rowHeight / 2
  // The rows of the frame that is drawn now must be those after the correction of the offset below.
  const shift = isAtTop ? 0 : (prepended - known.current) * rowHeight
  const top = offset + shift
  const first = Math.max(0, Math.floor(top / rowHeight) - OVERSCAN)
  const last = Math.min(count - 1, Math.ceil((top + height) / rowHeight) + OVERSCAN)

  useLayoutEffect(() => {
    const element = box.current as HTMLDivElement
    element.scrollTop = props.initialOffset ?? 0
    const observer = new ResizeObserver(() => setHeight(element.clientHeight))
    observer.observe(element)
    return () => observer.disconnect()
  }, [])
  useLayoutEffect(() => {
    known.current = prepended
    if (shift === 0 || !box.current) return
    box.current.scrollTop += shift
    setOffset(box.current.scrollTop)
  }, [prepended])
  useLayoutEffect(() => {
    const element = box.current
    if (!element || active < 0) return
    const start = active * rowHeight
    if (start < element.scrollTop) element.scrollTop = start
    else if (start + rowHeight > element.scrollTop + element.clientHeight)
      element.scrollTop = start + rowHeight - element.clientHeight
    // New rows above it move the row, and are no reason to scroll to it.
  }, [active < 0 ? '' : keyOf(active)])
  useLayoutEffect(() => onRange?.(first, last), [first, last, count])

  const aria = {
    'aria-label': label,
    'aria-activedescendant': active >= first && active <= last ? `${id}-${active}` : undefined,
  }
  const indexes = Array.from({ length: Math.max(0, last - first + 1) }, (_, at) => first + at)
  return (
    <div
      ref={box}
      class="virtual-list"
      {...(treeOf ? { role: 'tree' } : { role: 'listbox', 'aria-multiselectable': true })}
      {...aria}
      tabIndex={0}
      onKeyDown={props.onKeyDown}
      onScroll={(event) => {
        setOffset(event.currentTarget.scrollTop)
        props.onScroll?.(event.currentTarget.scrollTop)
      }}
    >
      <div role="presentation" class="virtual-rows" style={{ height: `${count * rowHeight}px` }}>
        {indexes.map((index) => (
          <div
            key={keyOf(index)}
            id={`${id}-${index}`}
            {...(treeOf ? treeItem(treeOf(index)) : listItem(index, count))}
            {...{ 'aria-selected': isSelected(index) }}
            class={`virtual-row ${index === active ? 'active' : ''} ${props.classOf?.(index) ?? ''}`}
            style={{ height: `${rowHeight}px`, transform: `translateY(${index * rowHeight}px)` }}
            onClick={(event) => props.onOpen(index, event)}
          >
            {row(index)}
          </div>
        ))}
      </div>
    </div>
  )
}

const listItem = (index: number, count: number) =>
  ({ role: 'option', 'aria-posinset': index + 1, 'aria-setsize': count }) as const

const treeItem = ({ level, isExpanded }: ReturnType<NonNullable<VirtualListProps['treeOf']>>) =>
  ({ role: 'treeitem', 'aria-level': level, 'aria-expanded': isExpanded }) as const
