import { existsSync } from 'node:fs'
import { keepNewest, serverOf, storeIn } from '../draft.ts'
import { limit, missingSettings, redundantSettings, setting } from '../rows.ts'
import type { Setting } from '../tool.ts'
import { parseNumber } from '../values.ts'

const NO_FILES = 'configuration files of smtp4dev are not read; write variables or flags'
const NO_WINDOWS = 'the lab is not a Windows service'

export const generalSettings: readonly Setting[] = [
  setting(
    'ServerOptions__Database --db',
    '`store: { lmdb: FILE.lmdb }`; without it, mail is in memory',
    ({ draft, value, path, origin }) => {
      const file = value.replaceAll('"', '').trim()
      if (file === '') return
      storeIn(draft, `${path(file)}.lmdb`)
      if (existsSync(path(file))) draft.notes.push(`${origin}: the mail in ${file} is not read; it is SQLite`)
    },
  ),
  ...missingSettings(
    'a store on disk keeps its mail; delete its folder, or leave out ServerOptions__Database',
    'ServerOptions__RecreateDb --recreatedb!',
  ),
  setting('ServerOptions__NumberOfMessagesToKeep --messagestokeep', '`store.messages`', ({ draft, value }) => {
    keepNewest(draft, parseNumber(value, 1))
  }),
  ...missingSettings(
    'the lab keeps the latest 1,000 sessions',
    'ServerOptions__NumberOfSessionsToKeep --sessionstokeep',
  ),
  setting(
    'ServerOptions__MaxMessageSize --maxmessagesize',
    '`limits.messageSize` of the SMTP virtual server',
    ({ draft, value }) => {
      limit(serverOf(draft, 'smtp'), { messageSize: parseNumber(value, 1) })
    },
  ),
  ...missingSettings(
    'the lab changes a bare line feed to CRLF, so it cannot smuggle a message',
    'ServerOptions__ValidateBareLineFeed',
  ),
  ...missingSettings(
    'read mail with sealpost mail show, or the API',
    'ServerOptions__DeliverToStdout --delivertostdout',
  ),
  ...missingSettings(
    'the lab runs until it is stopped; wait with sealpost mail wait',
    'ServerOptions__ExitAfterMessages --exitafter',
  ),
  ...missingSettings(NO_FILES, '--baseappdatapath'),
  ...redundantSettings(NO_FILES, '--nousersettings!'),
  ...missingSettings('sealpost config show prints the configuration', '--debugsettings!'),
  ...missingSettings('the console is in the package', '--installpath'),
  ...missingSettings('the lab has no such name', '--applicationName'),
  ...missingSettings('the console is in the browser', '--tui!'),
  ...missingSettings(NO_WINDOWS, '--service!', '--install-service!', '--uninstall-service!'),
]
