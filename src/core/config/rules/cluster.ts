import { isShared } from '../resolve.ts'
import type { Rule } from './rule.ts'

/** Rules about nodes that share a store. */
export const clusterRules: readonly Rule[] = [
  function* clusterWithoutDatabase({ cluster, store }) {
    if (cluster === undefined || isShared(store)) return
    yield {
      path: ['cluster'],
      message: 'the nodes of a cluster share a database; set store: { postgres: URL }, or remove cluster',
    }
  },

  function* bucketWithoutSecret({ store }) {
    if (!isShared(store) || !store.bodies || store.bodies.secretAccessKey !== undefined) return
    const message = 'is missing; write secretAccessKey: TEXT or secretAccessKeyFile: FILE'
    yield { path: ['store', 'bodies', 'secretAccessKey'], message, onKey: true }
  },
]
