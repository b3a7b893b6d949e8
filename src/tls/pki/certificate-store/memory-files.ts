import { OneAtATime } from '../../../core/async/one-at-a-time.ts'
import type { StoreFiles } from './files.ts'
import { memoryRecords, type Records } from './records.ts'

/** Creates a store in memory. It ends with the process. */
export function memoryFiles(): StoreFiles {
  const texts = new Map<string, string>()
  const files = {
    read: async (path: string) => texts.get(path),
    write: async (path: string, text: string) => void texts.set(path, text),
    remove: async (path: string) => void texts.delete(path),
    list: async () => [...texts.keys()],
  }
  const locked = { ...files, held: async () => true }
  const changes = new OneAtATime()
  return {
    ...files,
    place: 'memory',
    async replace(path, before, text) {
      if (texts.get(path) !== before) return false
      texts.set(path, text)
      return true
    },
    exclusively: (change) => changes.run(() => change(locked)),
    changesBelow: (folder) => readOnce(files, folder),
    watch: () => () => {},
    records: recordsOfProcess(),
    close: async () => {},
  }
}

/** Returns a function that reads all files below a folder at its first call, and none after that. */
export function readOnce(
  files: Pick<StoreFiles, 'read' | 'list'>,
  folder: string,
): () => Promise<ReadonlyMap<string, string>> {
  let isRead = false
  return async () => {
    if (isRead) return new Map()
    const paths = (await files.list()).filter((path) => path.startsWith(`${folder}/`))
    const texts = await Promise.all(paths.map(async (path) => [path, await files.read(path)] as const))
    isRead = true
    return new Map(texts.flatMap(([path, text]) => (text === undefined ? [] : [[path, text] as const])))
  }
}

/** Returns the records of a store that belongs to one process. */
export function recordsOfProcess(): StoreFiles['records'] {
  const kinds = new Map<string, Records>()
  return (kind, limit) => {
    const known = kinds.get(kind) ?? memoryRecords(limit)
    kinds.set(kind, known)
    return known
  }
}
