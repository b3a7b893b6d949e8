import { call } from '../../../api/client.ts'
import { useLoaded } from '../../../api/use-loaded.ts'
import type { TabProps } from '../use-message.ts'
import { isCalendar, type PartFacts, PartPreview } from './part-preview.tsx'

/** The event of a message, above its text. RFC 6047 section 2.4 puts it beside the text, not among the attachments. */
export default function Invitation({ message: { id } }: TabProps) {
  const { value: part } = useLoaded(id, async (signal) => {
    const { parts } = await call('messages.structure', { id }, { signal })
    return (parts as readonly PartFacts[]).find(({ contentType }) => isCalendar(contentType))
  })
  return (
    part && (
      <div class="invitation">
        <PartPreview id={id} part={part} />
      </div>
    )
  )
}
