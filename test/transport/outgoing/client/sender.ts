import { connector as connectorSchema } from '../../../../src/core/config/schema/connector.ts'
import { type FaultInput, fault } from '../../../../src/core/config/schema/fault.ts'
import { describeTranscript } from '../../../../src/core/sessions/describe.ts'
import { SessionLog } from '../../../../src/core/sessions/log.ts'
import type { SessionRecord } from '../../../../src/core/sessions/types.ts'
import { systemClock } from '../../../../src/core/time/clock.ts'
import { FaultRules } from '../../../../src/net/faults/fault-rules.ts'
import { SmtpClient } from '../../../../src/transport/outgoing/client/client.ts'
import type { ClientServices } from '../../../../src/transport/outgoing/client/services.ts'
import { standardTimeouts } from '../../../../src/transport/outgoing/client/timeouts.ts'
import type {
  Attempt,
  AttemptResult,
  NextHop,
  OutgoingEnvelope,
  RecipientResult,
  ResolvedConnector,
} from '../../../../src/transport/outgoing/types.ts'

export const MESSAGE = 'From: <a@lab.test>\r\nTo: <b@example.test>\r\nSubject: Hello\r\n\r\nHello.\r\n.dotted\r\n'

/** The client of a lab without the lab. */
export class Sender implements AsyncDisposable {
  readonly sessions = new SessionLog(systemClock)
  readonly faults = new FaultRules(1)
  readonly client: SmtpClient

  constructor(services: Partial<ClientServices> = {}) {
    this.client = new SmtpClient({
      hostname: () => 'lab.test',
      sessions: this.sessions,
      faults: this.faults,
      roots: async () => [],
      identity: async () => Promise.reject(new Error('no certificate')),
      timeouts: standardTimeouts,
      now: () => Date.now(),
      ...services,
    })
  }

  addFault(input: FaultInput): void {
    this.faults.add(fault.parse(input))
  }

  /** Sends a message to hosts, the preferred one first. */
  async send(
    hops: readonly NextHop[],
    envelope: Partial<OutgoingEnvelope> = {},
    raw: string | Buffer | Attempt['message'] = MESSAGE,
    connector: Partial<ResolvedConnector> = {},
    more: Partial<Attempt> = {},
  ): Promise<AttemptResult> {
    const octets = Buffer.from(typeof raw === 'function' ? MESSAGE : raw)
    const whole = async function* () {
      yield octets
    }
    return this.client.send({
      connector: { ...connectorSchema.parse({ name: 'Outside' }), ...connector } as ResolvedConnector,
      hops,
      envelope: { mailFrom: 'a@lab.test', recipients: [{ address: 'b@example.test' }], ...envelope },
      message: typeof raw === 'function' ? raw : whole,
      sizeOctets: octets.length,
      signal: new AbortController().signal,
      ...more,
    })
  }

  /** Sends to one host, and returns what became of the first recipient. */
  async sendOne(
    hop: NextHop,
    ...rest: [Partial<OutgoingEnvelope>?, (string | Buffer | Attempt['message'])?, Partial<ResolvedConnector>?]
  ): Promise<RecipientResult> {
    const { recipients } = await this.send([hop], ...rest)
    return recipients[0] as RecipientResult
  }

  get last(): SessionRecord {
    return this.sessions.list().at(-1) as SessionRecord
  }

  /** The transcript of the last session, on one line for each entry, without times. */
  get transcript(): readonly string[] {
    return describeTranscript(this.last)
      .slice(1)
      .map((line) => line.replace(/^\s*[\d.]+ /, ''))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.client[Symbol.asyncDispose]()
  }
}

/** Returns a hop to a host on this machine. */
export const hopTo = (port: number, more: Partial<NextHop> = {}): NextHop => ({
  host: 'localhost',
  addresses: ['127.0.0.1'],
  port,
  tls: 'may',
  names: ['localhost'],
  policy: 'configured',
  ...more,
})

/** Returns a connector that opens one connection to a host at a time. */
export const oneAtATime = (): Pick<ResolvedConnector, 'schedule'> =>
  connectorSchema.parse({ name: 'Outside', schedule: { connections: 1 } })
