import { useEffect, useState } from 'preact/hooks'
import { call, type Schemas } from '../../api/client.ts'
import { onLive } from '../../api/live.ts'
import type { Problem } from '../../api/problem.ts'
import { useLoaded } from '../../api/use-loaded.ts'

export type Message = Schemas['Message']

/** The properties of each tab of a message. */
export interface TabProps {
  readonly message: Message
  /** Number of the part that holds the message, for a message in another. */
  readonly inside?: string | undefined
}

export const addressText = ({ name, address }: Schemas['Address']): string => (name ? `${name} <${address}>` : address)

interface Read {
  /** Stays while a change of it is read. */
  readonly message: Message | undefined
  readonly problem: Problem | undefined
  /** Whether it was deleted or moved while it was shown. */
  readonly isGone: boolean
  readonly again: () => void
}

/** Reads a message, and reads it again when it changes. */
export function useMessage(id: string): Read {
  const [changes, setChanges] = useState(0)
  const [goneId, setGoneId] = useState<string>()
  const { value, problem } = useLoaded(`${id} ${changes}`, (signal) => call('messages.get', { id }, { signal }))
  const [shown, setShown] = useState<Message>()
  const again = (): void => setChanges((count) => count + 1)
  useEffect(() => {
    if (value) setShown(value)
  }, [value])
  useEffect(
    () =>
      onLive(({ name, data }) => {
        if (data.id !== id) return
        if (name === 'message.changed') again()
        if (name === 'message.deleted') setGoneId(id)
      }),
    [id],
  )
  return { message: shown?.id === id ? shown : undefined, problem, isGone: goneId === id, again }
}
