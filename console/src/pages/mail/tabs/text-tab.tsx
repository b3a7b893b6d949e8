import { useMemo } from 'preact/hooks'
import { CopyButton } from '../../../components/copy-button.tsx'
import { t } from '../../../texts/index.ts'
import type { TabProps } from '../use-message.ts'

const LINK = /\bhttps?:\/\/[^\s<>"]+[^\s<>".,;:!?)\]}']/g

/** The plain text. Its links open in another tab. */
export default function TextTab({ message: { text } }: TabProps) {
  const parts = useMemo(() => {
    const found: preact.ComponentChild[] = []
    let at = 0
    for (const { 0: link, index } of text.matchAll(LINK)) {
      found.push(
        text.slice(at, index),
        <a key={index} href={link} target="_blank" rel="noopener noreferrer">
          {link}
        </a>,
      )
      at = index + link.length
    }
    return [...found, text.slice(at)]
  }, [text])
  if (text === '') return <p class="hint padded">{t('mail.noText')}</p>
  return (
    <div class="text-tab">
      <CopyButton text={text} />
      <pre tabIndex={0} class="each-paragraph">
        {parts}
      </pre>
    </div>
  )
}
