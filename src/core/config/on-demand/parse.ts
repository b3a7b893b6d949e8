import { type ProviderEvent, providerEvents } from '../schema/provider-events.ts'
import {
  type FeedbackType,
  feedbackTypes,
  type ReplyForm,
  type ReportAction,
  type ReportForm,
  replyForms,
  reportForms,
} from '../schema/report-words.ts'
import { duration } from '../schema/values.ts'
import { type Refusal, refusalOf } from './replies.ts'

/** A test's request. */
type Wish =
  /** A delivery report. */
  | { readonly kind: 'bounce'; readonly action: ReportAction; readonly refusal: Refusal; readonly form?: ReportForm }
  /** A refusal of the recipient. */
  | { readonly kind: 'refuse'; readonly refusal: Refusal }
  /** A spam complaint. */
  | { readonly kind: 'complaint'; readonly type: FeedbackType; readonly onlyHeader: boolean }
  /** An out-of-office reply. */
  | { readonly kind: 'vacation'; readonly form: ReplyForm }
  /** An event of the provider by whose API the message was sent. */
  | { readonly kind: 'event' }

/** A report that a test asks for. */
export type OnDemand = Wish & {
  /** The event that a provider reports, if the message was sent by its API. Absent: none. */
  readonly event?: ProviderEvent
  /** Default: `reports.delay`. */
  readonly delayMs?: number
}

/** Reports without a failure, and the replies in them. */
const REPORTED: Readonly<Record<Exclude<ReportAction, 'failed'>, readonly [Refusal, ProviderEvent]>> = {
  delayed: [{ code: 451, status: '4.4.1', text: 'The host does not answer' }, 'deferred'],
  delivered: [{ code: 250, status: '2.1.5', text: 'Delivered' }, 'delivered'],
  relayed: [{ code: 250, status: '2.1.5', text: 'Relayed' }, 'delivered'],
  expanded: [{ code: 250, status: '2.1.5', text: 'Sent on to the members of a list' }, 'delivered'],
}

/** Returns what a provider reports about a recipient that was refused. */
export const bounceEvent = ({ code }: Refusal): ProviderEvent => (code < 500 ? 'soft-bounced' : 'bounced')

const isOneOf = <Word extends string>(words: readonly Word[], text: string): text is Word =>
  (words as readonly string[]).includes(text)

/** Returns the form among the options, `undefined` without one, and `invalid` for an option that is unknown or repeated. */
function formOf<Word extends string>(forms: readonly Word[], options: readonly string[]): Word | undefined | 'invalid' {
  const [first, ...others] = options
  if (first === undefined) return undefined
  return others.length === 0 && isOneOf(forms, first) ? first : 'invalid'
}

type Parser = (argument: string, options: readonly string[]) => OnDemand | undefined

const PARSERS: ReadonlyMap<string, Parser> = new Map<string, Parser>([
  [
    'bounce',
    (argument, options) => {
      const form = formOf(reportForms, options)
      if (form === 'invalid') return undefined
      const withForm = form === undefined ? {} : { form }
      const refusal = refusalOf(argument)
      if (refusal) return { kind: 'bounce', action: 'failed', refusal, event: bounceEvent(refusal), ...withForm }
      const action = (Object.keys(REPORTED) as (keyof typeof REPORTED)[]).find((each) => each === argument)
      // qmail reports failures only.
      if (action === undefined || form === 'qmail') return undefined
      const [reply, event] = REPORTED[action]
      return { kind: 'bounce', action, refusal: reply, event, ...withForm }
    },
  ],
  [
    'refuse',
    (argument, options) => {
      const refusal = refusalOf(argument)
      return refusal && options.length === 0 ? { kind: 'refuse', refusal } : undefined
    },
  ],
  [
    'complaint',
    (argument, options) => {
      const form = formOf(['headers'], options)
      if (form === 'invalid' || !isOneOf(feedbackTypes, argument)) return undefined
      return { kind: 'complaint', type: argument, onlyHeader: form === 'headers', event: 'complained' }
    },
  ],
  [
    'vacation',
    (argument, options) => {
      const form = formOf(replyForms, argument === 'reply' ? options : [argument, ...options])
      return form === 'invalid' ? undefined : { kind: 'vacation', form: form ?? 'standard' }
    },
  ],
  [
    'event',
    (argument, options) =>
      isOneOf(providerEvents, argument) && options.length === 0 ? { kind: 'event', event: argument } : undefined,
  ],
])

/** The local part of an address: `bounce+5.1.1.postfix.30s`. The argument of a code may have periods. */
const FORM = /^(bounce|refuse|complaint|vacation|event)\+(\d\.\d{1,3}\.\d{1,3}|[a-z0-9-]+)((?:\.[a-z0-9-]+)*)$/i
const TIME = /^\d+(?:ms|s|m|h|d)$/

/** Parses what a test asks for: `bounce+550`, `bounce+5.1.1.postfix.30s`, `complaint+abuse`. Undefined: it is nothing of this kind. */
export function parseOnDemand(localPart: string): OnDemand | undefined {
  if (!localPart.includes('+')) return undefined
  const [, word = '', argument = '', rest = ''] = FORM.exec(localPart.toLowerCase()) ?? []
  const parse = PARSERS.get(word)
  if (!parse) return undefined
  const options = rest.split('.').slice(1)
  const times = options.filter((option) => TIME.test(option))
  const wish = parse(
    argument,
    options.filter((option) => !TIME.test(option)),
  )
  if (!wish || times.length > 1 || (wish.kind === 'refuse' && times.length > 0)) return undefined
  return times[0] === undefined ? wish : { ...wish, delayMs: duration.parse(times[0]) }
}
