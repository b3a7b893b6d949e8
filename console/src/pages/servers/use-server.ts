import { useEffect, useState } from 'preact/hooks'
import { call, type OutputOf } from '../../api/client.ts'
import { type Problem, problemOf } from '../../api/problem.ts'
import type { Server } from './list.tsx'

/** The configuration that the lab uses, with all defaults. */
export type Settings = Readonly<Record<string, unknown>>

interface Loaded {
  readonly server: Server
  /** The settings of the virtual server. */
  readonly settings: Settings
  readonly configuration: OutputOf<'configuration.get'>
}

/** Reads a virtual server, its settings and the state of the configuration. */
export function useServer(id: string) {
  const [loaded, setLoaded] = useState<Loaded>()
  const [problem, setProblem] = useState<Problem>()
  const [attempts, setAttempts] = useState(0)
  useEffect(() => {
    Promise.all([call('virtualServers.get', { id }), call('configuration.get', {})]).then(
      ([server, configuration]) => {
        setProblem(undefined)
        const all = configuration.configuration.virtualServers as readonly Settings[]
        setLoaded({ server, configuration, settings: all.find(({ name }) => name === server.name) ?? {} })
      },
      (error) => setProblem(problemOf(error)),
    )
  }, [id, attempts])
  return { loaded, problem, again: () => setAttempts((count) => count + 1) }
}
