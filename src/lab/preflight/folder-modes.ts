import { certificateFolder, type ResolvedLab } from '../../core/config/resolve.ts'
import { statsOf } from '../../core/files/file-obstacles.ts'
import { isUntouched } from '../../tls/pki/certificate-store/folder-files.ts'

/**
 * Returns a warning for each folder with messages or private keys that existed before and that other users can reach.
 * The lab creates such folders with mode 0700, and makes the folder `certs` of a new checkout private. It does not change the mode of a folder that somebody else created.
 */
export function openFolders({ store, certificates }: ResolvedLab): string[] {
  // Windows has access lists instead of modes.
  if (process.platform === 'win32') return []
  const folders = [
    ['messages', store !== 'memory' && 'lmdb' in store ? store.lmdb : undefined],
    ['private keys', certificateFolder(certificates)],
  ] as const
  return folders.flatMap(([content, folder]) => {
    const mode = folder === undefined ? 0 : (statsOf(folder)?.mode ?? 0) & 0o777
    if (folder === undefined || (mode & 0o077) === 0 || isUntouched(folder)) return []
    const open = `the folder with the ${content}, ${folder}, is open to other users (mode 0${mode.toString(8)})`
    return [`${open}; run: chmod -R go= '${folder}'`]
  })
}
