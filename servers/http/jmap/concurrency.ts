import type { JmapLimits } from '../../../src/core/config/schema/jmap.ts'
import { RequestError } from './request.ts'

/** Limits how many requests of an account run at the same time on this node. RFC 8620 section 3.6.1. */
export class Concurrency {
  readonly #limit: 'maxConcurrentRequests' | 'maxConcurrentUpload'
  readonly #running = new Map<string, number>()

  constructor(limit: 'maxConcurrentRequests' | 'maxConcurrentUpload') {
    this.#limit = limit
  }

  /** @throws RequestError `limit` */
  async run<T>(accountId: string, limits: JmapLimits, work: () => Promise<T>): Promise<T> {
    const running = this.#running.get(accountId) ?? 0
    const most = limits[this.#limit]
    if (running >= most) throw new RequestError('limit', `${running} requests run already; wait for one`, this.#limit)
    this.#running.set(accountId, running + 1)
    try {
      return await work()
    } finally {
      const left = (this.#running.get(accountId) ?? 1) - 1
      if (left === 0) this.#running.delete(accountId)
      else this.#running.set(accountId, left)
    }
  }
}
