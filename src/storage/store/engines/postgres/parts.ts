import type { Logger } from 'pino'
import { MemoryBudget } from '../../../../core/octets/memory-budget.ts'
import type { Clock } from '../../../../core/time/clock.ts'
import type { Database } from '../../../database/database-types.ts'
import type { Folder } from '../../folder.ts'
import type { StoreEvent } from '../../store-events.ts'
import type { FolderRegistry } from '../folder-registry.ts'
import type { StoreLimits } from '../full/limits.ts'
import { Articles } from './articles.ts'
import { Bodies } from './bodies.ts'
import { Bucket, type BucketLimits, type BucketSettings } from './bucket.ts'
import { Counts } from './counts.ts'
import { FolderAccess } from './folder-access.ts'
import { Folders } from './folders.ts'
import { Journal } from './journal.ts'
import { MessageCount } from './message-count.ts'
import { BlobNumbers } from './numbers.ts'
import { ObjectPieces } from './object-pieces.ts'
import type { PostgresFolder } from './postgres-folder.ts'
import { Reader } from './reader.ts'
import { Names } from './records.ts'
import { Replication } from './replication.ts'
import { ReplicationListener } from './replication-listener.ts'
import { Setbacks } from './setbacks.ts'
import { State } from './state.ts'
import { Subscriptions } from './subscriptions.ts'
import { ValueRows } from './value-rows.ts'
import { WriteQueue } from './write-queue.ts'

export interface PostgresStoreOptions {
  readonly clock: Clock
  readonly log: Logger
  readonly limits?: StoreLimits | undefined
  /** Counts the messages that are kept in memory or read ahead. Default: without a limit. */
  readonly memory?: MemoryBudget | undefined
  /** The bucket for the octets of large messages. Default: they are in the database. */
  readonly bodies?: BucketSettings | undefined
  /** The time limits of the bucket. */
  readonly bucketLimits?: BucketLimits | undefined
}

/** The functions of the store that its parts call. */
interface StoreHooks {
  readonly registry: FolderRegistry<PostgresFolder>
  /** @throws StoreError `closed` */
  readonly checkOpen: () => void
  readonly emit: (event: StoreEvent) => void
  /** Whether somebody wants to know what other nodes change in a folder. */
  readonly isWatched: (folder: Folder) => boolean
  /** Returns the ids of the folders that listeners watch; undefined if any folder may be watched. */
  readonly watchedFolders: () => Iterable<string> | undefined
}

/** Creates the parts of a PostgreSQL store. @param tag distinguishes the names of this store from those of others */
export function createParts(
  database: Database,
  tag: string,
  { clock, log, limits = {}, memory = new MemoryBudget(), bodies: settings, bucketLimits }: PostgresStoreOptions,
  { registry, checkOpen, emit, isWatched, watchedFolders }: StoreHooks,
) {
  const names = new Names(tag)
  const numbers = new BlobNumbers(database)
  const bucket = settings && new Bucket(settings, log, bucketLimits)
  const objects = bucket && settings && new ObjectPieces(database, bucket, settings.prefix, memory)
  const bodies = new Bodies(database, numbers, objects)
  const state = new State(database)
  const count = new MessageCount(limits.messages)
  const journal = new Journal(database)
  const replication = new Replication(database, names, emit)
  const folders = new Folders({ database, clock, names, registry, emit, count })
  const setbacks = new Setbacks({ clock, log, folders, replication })
  const watched = () => {
    const ids = watchedFolders()
    return ids && Array.from(ids).flatMap((id) => registry.get(id)?.key ?? [])
  }
  const listener = new ReplicationListener({
    database,
    folders,
    state,
    journal,
    setbacks,
    replication,
    log,
    isWatched,
    watched,
  })
  const writeQueue = new WriteQueue({
    database,
    replication,
    names,
    numbers,
    journal,
    emit,
    isWatched,
    count,
    catchUpIfNeeded: async () => {
      if (journal.isLost) await listener.catchUp()
    },
    recover: (states) => setbacks.recover(states),
    report: (error) => log.error({ err: error }, 'a committed change could not be told to all'),
  })
  return {
    names,
    bodies,
    objects,
    state,
    count,
    journal,
    folders,
    setbacks,
    listener,
    writeQueue,
    access: new FolderAccess({ registry, folders, listener, replication, setbacks, checkOpen, isWatched }),
    reader: new Reader(database, names, bodies, memory),
    counts: new Counts(database),
    articles: new Articles(database),
    subscriptions: new Subscriptions(database),
    valueRows: new ValueRows(),
    /** Stops following the state of the connection. */
    unwatchState: database.watchState((now) => {
      if (now !== 'connected') return
      journal.restart()
      numbers.restart()
    }),
  }
}
