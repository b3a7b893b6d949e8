import { useEffect, useState } from 'preact/hooks'
import { call } from '../../api/client.ts'
import { useLive } from '../../api/use-live.ts'
import type { Entry, Session } from './types.ts'

/** A session with its transcript. */
export type Whole = Session & { readonly transcript: readonly Entry[] }

/** Longest wait for a line in one request. */
const WAIT = '8s'

/** Reads a session and its handshake. While the session is open, its lines arrive as they happen. */
export function useSession(id: string) {
  const { value, problem, again } = useLive(
    async () => {
      const [whole, handshake, servers] = await Promise.all([
        call('sessions.get', { id }),
        call('sessions.handshake', { id }),
        // Accounts and tenants see their own sessions, but not the virtual servers.
        call('virtualServers.list', {}).catch(() => undefined),
      ])
      const session = whole as unknown as Whole
      return { session, handshake, server: servers?.items.find(({ name }) => name === session.virtualServer) }
    },
    ({ data }) => (data.session as { readonly id?: string } | undefined)?.id === id,
  )
  const read = value?.session
  const [grown, setGrown] = useState<{ readonly read: Whole; readonly session: Whole }>()
  useEffect(() => {
    // The requests of this page can be those of an HTTP session: each would be followed by the next one.
    if (!read || read.endedAt !== undefined || read.protocol === 'http') return
    const leaving = new AbortController()
    follow(read, leaving.signal, (session) => {
      setGrown({ read, session })
      if (!read.tls !== !session.tls) void again()
    }).catch(() => {
      // The lab is away, or the session is forgotten. Both are read again when the lab is reached.
      setGrown(undefined)
    })
    return () => leaving.abort()
  }, [read])
  if (!value || !read) return { problem, again }
  const session = grown?.read === read ? grown.session : read
  const isFollowed = session.endedAt === undefined && session.protocol !== 'http'
  return { value: { ...value, session, isFollowed }, problem, again }
}

/** Calls `grew` with the session each time that it has further lines, until it ends. */
async function follow(read: Whole, signal: AbortSignal, grew: (session: Whole) => void): Promise<void> {
  let session = read
  while (session.endedAt === undefined && !signal.aborted) {
    const from = session.transcript.length
    const answer = await call('sessions.get', { id: read.id, from, wait: WAIT }, { signal })
    const further = answer as unknown as Whole & { readonly from: number }
    if (further.transcript.length === 0 && further.endedAt === undefined) continue
    session = { ...further, transcript: [...session.transcript.slice(0, further.from), ...further.transcript] }
    if (!signal.aborted) grew(session)
  }
}
