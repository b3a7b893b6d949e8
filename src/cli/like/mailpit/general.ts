import { existsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { likeIn, storeIn } from '../draft.ts'
import type { Setting } from '../tool.ts'
import { isOn, numberOf } from '../values.ts'

const NO_SQLITE = 'the store of the lab is LMDB, not SQLite'
/** What 0 means for the size of messages: the lab always has a limit. */
const MAX_MIB = 1024

export const generalSettings: readonly Setting[] = [
  {
    variable: 'MP_DATABASE',
    aliases: ['MP_DATA_FILE'],
    flags: ['--database', '-d', '--db-file'],
    becomes: '`store: { lmdb: FILE.lmdb }`',
    apply({ draft, value, path, origin }) {
      if (/^https?:/.test(value)) throw new Error('the lab stores nothing in rqlite; name a file or a folder')
      const named = path(value)
      const file = existsSync(named) && statSync(named).isDirectory() ? join(named, 'mailpit.db') : named
      storeIn(draft, `${file}.lmdb`)
      if (existsSync(file)) draft.notes.push(`${origin}: the mail in ${file} is not read; new mail is in ${file}.lmdb`)
    },
  },
  { variable: 'MP_DISABLE_WAL', flags: ['--disable-wal'], isSwitch: true, missing: NO_SQLITE },
  { variable: 'MP_DISABLE_AUTO_VACUUM', flags: ['--disable-auto-vacuum'], isSwitch: true, missing: NO_SQLITE },
  {
    variable: 'MP_DISABLE_VERSION_CHECK',
    flags: ['--disable-version-check'],
    isSwitch: true,
    always: 'the lab looks for no new versions',
  },
  { variable: 'MP_COMPRESSION', flags: ['--compression'], missing: 'messages are stored as they arrive' },
  {
    variable: 'MP_TENANT_ID',
    flags: ['--tenant-id'],
    missing: 'each lab has a store of its own; name another MP_DATABASE',
  },
  {
    variable: 'MP_LABEL',
    flags: ['--label'],
    becomes: '`like.label` of the HTTP virtual server',
    apply({ draft, value }) {
      likeIn(draft).label = value
    },
  },
  {
    variable: 'MP_MAX_MESSAGES',
    flags: ['--max', '-m'],
    becomes: '`retention: [{ count }]`; 0 keeps all',
    apply({ draft, value }) {
      const count = numberOf(value)
      const others = (draft.lab.retention ?? []).filter((rule) => rule.count === undefined)
      draft.lab.retention = count === 0 ? others : [...others, { count }]
    },
  },
  {
    variable: 'MP_MAX_AGE',
    flags: ['--max-age'],
    becomes: '`retention: [{ age }]`',
    apply({ draft, value }) {
      if (!/^\d+[hd]$/.test(value)) throw new Error(`"${value}" is not an age; write it as 12h or 3d`)
      if (Number.parseInt(value, 10) > 0) draft.lab.retention = [...(draft.lab.retention ?? []), { age: value }]
    },
  },
  {
    variable: 'MP_MAX_MESSAGE_SIZE',
    flags: ['--max-message-size'],
    becomes: '`limits.messageSize`, in MiB; 0 is 1024 MiB',
    apply({ draft, value }) {
      const messageSize = `${numberOf(value) || MAX_MIB}MiB`
      for (const server of draft.servers.values()) server.limits = { ...server.limits, messageSize }
    },
  },
  {
    variable: 'MP_USE_MESSAGE_DATES',
    flags: ['--use-message-dates'],
    isSwitch: true,
    missing: 'Created is always the time at which a message arrived',
  },
  {
    variable: 'MP_IGNORE_DUPLICATE_IDS',
    flags: ['--ignore-duplicate-ids'],
    isSwitch: true,
    missing: 'the lab keeps every message that it accepts',
  },
  { variable: 'MP_LOG_FILE', flags: ['--log-file'], missing: 'the log is on standard error; redirect it to a file' },
  {
    variable: 'MP_QUIET',
    flags: ['--quiet', '-q'],
    isSwitch: true,
    becomes: '`logLevel: error`',
    apply({ draft, value }) {
      if (isOn(value)) draft.lab.logLevel = 'error'
    },
  },
  {
    variable: 'MP_VERBOSE',
    flags: ['--verbose', '-v'],
    isSwitch: true,
    becomes: '`logLevel: debug`',
    apply({ draft, value }) {
      if (isOn(value)) draft.lab.logLevel = 'debug'
    },
  },
  { variable: 'MP_DEMO_MODE', missing: 'the lab has no demonstration mode' },
]
