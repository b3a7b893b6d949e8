import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { keepNewest, storeIn } from '../draft.ts'
import { logLevel, missingSettings, redundantSettings, setting } from '../rows.ts'
import type { Setting } from '../tool.ts'
import { parseNumber } from '../values.ts'

export const generalSettings: readonly Setting[] = [
  setting(
    'MAILDEV_MAIL_DIRECTORY --mail-directory',
    '`store: { lmdb: DIR/sealpost.lmdb }`',
    ({ draft, value, path, origin }) => {
      const folder = path(value)
      storeIn(draft, join(folder, 'sealpost.lmdb'))
      const holdsMail = existsSync(folder) && readdirSync(folder).some((name) => name.endsWith('.eml'))
      if (holdsMail) draft.notes.push(`${origin}: the .eml files in ${folder} are not read; import them with the API`)
    },
  ),
  setting('MAILDEV_MAX_EMAILS --max-emails', '`store.messages`; 0 keeps all', ({ draft, value }) => {
    const count = parseNumber(value)
    if (count > 0) keepNewest(draft, count)
  }),
  logLevel('MAILDEV_VERBOSE --verbose -v!', 'debug'),
  logLevel('MAILDEV_SILENT --silent!', 'error'),
  ...missingSettings(
    'the log has no contents of mail; read them with the API, or sealpost mail show',
    '--log-mail-contents!',
  ),
  ...redundantSettings('MCP is at /mcp, for callers that may use the API of the lab', 'MAILDEV_MCP --mcp!'),
  ...missingSettings('the MCP server of the lab is in the lab itself', 'MAILDEV_API_URL'),
  ...missingSettings('configuration files of MailDev are not read; write variables or flags', '--config'),
]
