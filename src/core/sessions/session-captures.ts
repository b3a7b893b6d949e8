import type { SocketAddress } from '../network/ip-address.ts'
import type { MemoryBudget } from '../octets/memory-budget.ts'
import type { Clock } from '../time/clock.ts'
import type { TrafficRecorder } from './capture.ts'
import { CapturedConnection } from './captured-connection.ts'
import { fileHeader, packetBlock, secretsBlock } from './pcapng.ts'

/** The share of the memory that one session can take. What follows is not recorded. */
const SESSION_SHARE = 1 / 4

/** The packets of one session. */
interface Recording {
  readonly connection: CapturedConnection
  readonly packets: Buffer[]
  /** Lines of an NSS key log. */
  readonly secrets: Buffer[]
  octets: number
  /** Packets are missing, so that none follows. */
  isFull: boolean
}

/** The packets of the latest sessions, in memory. The oldest sessions are dropped first. */
export class SessionCaptures {
  readonly #clock: Clock
  readonly #memory: MemoryBudget
  readonly #recordings = new Map<string, Recording>()
  /** Memory of all sessions together, in octets. */
  maxOctets = 0
  #octets = 0

  constructor(clock: Clock, memory: MemoryBudget) {
    this.#clock = clock
    this.#memory = memory
    memory.addDroppable({ drop: (octets) => this.#dropTo(this.#octets - octets) })
  }

  /** Returns what records connections here. @param secrets whether to keep TLS secrets */
  recorder(secrets: boolean): TrafficRecorder {
    return { open: (client, server, session) => this.#open(client, server, { session, secrets }) }
  }

  /** Returns whether something of a session is kept. */
  has(session: string): boolean {
    return this.#recordings.has(session)
  }

  /** Returns the pcapng file of a session, of an open one as far as it is; undefined if nothing of it is kept. */
  read(session: string): Buffer | undefined {
    const recording = this.#recordings.get(session)
    if (!recording) return undefined
    const { connection, packets, secrets } = recording
    connection.flush()
    return Buffer.concat([
      fileHeader('Sealpost'),
      ...(secrets.length > 0 ? [secretsBlock(Buffer.concat(secrets))] : []),
      ...packets,
    ])
  }

  delete(session: string): void {
    const recording = this.#recordings.get(session)
    if (!recording) return
    this.#recordings.delete(session)
    this.#octets -= recording.octets
    this.#memory.give('captures', recording.octets)
  }

  clear(): void {
    this.#dropTo(0)
  }

  #open(
    client: SocketAddress,
    server: SocketAddress,
    { session, secrets }: { readonly session: string; readonly secrets: boolean },
  ): CapturedConnection {
    const kept: Buffer[] = []
    const connection = new CapturedConnection(client, server, {
      packet: (ip) => this.#add(session, packetBlock(ip, this.#clock.now())),
      secret: (line) => {
        if (secrets) kept.push(line)
      },
      closed: () => {},
    })
    this.#recordings.set(session, { connection, packets: [], secrets: kept, octets: 0, isFull: false })
    connection.begin()
    return connection
  }

  #add(session: string, block: Buffer): void {
    const recording = this.#recordings.get(session)
    if (!recording || recording.isFull) return
    recording.isFull = recording.octets + block.length > this.maxOctets * SESSION_SHARE
    if (recording.isFull) return
    recording.packets.push(block)
    recording.octets += block.length
    this.#octets += block.length
    this.#memory.hold('captures', block.length)
    if (this.#octets > this.maxOctets) this.#dropTo(this.maxOctets)
  }

  #dropTo(limit: number): void {
    for (const session of this.#recordings.keys()) {
      if (this.#octets <= limit) return
      this.delete(session)
    }
  }
}
