/**
 * The topics that a node announces to the others: a wake-up, after which they read the database. Add a topic in one line,
 * with what its keys are.
 */
export type Topic =
  /** Leases that were given up, by key; and the key of the one that `sole-writer.ts` wants to be given up. */
  | 'leases'
  /** Work for the leader of a role, by role. */
  | 'roles'
  /** Requests to other nodes, and answers, by the id of the request. */
  | 'requests'
  | 'answers'
  /** Folders whose messages or values changed, by id, with the numbers of the last change: for nodes whose clients wait. */
  | 'folders'
  /** The same for all nodes, later. */
  | 'positions'
  /** The folders as a whole: one was created, changed or deleted. The key is the new version. */
  | 'owners'
  /** Small values of the store (`getState`), by key. */
  | 'state'
  /** Shared values, by the name of their map. */
  | 'values'
  /** Files of the certificate store, by path: the index, which names all certificates, or a file that is watched by itself. */
  | 'certificates'
