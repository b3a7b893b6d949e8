import { CalendarDays } from 'lucide-preact'
import { Badge } from '../../../components/badge.tsx'
import { Fact } from '../../../components/fact.tsx'
import { Glyph } from '../../../components/icon.tsx'
import { language } from '../../../state/preferences.ts'
import { t } from '../../../texts/index.ts'
import { type CalendarEvent, type CalendarTime, momentOf, parseCalendar } from './calendar.ts'

/** The answers of attendees that stand out. RFC 5545 section 3.2.12. */
const TONES: Readonly<Record<string, 'good' | 'bad' | 'warning'>> = {
  ACCEPTED: 'good',
  DECLINED: 'bad',
  TENTATIVE: 'warning',
}

/** An invitation or another calendar object as a card. */
export function CalendarCard({ text }: { readonly text: string }) {
  const { method, events } = parseCalendar(text)
  if (events.length === 0) return <p class="hint">{t('mail.noEvent')}</p>
  return (
    <>
      {events.map((event, index) => (
        <section key={index} class="calendar-card">
          <h3>
            <Glyph icon={CalendarDays} /> {event.summary || t('mail.noSubject')}
            {method && <Badge tone={method === 'CANCEL' ? 'bad' : 'accent'}>{method}</Badge>}
            {event.status && <Badge>{event.status}</Badge>}
            <Change method={method} event={event} />
          </h3>
          <dl class="facts beside">
            {event.start && <Fact name={t('mail.eventStart')}>{timeText(event.start)}</Fact>}
            {event.end && <Fact name={t('mail.eventEnd')}>{timeText(event.end)}</Fact>}
            {event.occurrence && <Fact name={t('mail.eventOccurrence')}>{timeText(event.occurrence)}</Fact>}
            {event.rule && (
              <Fact name={t('mail.eventRule')}>
                {ruleText(event.rule)} <code>{event.rule}</code>
              </Fact>
            )}
            {event.location && <Fact name={t('mail.eventPlace')}>{event.location}</Fact>}
            {event.organizer && <Fact name={t('mail.eventOrganizer')}>{event.organizer}</Fact>}
            {event.attendees.length > 0 && (
              <Fact name={t('mail.eventAttendees')}>
                <ul>
                  {event.attendees.map(({ name, answer }) => (
                    <li key={name}>
                      {name} {answer && <Badge tone={TONES[answer] ?? 'neutral'}>{answer}</Badge>}
                    </li>
                  ))}
                </ul>
              </Fact>
            )}
          </dl>
          {event.description && <p class="description">{event.description}</p>}
        </section>
      ))}
    </>
  )
}

/** Says that an event is cancelled, or changes an earlier invitation. RFC 5546 sections 3.2.2 and 3.2.5. */
function Change({ method, event }: { readonly method: string; readonly event: CalendarEvent }) {
  if (method === 'CANCEL' || event.status === 'CANCELLED') return <Badge tone="bad">{t('mail.eventCancelled')}</Badge>
  if (method !== 'REQUEST' || event.sequence === 0) return null
  return <Badge tone="warning">{t('mail.eventUpdate', { n: event.sequence })}</Badge>
}

/** Returns the frequency and the interval of a rule in words. Its other parts are few and readable. RFC 5545 section 3.3.10. */
function ruleText(rule: string): string {
  const unit = (/(?:^|;)FREQ=(DAI|WEEK|MONTH|YEAR)LY/.exec(rule)?.[1] ?? '') as keyof typeof UNITS | ''
  const n = Number(/(?:^|;)INTERVAL=(\d+)/.exec(rule)?.[1] ?? 1)
  return unit === '' ? '' : t(UNITS[unit], { n })
}

const UNITS = {
  DAI: 'mail.everyDay',
  WEEK: 'mail.everyWeek',
  MONTH: 'mail.everyMonth',
  YEAR: 'mail.everyYear',
} as const

/** Returns a time in its own zone, and in the browser's zone where that differs; a time in UTC in the browser's zone. */
function timeText({ value, zone }: CalendarTime): string {
  if (!value.includes('T')) {
    return new Date(`${value}T00:00:00`).toLocaleDateString(language.value, { dateStyle: 'full' })
  }
  const date = new Date(value)
  if (Number.isNaN(date.getTime())) return value
  const style = { dateStyle: 'full', timeStyle: 'short' } as const
  if (value.endsWith('Z')) return date.toLocaleString(language.value, { ...style, timeStyle: 'long' })
  // A time without a zone is local time. The digits are shown as they are.
  const written = date.toLocaleString(language.value, style)
  const here = momentOf({ value, zone })?.toLocaleString(language.value, { dateStyle: 'full', timeStyle: 'short' })
  const other = here === undefined || here === written ? '' : ` · ${t('mail.yourTime', { time: here })}`
  return `${written} ${zone ?? t('mail.localTime')}${other}`
}
