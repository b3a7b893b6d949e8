import { X509Certificate } from 'node:crypto'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { version } from '../../core/text/version.ts'
import { performance } from '../../core/time/real-timers.ts'
import { StoreError } from '../../storage/store/errors.ts'
import { CAPTURED_OWNER, PUBLIC_OWNER } from '../../storage/store/folder.ts'
import { outcomeKinds } from '../../transport/outgoing/record.ts'
import type { Api } from '../api.ts'
import { queueStates } from '../outgoing/queue-shape.ts'
import type { MetricFamily, Sample } from './exposition.ts'
import { kindOf, Tally, type Traffic } from './traffic.ts'

const NANOSECONDS = 1e9

/** Measured from the first call on: labs whose metrics nobody reads do not pay for it. */
const eventLoopDelay = monitorEventLoopDelay({ resolution: 20 })
eventLoopDelay.enable()

/** Returns all metrics of a lab and its process. */
export async function collect(api: Api, traffic: Traffic): Promise<MetricFamily[]> {
  return [
    gauge('sealpost_build_info', 'Version of Sealpost and of Node.js.', [
      { labels: { version, node: process.version }, value: 1 },
    ]),
    gauge(
      'sealpost_ready',
      'Whether the lab takes clients, as GET /readyz says.',
      api.lab.notReady().length === 0 ? 1 : 0,
    ),
    ...trafficFamilies(traffic),
    ...(await storeFamilies(api)),
    gauge('sealpost_event_listeners', 'Clients that listen to events.', api.events.listenerCount),
    ...databaseFamilies(api),
    ...outgoingFamilies(api),
    ...certificateFamilies(api),
    ...memoryFamilies(api),
    ...processFamilies(),
  ]
}

const family =
  (type: MetricFamily['type']) =>
  (name: string, help: string, values: number | readonly Sample[]): MetricFamily => ({
    name,
    type,
    help,
    samples: typeof values === 'number' ? [{ labels: {}, value: values }] : values,
  })

const gauge = family('gauge')
const counter = family('counter')
const histogram = family('histogram')

const trafficFamilies = ({
  connections,
  openConnections,
  handshakes,
  refused,
  messages,
  dropped,
  transactions,
}: Traffic) => [
  gauge('sealpost_open_connections', 'Open connections.', openConnections.samples),
  counter('sealpost_connections_total', 'Accepted connections.', connections.samples),
  counter('sealpost_tls_handshakes_total', 'TLS handshakes by outcome, version and suite.', handshakes.samples),
  counter('sealpost_sessions_refused_total', 'Sessions that ended with a refusal or an error.', refused.samples),
  counter('sealpost_messages_stored_total', 'Messages and articles added to folders.', messages.samples),
  counter('sealpost_messages_dropped_total', 'Messages that were deleted because the store was full.', dropped.samples),
  histogram('sealpost_smtp_transaction_seconds', 'Time from MAIL to the end of its transaction.', transactions.samples),
]

/** None if the store cannot be read, which other metrics show. */
async function storeFamilies({ lab: { store } }: Api): Promise<MetricFamily[]> {
  const [count, octets] = [new Tally(), new Tally()]
  for (const kind of ['mail', 'news', 'captured']) {
    count.add({ kind }, 0)
    octets.add({ kind }, 0)
  }
  try {
    for (const { owner, exists, sizeOctets } of await store.totals([PUBLIC_OWNER, CAPTURED_OWNER])) {
      const kind = owner === null ? 'mail' : kindOf(owner)
      count.add({ kind }, exists)
      octets.add({ kind }, sizeOctets)
    }
  } catch (error) {
    if (error instanceof StoreError) return []
    throw error
  }
  return [
    gauge('sealpost_store_messages', 'Messages and articles in folders. A copy counts as a message.', count.samples),
    gauge('sealpost_store_bytes', 'Size of the messages and articles in folders.', octets.samples),
  ]
}

/** None for a lab with a store of its own. */
function databaseFamilies({ lab: { database } }: Api): MetricFamily[] {
  if (!database) return []
  const { node, schema, state, usage } = database
  return [
    gauge('sealpost_node_info', 'The name of this node, and of its cluster.', [
      { labels: { cluster: schema, name: node }, value: 1 },
    ]),
    gauge('sealpost_database_connected', 'Whether the database can be reached.', state === 'connected' ? 1 : 0),
    gauge(
      'sealpost_database_round_trip_seconds',
      'How long the database took to answer the latest check.',
      usage.roundTripMs / 1000,
    ),
    gauge('sealpost_database_full', 'Whether the disk of the database is full.', database.isFull ? 1 : 0),
    gauge('sealpost_database_connections', 'Open connections for queries.', usage.connections),
    gauge('sealpost_database_connections_busy', 'Those of them that are in use.', usage.busy),
    gauge('sealpost_database_waiting', 'Calls that wait for a connection.', usage.waiting),
    counter('sealpost_database_transactions_total', 'Committed transactions.', usage.transactions),
    counter('sealpost_database_retries_total', 'Statements and transactions that were run again.', usage.retries),
    counter(
      'sealpost_database_listen_gaps_total',
      'How often the connection that listens for other nodes was lost.',
      usage.listenGaps,
    ),
    counter('sealpost_database_notifications_total', 'Notifications between nodes, by direction.', [
      { labels: { direction: 'in' }, value: usage.notificationsReceived },
      { labels: { direction: 'out' }, value: usage.notificationsSent },
    ]),
  ]
}

/** Every connector has all its series from the start, so that alerts see the step from 0. */
function outgoingFamilies({ lab: { config }, outgoing }: Api): MetricFamily[] {
  const queued = outgoing.queue.list()
  const connectors = config.outgoing.connectors.map(({ name }) => name)
  const waiting = connectors.flatMap((connector) =>
    queueStates.map((state) => ({
      labels: { connector, state },
      value: queued.filter((one) => one.connector === connector && one.state === state).length,
    })),
  )
  const attempts = connectors.flatMap((connector) => {
    const record = outgoing.record.of(connector)
    return outcomeKinds.map((result) => ({ labels: { connector, result }, value: record[result] }))
  })
  return [
    gauge('sealpost_outgoing_queue_messages', 'Messages that wait to be sent to other hosts.', waiting),
    counter('sealpost_outgoing_attempts_total', 'Attempts to send a message, by their result.', attempts),
  ]
}

function certificateFamilies({ lab }: Api): MetricFamily[] {
  const samples = lab.servedCertificates.list().map(({ virtualServer, friendlyName, thumbprint, certificatePem }) => ({
    labels: { virtual_server: virtualServer, friendly_name: friendlyName, thumbprint },
    value: (Date.parse(new X509Certificate(certificatePem).validTo) - lab.clock.now()) / 1000,
  }))
  const notServed = lab.servedCertificates.notServed().map(({ virtualServer, friendlyName, thumbprint }) => ({
    labels: { virtual_server: virtualServer, friendly_name: friendlyName, thumbprint },
    value: 1,
  }))
  return [
    gauge('sealpost_certificate_expiry_seconds', 'Time until the certificate expires; negative afterwards.', samples),
    gauge('sealpost_certificate_not_served', '1: the certificate is installed, and cannot be served.', notServed),
  ]
}

function memoryFamilies({ lab }: Api): MetricFamily[] {
  const { limit, used, refusals, ...uses } = lab.intake.memory.usage
  const samples = Object.entries(uses).map(([use, value]) => ({ labels: { use }, value }))
  return [
    gauge('sealpost_memory_bytes', 'Memory that clients make the lab use, by use.', samples),
    gauge('sealpost_memory_limit_bytes', 'The limit of this memory, memoryLimit.', limit),
    counter('sealpost_memory_refusals_total', 'What was refused because of the limit.', refusals),
  ]
}

/** The names are those of prom-client, for which dashboards exist. */
function processFamilies(): MetricFamily[] {
  const { rss, heapUsed, heapTotal, external } = process.memoryUsage()
  const { user, system } = process.cpuUsage()
  const delay = [eventLoopDelay.mean, eventLoopDelay.percentile(99), eventLoopDelay.max].map((one) =>
    Number.isNaN(one) ? 0 : one / NANOSECONDS,
  ) as [number, number, number]
  eventLoopDelay.reset()
  return [
    counter('process_cpu_seconds_total', 'CPU time of the process.', (user + system) / 1e6),
    gauge('process_resident_memory_bytes', 'Resident memory of the process.', rss),
    gauge('process_start_time_seconds', 'When the process started.', performance.timeOrigin / 1000),
    gauge('nodejs_heap_size_used_bytes', 'Used heap.', heapUsed),
    gauge('nodejs_heap_size_total_bytes', 'Heap.', heapTotal),
    gauge('nodejs_external_memory_bytes', 'Memory of buffers outside the heap.', external),
    gauge('nodejs_eventloop_lag_mean_seconds', 'Mean delay of the event loop since the last request.', delay[0]),
    gauge('nodejs_eventloop_lag_p99_seconds', '99th percentile of the same.', delay[1]),
    gauge('nodejs_eventloop_lag_max_seconds', 'Maximum of the same.', delay[2]),
  ]
}
