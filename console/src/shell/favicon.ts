import { effect } from '@preact/signals'
import { urlOf } from '../base.ts'
import { unreadMail } from '../state/folders.ts'

const link = document.querySelector<HTMLLinkElement>('link[rel=icon]')
const plain = urlOf('icon.svg')
let drawn: Promise<string> | undefined

// The icon of the tab shows how many messages are unread.
effect(() => {
  const count = unreadMail.value
  if (!link) return
  if (count === 0) {
    link.href = plain
    return
  }
  drawn ??= fetch(plain).then((answer) => answer.text())
  drawn.then(
    (svg) => {
      if (count === unreadMail.peek()) link.href = `data:image/svg+xml,${encodeURIComponent(withBadge(svg, count))}`
    },
    // The title has the count, too.
    () => {
      drawn = undefined
    },
  )
})

/** Adds a count to the icon, in its upper right corner. */
function withBadge(svg: string, count: number): string {
  const text = count > 99 ? '99+' : `${count}`
  const width = 10 + 6 * text.length
  const badge = [
    `<rect x="${32 - width}" width="${width}" height="17" rx="8.500" fill="#c0262d"/>`,
    `<text x="${32 - width / 2}" y="13" font-family="sans-serif" font-size="12" font-weight="700" text-anchor="middle" fill="#fff">${text}</text>`,
  ]
  return svg.replace(/<\/svg>\s*$/, `${badge.join('')}</svg>`)
}
