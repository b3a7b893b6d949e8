import { useLayoutEffect, useRef, useState } from 'preact/hooks'
import { urlTo } from '../../../api/client.ts'
import { t } from '../../../texts/index.ts'

/** Widths of the windows of mail programs, in CSS pixels. `full`: all that there is. */
export const widths = [375, 600, 768, 1024, 'full'] as const
export type Width = (typeof widths)[number]

/** The colours of the preview; `both`: side by side. */
export type Look = 'light' | 'dark' | 'both'

/** Between two previews. */
const GAP_PX = 8

interface PreviewProps {
  readonly id: string
  readonly inside?: string | undefined
  /** Id of remote images to show. */
  readonly remote?: string | undefined
  readonly title: string
  readonly width: Width
  readonly look: Look
}

/** A message in frames of a width, which are scaled to the room that there is. */
export function Preview({ id, inside, remote, title, width, look }: PreviewProps) {
  const box = useRef<HTMLDivElement>(null)
  const [room, setRoom] = useState<{ readonly width: number; readonly height: number }>()
  useLayoutEffect(() => {
    const element = box.current
    if (!element) return
    const observer = new ResizeObserver(() => setRoom({ width: element.clientWidth, height: element.clientHeight }))
    observer.observe(element)
    return () => observer.disconnect()
  }, [])
  const schemes = look === 'both' ? (['light', 'dark'] as const) : [look]
  const available = room && (room.width - GAP_PX * (schemes.length - 1)) / schemes.length
  const wide = width === 'full' ? available : width
  const scale = available && wide ? Math.min(1, available / wide) : 1
  return (
    <div class="frame-box" ref={box}>
      {room &&
        wide &&
        schemes.map((scheme) => (
          <div key={scheme} class="frame" style={{ width: `${wide * scale}px`, height: `${room.height}px` }}>
            <iframe
              title={schemes.length > 1 ? `${title} (${t(`mail.${scheme}`)})` : title}
              sandbox="allow-popups allow-popups-to-escape-sandbox"
              src={urlTo('messages.html', { id, inside, scheme, remote })}
              style={{ width: `${wide}px`, height: `${room.height / scale}px`, transform: `scale(${scale})` }}
              referrerpolicy="no-referrer"
            />
          </div>
        ))}
    </div>
  )
}
