import { existsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { likeIn, storeIn } from '../draft.ts'
import { limit, logLevel, missingSettings, redundantSettings, setting } from '../rows.ts'
import type { Setting } from '../tool.ts'
import { parseNumber } from '../values.ts'

const NO_SQLITE = 'the store of the lab is LMDB, not SQLite'
/** The size of messages for 0, which is no limit in Mailpit: the lab always has one. */
const MAX_MIB = 1024

export const generalSettings: readonly Setting[] = [
  setting(
    'MP_DATABASE MP_DATA_FILE --database -d --db-file',
    '`store: { lmdb: FILE.lmdb }`',
    ({ draft, value, path, origin }) => {
      if (/^https?:/.test(value)) throw new Error('the lab stores nothing in rqlite; name a file or a folder')
      const named = path(value)
      const file = existsSync(named) && statSync(named).isDirectory() ? join(named, 'mailpit.db') : named
      storeIn(draft, `${file}.lmdb`)
      if (existsSync(file)) draft.notes.push(`${origin}: the mail in ${file} is not read; new mail is in ${file}.lmdb`)
    },
  ),
  ...missingSettings(NO_SQLITE, 'MP_DISABLE_WAL --disable-wal!', 'MP_DISABLE_AUTO_VACUUM --disable-auto-vacuum!'),
  ...redundantSettings('the lab looks for no new versions', 'MP_DISABLE_VERSION_CHECK --disable-version-check!'),
  ...missingSettings('messages are stored as they arrive', 'MP_COMPRESSION --compression'),
  ...missingSettings('each lab has a store of its own; name another MP_DATABASE', 'MP_TENANT_ID --tenant-id'),
  setting('MP_LABEL --label', '`like.label` of the HTTP virtual server', ({ draft, value }) => {
    likeIn(draft).label = value
  }),
  setting('MP_MAX_MESSAGES --max -m', '`retention: [{ keep: { count } }]`; 0 keeps all', ({ draft, value }) => {
    const count = parseNumber(value)
    const others = (draft.lab.retention ?? []).filter((rule) => rule.keep.count === undefined)
    draft.lab.retention = count === 0 ? others : [...others, { keep: { count } }]
  }),
  setting('MP_MAX_AGE --max-age', '`retention: [{ keep: { age } }]`', ({ draft, value }) => {
    if (!/^\d+[hd]$/.test(value)) throw new Error(`"${value}" is not an age; write it as 12h or 3d`)
    if (Number.parseInt(value, 10) > 0) draft.lab.retention = [...(draft.lab.retention ?? []), { keep: { age: value } }]
  }),
  setting(
    'MP_MAX_MESSAGE_SIZE --max-message-size',
    '`limits.messageSize`, in MiB; 0 is 1024 MiB',
    ({ draft, value }) => {
      const messageSize = `${parseNumber(value) || MAX_MIB}MiB`
      for (const server of draft.servers.values()) limit(server, { messageSize })
    },
  ),
  ...missingSettings(
    'Created is always the time at which a message arrived',
    'MP_USE_MESSAGE_DATES --use-message-dates!',
  ),
  ...missingSettings('the lab keeps every message that it accepts', 'MP_IGNORE_DUPLICATE_IDS --ignore-duplicate-ids!'),
  ...missingSettings('the log is on standard error; redirect it to a file', 'MP_LOG_FILE --log-file'),
  logLevel('MP_QUIET --quiet -q!', 'error'),
  logLevel('MP_VERBOSE --verbose -v!', 'debug'),
  ...missingSettings('the lab has no demonstration mode', 'MP_DEMO_MODE'),
]
