import { useCallback, useEffect, useState } from 'preact/hooks'
import { call } from '../../api/client.ts'
import { onLive, reconnects } from '../../api/live.ts'
import { type Problem, problemOf } from '../../api/problem.ts'
import type { Certificate, PendingRequest, VirtualServer } from './facts.ts'

/** What the pages of the certificates are about. */
export interface Held {
  readonly certificates: readonly Certificate[]
  readonly requests: readonly PendingRequest[]
  readonly servers: readonly VirtualServer[]
}

/** Events after which certificates may differ. */
const CHANGES = ['certificate.changed', 'request.queued', 'configuration.reloaded', 'lab.reset']

/** Reads the certificates, the pending requests and the virtual servers, and reads them again when they change. */
export function useCertificates() {
  const [held, setHeld] = useState<Held>()
  const [problem, setProblem] = useState<Problem>()
  const [attempts, setAttempts] = useState(0)
  const again = useCallback(() => setAttempts((count) => count + 1), [])
  useEffect(() => onLive(({ name }) => CHANGES.includes(name) && again()), [again])
  useEffect(() => {
    let isLatest = true
    Promise.all([call('certificates.list', {}), call('requests.list', {}), call('virtualServers.list', {})]).then(
      ([certificates, requests, servers]) => {
        if (!isLatest) return
        setProblem(undefined)
        setHeld({
          certificates: certificates.items as unknown as Certificate[],
          requests: requests.items as unknown as PendingRequest[],
          servers: servers.items,
        })
      },
      (error) => isLatest && setProblem(problemOf(error)),
    )
    return () => {
      isLatest = false
    }
  }, [attempts, reconnects.value])
  return { held, problem, again, attempts }
}
