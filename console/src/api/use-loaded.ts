import { useEffect, useState } from 'preact/hooks'
import { type Problem, problemOf } from './problem.ts'

interface Loaded<T> {
  readonly value?: T
  readonly problem?: Problem
}

/** Loads something, again whenever `key` changes. What is shown never belongs to another key. */
export function useLoaded<T>(key: string, load: (signal: AbortSignal) => Promise<T>): Loaded<T> {
  const [loaded, setLoaded] = useState<Loaded<T> & { readonly key?: string }>({})
  useEffect(() => {
    const abort = new AbortController()
    load(abort.signal).then(
      (value) => abort.signal.aborted || setLoaded({ key, value }),
      (error) => abort.signal.aborted || setLoaded({ key, problem: problemOf(error) }),
    )
    return () => abort.abort()
  }, [key])
  return loaded.key === key ? loaded : {}
}
