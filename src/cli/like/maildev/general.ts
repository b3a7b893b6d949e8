import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { keepNewest, storeIn } from '../draft.ts'
import type { Setting } from '../tool.ts'
import { isOn, numberOf } from '../values.ts'

export const generalSettings: readonly Setting[] = [
  {
    variable: 'MAILDEV_MAIL_DIRECTORY',
    flags: ['--mail-directory'],
    becomes: '`store: { lmdb: DIR/sealpost.lmdb }`',
    apply({ draft, value, path, origin }) {
      const folder = path(value)
      storeIn(draft, join(folder, 'sealpost.lmdb'))
      const holdsMail = existsSync(folder) && readdirSync(folder).some((name) => name.endsWith('.eml'))
      if (holdsMail) draft.notes.push(`${origin}: the .eml files in ${folder} are not read; import them with the API`)
    },
  },
  {
    variable: 'MAILDEV_MAX_EMAILS',
    flags: ['--max-emails'],
    becomes: '`store.messages`; 0 keeps all',
    apply({ draft, value }) {
      const count = numberOf(value)
      if (count > 0) keepNewest(draft, count)
    },
  },
  {
    variable: 'MAILDEV_VERBOSE',
    flags: ['--verbose', '-v'],
    isSwitch: true,
    becomes: '`logLevel: debug`',
    apply({ draft, value }) {
      if (isOn(value)) draft.lab.logLevel = 'debug'
    },
  },
  {
    variable: 'MAILDEV_SILENT',
    flags: ['--silent'],
    isSwitch: true,
    becomes: '`logLevel: error`',
    apply({ draft, value }) {
      if (isOn(value)) draft.lab.logLevel = 'error'
    },
  },
  {
    flags: ['--log-mail-contents'],
    isSwitch: true,
    missing: 'the log has no contents of mail; read them with the API, or sealpost mail show',
  },
  {
    variable: 'MAILDEV_MCP',
    flags: ['--mcp'],
    isSwitch: true,
    always: 'MCP is at /mcp, for callers that may use the API of the lab',
  },
  { variable: 'MAILDEV_API_URL', missing: 'the MCP server of the lab is in the lab itself' },
  { flags: ['--config'], missing: 'configuration files of MailDev are not read; write variables or flags' },
]
