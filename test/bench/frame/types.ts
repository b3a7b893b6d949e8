/** A running server, and how to reach and observe it. */
export interface Target {
  readonly host: string
  readonly port: number
  /** Port of its SMTP server, if `port` is another protocol's. */
  readonly smtpPort?: number
  readonly pop3Port?: number
  readonly nntpPort?: number
  readonly httpPort?: number
  /** Process id, if the benchmark started the server. */
  readonly pid?: number
  /** PEM of the authority that issued the server's certificate, if it speaks TLS. */
  readonly ca?: string
  /** A note from the server program, such as a measurement. */
  readonly note?: string
  /** The server sends no greeting. */
  readonly silent?: boolean
  /** The API of its HTTP server. */
  readonly api?: HttpApi
  /** Returns the CPU seconds that all processes of the server have used so far. */
  cpuSeconds(): number
  /** Returns the resident memory of all processes of the server, in octets. */
  memoryOctets(): number
  /** Removes the messages of earlier rounds, if the server can. */
  reset?(): Promise<void>
  /** Collects garbage. Only the server programs of `test/bench/programs/` can. */
  collect?(): Promise<void>
  /** Collects garbage, and returns the octets of the heap that are left. Only `console-lab` can. */
  heapOctets?(): Promise<number>
  stop(): Promise<void>
}

/** APIs that the benchmarks can call. Sealpost offers Mailpit's, too. */
export type HttpApi = 'sealpost' | 'mailpit' | 'maildev'

/** A server to compare. The first one of a suite is Sealpost, the others are its peers. */
export interface Contender {
  readonly name: string
  /** Returns why this contender cannot run here, or undefined. */
  missing?(): string | undefined
  /** Returns its version, for the report. */
  version?(): string
  start(): Promise<Target>
}

/** The work of each contender, driven by the same code. */
export interface Workload {
  readonly name: string
  /** The work, if several workloads do it in different shapes. Only the one that costs Sealpost most is reported. */
  readonly shapeOf?: string
  /** Messages of earlier rounds that count stay, so that the server holds more and more. */
  readonly keepsMessages?: boolean
  /** The name of the counted units, as a plural: `messages`. */
  readonly unit: string
  /** Returns whether a server can do this. Default: all can. */
  suits?(target: Target): boolean
  /**
   * Works until `performance.now()` reaches `untilMs`. Returns the number of units done.
   * @param took takes how long something took in milliseconds, for workloads whose latency counts
   */
  run(target: Target, untilMs: number, took: (ms: number) => void): Promise<number>
}

/** A suite that compares rates with the peers. */
export interface RateSuite {
  readonly kind: 'rates'
  readonly title: string
  /** Rounds before the first one that counts. Default: half a one. */
  readonly warmUps?: number
  readonly contenders: readonly Contender[]
  readonly workloads: readonly Workload[]
}

/** A suite of other measurements. It returns finished rows. */
export interface TableSuite {
  readonly kind: 'table'
  readonly title: string
  /** The other program that takes part, with its version. */
  readonly program?: () => string
  measure(options: BenchOptions): Promise<readonly Record<string, string>[]>
}

export type Suite = RateSuite | TableSuite

export interface BenchOptions {
  /** Only peers whose name contains this. */
  readonly peer?: string
  /** Only workloads whose name contains this. */
  readonly only?: string
  /** Also the sizes that take minutes and much memory. */
  readonly full?: boolean
  readonly rounds: number
  /** Length of each round of each contender. */
  readonly roundMs: number
}
