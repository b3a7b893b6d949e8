import { useCallback, useEffect, useRef, useState } from 'preact/hooks'
import { type LiveEvent, onLive, reconnects } from './live.ts'
import { type Problem, problemOf } from './problem.ts'

/** Events in a burst cause one request. */
const GATHER_MS = 200

/** The answer. It stays while it is read again. */
export interface Live<T> {
  readonly value?: T
  readonly problem?: Problem | undefined
  /** How often it was read. */
  readonly reads: number
  /** Reads it again. */
  readonly again: () => Promise<void>
}

/**
 * Reads data of the lab, and reads them again after events that may have changed them.
 * @param read called with the latest props of the component
 * @param isChange whether an event may have changed the data
 * @param key what is read. When it changes, `read` is called immediately
 */
export function useLive<T>(read: () => Promise<T>, isChange: (event: LiveEvent) => boolean, key = ''): Live<T> {
  const [found, setFound] = useState<Omit<Live<T>, 'again'>>({ reads: 0 })
  const latest = useRef({ read, isChange })
  latest.current = { read, isChange }
  const reads = useRef(0)
  const again = useCallback(async (): Promise<void> => {
    const own = ++reads.current
    // An answer that is overtaken by a later read, or by the end of the component, is dropped.
    const set = (change: (before: Omit<Live<T>, 'again'>) => Omit<Live<T>, 'again'>): void => {
      if (own === reads.current) setFound(change)
    }
    await latest.current.read().then(
      (value) => set(() => ({ value, reads: own })),
      (error) => set((before) => ({ ...before, problem: problemOf(error), reads: own })),
    )
  }, [])
  useEffect(() => void again(), [again, key, reconnects.value])
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined
    const stop = onLive((event) => {
      if (!latest.current.isChange(event)) return
      timer ??= setTimeout(() => {
        timer = undefined
        void again()
      }, GATHER_MS)
    })
    return () => {
      stop()
      clearTimeout(timer)
      reads.current++
    }
  }, [again])
  return { ...found, again }
}
