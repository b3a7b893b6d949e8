import type { ComponentChildren } from 'preact'
import { useState } from 'preact/hooks'
import { remember, remembered } from '../state/preferences.ts'

interface SplitPaneProps {
  /** Under which the width is remembered. */
  readonly name: string
  readonly label: string
  /** Widths of the first pane, in CSS pixels. */
  readonly width: number
  readonly min: number
  readonly max: number
  readonly children: readonly [ComponentChildren, ComponentChildren]
}

const STEP = 16

/** Two panes with a separator that mouse, touch and arrow keys move. */
export function SplitPane({ name, label, width: missing, min, max, children: [first, second] }: SplitPaneProps) {
  const [width, setWidth] = useState(remembered(`width.${name}`, missing))
  const to = (wanted: number): number => {
    const next = Math.round(Math.max(min, Math.min(max, wanted)))
    setWidth(next)
    return next
  }
  const drag = (event: PointerEvent): void => {
    const handle = event.currentTarget as HTMLElement
    const start = event.clientX - width
    handle.setPointerCapture(event.pointerId)
    handle.onpointermove = ({ clientX }) => void to(clientX - start)
    handle.onlostpointercapture = () => {
      handle.onpointermove = null
    }
  }
  return (
    <div class="split">
      <div class="split-first" style={{ '--width': `${width}px` }}>
        {first}
      </div>
      <div
        role="separator"
        aria-orientation="vertical"
        aria-label={label}
        aria-valuenow={width}
        aria-valuemin={min}
        aria-valuemax={max}
        tabIndex={0}
        class="split-handle"
        onPointerDown={drag}
        onPointerUp={() => remember(`width.${name}`, width)}
        onKeyDown={(event) => {
          const by = { ArrowLeft: -STEP, ArrowRight: STEP }[event.key]
          if (by === undefined) return
          event.preventDefault()
          remember(`width.${name}`, to(width + by))
        }}
      />
      <div class="split-second">{second}</div>
    </div>
  )
}
