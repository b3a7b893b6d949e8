import { type FSWatcher, watch } from 'node:fs'
import { stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { clearInterval, setInterval } from '../../../core/time/real-timers.ts'

/**
 * Interval at which a watched folder is compared with its last known state. File system events are faster, but there are
 * none on some network folders, when no watches are left, or when a folder above is replaced.
 */
const COMPARISON_MS = 500

/** Subfolders whose files people replace by hand. */
const watchedParts = ['', 'certificates', 'keys']

/**
 * Calls `changed` after each change of a store's folder, also when the folder is removed or replaced by another one.
 * @param index path of the file that changes with every change of the store
 * @returns a function that stops it
 */
export function watchFolder(folder: string, index: string, changed: () => void): () => void {
  const watching = new FolderWatch(folder, index, changed)
  return () => watching.stop()
}

class FolderWatch {
  readonly #folder: string
  readonly #index: string
  readonly #changed: () => void
  readonly #timer: NodeJS.Timeout
  #watchers: FSWatcher[] = []
  /** Device and inode of each watched folder. */
  #identity: string | undefined
  /** Inode, time and size of the index file. */
  #version: string | undefined
  #stopped = false

  constructor(folder: string, index: string, changed: () => void) {
    this.#folder = folder
    this.#index = join(folder, index)
    this.#changed = changed
    this.#watch()
    void this.#compare()
    this.#timer = setInterval(() => void this.#compare(), COMPARISON_MS).unref()
  }

  stop(): void {
    this.#stopped = true
    clearInterval(this.#timer)
    this.#unwatch()
  }

  #watch(): void {
    this.#unwatch()
    for (const part of watchedParts) this.#add(join(this.#folder, part), (name) => name === null || !isHidden(name))
    // The folder itself comes and goes as an entry of its parent.
    const own = basename(this.#folder)
    this.#add(dirname(this.#folder), (name) => name === own)
  }

  #add(path: string, matches: (name: string | null) => boolean): void {
    try {
      const watcher = watch(path, { persistent: false }, (_, name) => {
        if (!matches(name)) return
        this.#changed()
        void this.#compare()
      })
      // Without events, the comparison still notices changes.
      watcher.on('error', () => watcher.close())
      this.#watchers.push(watcher)
    } catch {
      // The same.
    }
  }

  #unwatch(): void {
    for (const watcher of this.#watchers) watcher.close()
    this.#watchers = []
  }

  /** Reports a changed index, and watches the folders again if they are others than before. */
  async #compare(): Promise<void> {
    const [version, ...identities] = await Promise.all([
      versionOf(this.#index),
      ...watchedParts.map((part) => identityOf(join(this.#folder, part))),
    ])
    if (this.#stopped) return
    const identity = identities.join()
    const isFirst = this.#identity === undefined
    const isReplaced = identity !== this.#identity
    const isChanged = isReplaced || version !== this.#version
    this.#identity = identity
    this.#version = version
    if (isFirst) return
    if (isReplaced) this.#watch()
    if (isChanged) this.#changed()
  }
}

const identityOf = (path: string): Promise<string> =>
  stat(path).then(
    ({ dev, ino }) => `${dev}:${ino}`,
    () => 'absent',
  )

const versionOf = (path: string): Promise<string> =>
  stat(path).then(
    ({ ino, mtimeMs, size }) => `${ino}:${mtimeMs}:${size}`,
    () => 'absent',
  )

/** Returns whether a file is a temporary or lock file. Their names start with a dot. */
const isHidden = (name: string): boolean => name.startsWith('.')
