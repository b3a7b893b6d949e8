/** A server that is running, and how to reach and observe it. */
export interface Target {
  readonly host: string
  readonly port: number
  /** Of what the bench has started itself. */
  readonly pid?: number
  /** PEM of the authority that issued the server's certificate, where it speaks TLS. */
  readonly ca?: string
  /** What the server program had to say. */
  readonly note?: string
  /** It says nothing before the client does. */
  readonly silent?: boolean
  /** CPU seconds used so far by the server with all its processes. */
  cpuSeconds(): number
  /** Resident memory of the server with all its processes. */
  memoryOctets(): number
  /** Makes the server forget what earlier rounds brought, where it can. */
  reset?(): Promise<void>
  /** Collects garbage, in the servers that are programs of the bench. */
  collect?(): Promise<void>
  stop(): Promise<void>
}

/** One of those compared. The first of a suite is Sealpost, the others its peers. */
export interface Contender {
  readonly name: string
  /** Why it cannot be had here; undefined where it can. */
  missing?(): string | undefined
  start(): Promise<Target>
}

/** What is done to each contender, by the same code. */
export interface Workload {
  readonly name: string
  /** What is counted, in the plural: `messages`. */
  readonly unit: string
  /** Works until `performance.now()` reaches `untilMs`. Returns how many units were done. */
  run(target: Target, untilMs: number): Promise<number>
}

/** Rates against the peers. */
export interface RateSuite {
  readonly kind: 'rates'
  readonly title: string
  readonly contenders: readonly Contender[]
  readonly workloads: readonly Workload[]
}

/** Anything else that is measured: rows as they are to be shown. */
export interface TableSuite {
  readonly kind: 'table'
  readonly title: string
  measure(options: BenchOptions): Promise<readonly Record<string, string>[]>
}

export type Suite = RateSuite | TableSuite

export interface BenchOptions {
  /** Only peers with this in their name. */
  readonly peer?: string
  /** Only workloads with this in their name. */
  readonly only?: string
  readonly rounds: number
  /** How long each round of each contender lasts. */
  readonly roundMs: number
}
