import { useState } from 'preact/hooks'
import { urlTo } from '../../../api/client.ts'
import { Button } from '../../../components/button.tsx'
import { Glyph } from '../../../components/icon.tsx'
import { sizeText } from '../../../components/size.ts'
import { t } from '../../../texts/index.ts'
import type { TabProps } from '../use-message.ts'
import { iconOf, isCalendar, PartDownload, PartPreview } from './part-preview.tsx'

/** Returns whether a preview shows this type better than a download. PDF is for the browser's own viewer. */
const hasPreview = (contentType: string): boolean => !/^(?:application|font)\/(?!json|xml)/.test(contentType)

/** The files of a message: images, calendars and messages immediately, others when asked. */
export default function AttachmentsTab({ message: { id, attachments } }: TabProps) {
  const [opened, setOpened] = useState<ReadonlySet<string>>(new Set())
  return (
    <ul class="attachments padded">
      {attachments.map((one) => {
        const isImage = /^image\/(?:png|jpeg|gif|webp|avif|bmp)$/.test(one.contentType)
        const isOpen = opened.has(one.part) || isCalendar(one.contentType)
        return (
          <li key={one.part}>
            <div class="attachment">
              {isImage ? (
                <img class="thumbnail" src={urlTo('messages.part', { id, part: one.part })} alt="" loading="lazy" />
              ) : (
                <span class="thumbnail">
                  <Glyph icon={iconOf(one.contentType)} size={24} />
                </span>
              )}
              <div class="name">
                <strong title={one.filename ?? undefined} dir="auto">
                  {one.filename ?? t('mail.unnamed')}
                </strong>
                <span class="hint">
                  {one.contentType} · {sizeText(one.sizeOctets)}
                  {one.disposition === 'inline' && ` · ${t('mail.inline')}`}
                  {one.cid !== null && ` · cid:${one.cid}`}
                </span>
              </div>
              {hasPreview(one.contentType) && !isCalendar(one.contentType) && (
                <Button
                  aria-expanded={isOpen}
                  onClick={() => {
                    const next = new Set(opened)
                    if (!next.delete(one.part)) next.add(one.part)
                    setOpened(next)
                  }}
                >
                  {isOpen ? t('mail.hidePreview') : t('mail.preview')}
                </Button>
              )}
              <PartDownload id={id} part={one} />
            </div>
            {isOpen && <PartPreview id={id} part={one} />}
          </li>
        )
      })}
    </ul>
  )
}
