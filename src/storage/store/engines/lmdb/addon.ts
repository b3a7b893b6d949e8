import {
  closeSync,
  existsSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import type { open } from 'lmdb'
import { installCommand } from '../../../../core/files/folders.ts'
import { isBinary, readPackageFile } from '../../../../core/files/package-files.ts'
import { StoreError } from '../../errors.ts'

/**
 * The text that the package's add-on prints into 100 octets of memory after a failed write (`mdb_page_flush` in `mdb.c`).
 * The result can have 126 octets, because the last numbers are unset. The rest overwrites the memory behind it, and the
 * process aborts soon after. Version 3.5.6 still has this defect.
 */
const UNSAFE = Buffer.from('Attempting to write page at position %u, size %u, blocks %u, buffer sizes %i %i %i\0')
/** Ends the text after the second number. The result has at most 65 octets. */
const END = { at: UNSAFE.indexOf(', blocks'), octets: Buffer.from([0]) }

/** The add-on as a file of the binary, and beside it. */
const ADDON = 'lmdb.node'

let loading: Promise<{ readonly open: typeof open }> | undefined

/**
 * Loads the package lmdb and repairs its add-on.
 * @param folder the folder of the store, in which the binary unpacks the add-on
 * @throws StoreError `not-found` if the package is not installed
 */
export function loadLmdb(folder: string): Promise<{ readonly open: typeof open }> {
  if (isBinary && !loading) loadAddon(folder)
  loading ??= import('lmdb').then(
    (lmdb) => {
      repairAddon()
      return lmdb
    },
    (cause: unknown) => {
      loading = undefined
      throw new StoreError('not-found', `the LMDB store needs the package lmdb; run: ${installCommand('lmdb')}`, {
        cause,
      })
    },
  )
  return loading
}

/**
 * Loads the add-on that is in the binary, for the package. The system loads it from a file only: the one beside the binary, if
 * it has the same octets, or else one in a private folder that is removed again. Windows keeps the file as long as the process
 * runs.
 * @throws StoreError `failed` if the system refuses to load it
 */
function loadAddon(folder: string): void {
  const octets = readPackageFile(ADDON) as Buffer
  const beside = join(dirname(process.execPath), ADDON)
  if (existsSync(beside) && readFileSync(beside).equals(octets)) return loadFile(beside)
  const place = mkdtempSync(join(folder, 'lmdb-'))
  try {
    const file = join(place, ADDON)
    writeFileSync(file, octets, { mode: 0o700, flag: 'wx' })
    loadFile(file)
  } finally {
    if (process.platform !== 'win32') rmSync(place, { recursive: true, force: true })
  }
}

function loadFile(file: string): void {
  const addon = { exports: {} }
  try {
    process.dlopen(addon, file)
  } catch (cause) {
    const advice = `use a folder without noexec, or put ${ADDON} of this release beside ${process.execPath}`
    throw new StoreError('failed', `the add-on of LMDB cannot be loaded: ${(cause as Error).message}; ${advice}`, {
      cause,
    })
  }
  // scripts/binary/files.mjs makes the package take it from here.
  Object.assign(globalThis, { [Symbol.for('sealpost.lmdb')]: addon.exports })
}

/**
 * Shortens the text in this process's copy of the add-on, which Linux lets a process write. The file on disk is not
 * changed. Does nothing on other systems and if the add-on does not have this text. `Space` keeps the add-on from the
 * failing writes of a full disk everywhere; this is for a disk that fails.
 */
function repairAddon(): void {
  if (process.platform !== 'linux') return
  let memory: number | undefined
  try {
    memory = openSync('/proc/self/mem', 'r+')
    for (const { start, octets } of addonMemory(readFileSync('/proc/self/maps', 'utf8'))) {
      const found = Buffer.alloc(octets)
      readSync(memory, found, 0, octets, start)
      const at = found.indexOf(UNSAFE)
      if (at !== -1) writeSync(memory, END.octets, 0, END.octets.length, start + at + END.at)
    }
  } catch {
    // The system forbids it. The store works, but a failing disk can end the process.
  } finally {
    if (memory !== undefined) closeSync(memory)
  }
}

/** Finds the readable parts of the add-on in `/proc/self/maps`. */
function addonMemory(maps: string): { start: number; octets: number }[] {
  const lines = maps.matchAll(/^([0-9a-f]+)-([0-9a-f]+) r\S+ .*lmdb.*\.node(?: \(deleted\))?$/gm)
  return Array.from(lines, ([, from, to]) => {
    const start = Number.parseInt(`${from}`, 16)
    return { start, octets: Number.parseInt(`${to}`, 16) - start }
  })
}
