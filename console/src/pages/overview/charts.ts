import { sizeText } from '../../components/size.ts'
import type { TextKey } from '../../texts/catalogue.ts'
import { formatNumber } from '../../texts/index.ts'
import { type Sample, sumOf, topOf, topOfOctets } from './samples.ts'

/** Colours are custom properties. Patterns tell series apart without them. */
export interface Series {
  readonly name: TextKey
  readonly colour: '--accent' | '--good' | '--warning' | '--bad' | '--text-low'
  readonly pattern: 'solid' | 'hatched' | 'dotted'
  readonly valueOf: (sample: Sample) => number
}

export interface Chart {
  readonly id: string
  readonly title: TextKey
  /** The page that shows more. */
  readonly path?: string
  /** - counts: bars for each minute, on top of each other. levels: lines through all samples. */
  readonly kind: 'counts' | 'levels'
  readonly series: readonly Series[]
  readonly format: (value: number) => string
  /** Returns the top of the scale for a greatest value. */
  readonly top: (greatest: number) => number
}

/** The console itself is an HTTP client: it would hide what else happens. */
const MAIL_AND_NEWS = ['smtp', 'pop3', 'imap4', 'nntp', 'lmtp', 'managesieve']

const counts = { kind: 'counts', format: formatNumber, top: (greatest: number) => topOf(greatest, 4) } as const
const milliseconds = (value: number): string => `${formatNumber(Math.round(value * 10) / 10)} ms`

export const charts: readonly Chart[] = [
  {
    ...counts,
    id: 'messages',
    title: 'overview.messages',
    path: '/mail',
    series: [
      { name: 'overview.mail', colour: '--accent', pattern: 'solid', valueOf: ({ messages }) => messages.mail ?? 0 },
      {
        name: 'overview.captured',
        colour: '--good',
        pattern: 'hatched',
        valueOf: ({ messages }) => messages.captured ?? 0,
      },
      { name: 'overview.news', colour: '--warning', pattern: 'dotted', valueOf: ({ messages }) => messages.news ?? 0 },
    ],
  },
  {
    ...counts,
    id: 'connections',
    title: 'overview.connections',
    path: '/sessions',
    series: [
      {
        name: 'overview.smtp',
        colour: '--accent',
        pattern: 'solid',
        valueOf: ({ connections }) => connections.smtp ?? 0,
      },
      {
        name: 'overview.readers',
        colour: '--good',
        pattern: 'hatched',
        valueOf: ({ connections }) => sumOf(connections, ['imap4', 'pop3']),
      },
      {
        name: 'overview.nntp',
        colour: '--warning',
        pattern: 'dotted',
        valueOf: ({ connections }) => connections.nntp ?? 0,
      },
    ],
  },
  {
    ...counts,
    id: 'handshakes',
    title: 'overview.handshakes',
    path: '/sessions',
    series: [
      {
        name: 'overview.completed',
        colour: '--good',
        pattern: 'solid',
        valueOf: ({ completedHandshakes }) => sumOf(completedHandshakes, MAIL_AND_NEWS),
      },
      {
        name: 'overview.failed',
        colour: '--bad',
        pattern: 'hatched',
        valueOf: ({ failedHandshakes }) => sumOf(failedHandshakes, MAIL_AND_NEWS),
      },
    ],
  },
  {
    ...counts,
    id: 'refusals',
    title: 'overview.refusals',
    path: '/sessions?failed=true',
    series: [
      {
        name: 'overview.refused',
        colour: '--bad',
        pattern: 'hatched',
        valueOf: ({ refusedSessions }) => sumOf(refusedSessions, MAIL_AND_NEWS),
      },
    ],
  },
  {
    id: 'memory',
    title: 'overview.memory',
    kind: 'levels',
    format: sizeText,
    top: topOfOctets,
    series: [
      {
        name: 'overview.process',
        colour: '--accent',
        pattern: 'solid',
        valueOf: ({ memory }) => memory.residentOctets,
      },
      { name: 'overview.heap', colour: '--good', pattern: 'hatched', valueOf: ({ memory }) => memory.heapOctets },
      {
        name: 'overview.clients',
        colour: '--warning',
        pattern: 'dotted',
        valueOf: ({ memory }) => memory.clientOctets,
      },
    ],
  },
  {
    id: 'delay',
    title: 'overview.delay',
    kind: 'levels',
    format: milliseconds,
    top: (greatest) => topOf(greatest, 10),
    series: [
      {
        name: 'overview.longest',
        colour: '--accent',
        pattern: 'solid',
        valueOf: ({ eventLoopDelay }) => eventLoopDelay.maxMs,
      },
      {
        name: 'overview.mean',
        colour: '--good',
        pattern: 'hatched',
        valueOf: ({ eventLoopDelay }) => eventLoopDelay.meanMs,
      },
    ],
  },
]
