import { describe, expect, it } from 'vitest'
import { timelineOf } from '../../console/src/pages/sessions/timeline.ts'
import type { Entry, Session } from '../../console/src/pages/sessions/types.ts'

const later = (ms: number): string => new Date(1_000 + ms).toISOString()
const line = (ms: number, direction: 'in' | 'out', text: string): Entry => ({
  kind: 'line',
  at: later(ms),
  encrypted: false,
  direction,
  text,
})
const session = { startedAt: later(0), endedAt: later(90) } as Session

describe('the timeline of a session', () => {
  it('has the steps that happened, in the order of time', () => {
    const entries: Entry[] = [
      line(1, 'out', '220 ready'),
      line(5, 'in', 'EHLO app'),
      line(9, 'in', 'STARTTLS'),
      { kind: 'note', at: later(20), encrypted: true, text: 'TLS: TLSv1.3 TLS_AES_256_GCM_SHA384 (256 bits)' },
      line(30, 'in', 'AUTH PLAIN ***'),
      { kind: 'octets', at: later(60), encrypted: true, direction: 'in', octets: 7 },
    ]
    expect(timelineOf(session, entries).map(({ name, ms }) => `${name} ${ms}`)).toEqual([
      ...[
        'connected 0',
        'greeting 1',
        'commands 5',
        'starttls 9',
        'handshake 20',
        'logOn 30',
        'message 60',
        'ended 90',
      ],
    ])
  })

  it('does not say that a failed outgoing connection was connected', () => {
    const failed = { ...session, direction: 'out', localPort: 0 } as Session
    expect(timelineOf(failed, []).map(({ name }) => name)).toEqual(['notConnected', 'ended'])
  })

  it('begins with the handshake where TLS does, and has no end while the session is open', () => {
    const entries: Entry[] = [
      { kind: 'note', at: later(3), encrypted: true, text: 'TLS: TLSv1.2' },
      line(4, 'out', '* OK ready'),
      line(6, 'in', 'a LOGIN bob ***'),
    ]
    const open = { startedAt: later(0) } as Session
    expect(timelineOf(open, entries).map(({ name }) => name)).toEqual([
      ...['connected', 'handshake', 'greeting', 'logOn', 'commands'],
    ])
  })
})
