import { elementScroll, observeElementOffset, observeElementRect, Virtualizer } from '@tanstack/virtual-core'
import type { ComponentChildren } from 'preact'
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks'

interface VirtualListProps {
  readonly label: string
  readonly count: number
  /** Height of every row, in CSS pixels. */
  readonly rowHeight: number
  /** Renders a row. It is placed by this component. */
  readonly row: (index: number) => ComponentChildren
  /** Stays the same for a row that moves. */
  readonly keyOf: (index: number) => string | number
  /** The row that must be visible. */
  readonly active?: number | undefined
  /** Called with the first and the last row that are in the document. */
  readonly onRange?: (first: number, last: number) => void
  readonly onScroll?: (offset: number) => void
  readonly initialOffset?: number
  /** Gets the scrolled element. */
  readonly boxRef?: (box: HTMLElement | null) => void
}

/** Rows around those that are visible. */
const OVERSCAN = 8

/** A list that keeps only its visible rows in the document. Its rows are options of a list box. */
export function VirtualList(props: VirtualListProps) {
  const { label, count, rowHeight, row, keyOf, active, onRange, onScroll, initialOffset = 0, boxRef } = props
  const box = useRef<HTMLDivElement>(null)
  const [, render] = useState({})
  const latest = useRef(props)
  latest.current = props
  const [list] = useState(
    () =>
      new Virtualizer<HTMLDivElement, HTMLDivElement>({
        count,
        getScrollElement: () => box.current,
        estimateSize: () => latest.current.rowHeight,
        getItemKey: (index) => latest.current.keyOf(index),
        overscan: OVERSCAN,
        initialOffset,
        scrollToFn: elementScroll,
        observeElementRect,
        observeElementOffset,
        onChange: () => render({}),
      }),
  )
  list.setOptions({ ...list.options, count, estimateSize: () => rowHeight, getItemKey: keyOf })
  useLayoutEffect(() => {
    const end = list._didMount()
    if (box.current && initialOffset > 0) box.current.scrollTop = initialOffset
    return end
  }, [list])
  useLayoutEffect(() => list._willUpdate())
  useEffect(() => {
    if (active !== undefined && active >= 0) list.scrollToIndex(active, { align: 'auto' })
  }, [active, list])
  const items = list.getVirtualItems()
  const [first, last] = [items[0]?.index ?? 0, items.at(-1)?.index ?? 0]
  useEffect(() => onRange?.(first, last), [first, last, count])
  return (
    <div
      ref={(element) => {
        box.current = element
        boxRef?.(element)
      }}
      class="virtual-list"
      onScroll={(event) => onScroll?.(event.currentTarget.scrollTop)}
    >
      <div role="listbox" aria-label={label} class="virtual-rows" style={{ height: `${count * rowHeight}px` }}>
        {items.map(({ index, key, start }) => (
          <div
            key={key as string}
            class="virtual-row"
            style={{ height: `${rowHeight}px`, transform: `translateY(${start}px)` }}
          >
            {row(index)}
          </div>
        ))}
      </div>
    </div>
  )
}
