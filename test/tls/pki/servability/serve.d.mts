import type { startLab as StartLab } from '../../../../src/testing/start-lab.ts'

interface Served {
  readonly name: string
  /** The versions of TLS, or `rejected`. */
  readonly served: string
  /** Why it is rejected, or which clients refuse it. */
  readonly words: readonly string[]
}

export function serveAll(startLab: typeof StartLab, folder: string, names: readonly string[]): Promise<Served[]>
