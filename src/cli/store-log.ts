import type { StoreLog } from '../pki/certificate-store/store.ts'
import { note } from './output.ts'

/** For commands that only look at the store: what it has to report goes to standard error, its diary nowhere. */
export const silentStoreLog: StoreLog = {
  info: () => {},
  warn: (_, message) => note(`warning: ${message}`),
  error: (_, message) => note(`warning: ${message}`),
}
