import { existsSync } from 'node:fs'
import { keepNewest, serverOf, storeIn } from '../draft.ts'
import { always, limit, missing, setting } from '../rows.ts'
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
  ...missing(
    'a store on disk keeps its mail; delete its folder, or leave out ServerOptions__Database',
    'ServerOptions__RecreateDb --recreatedb!',
  ),
  setting('ServerOptions__NumberOfMessagesToKeep --messagestokeep', '`store.messages`', ({ draft, value }) => {
    keepNewest(draft, parseNumber(value, 1))
  }),
  ...missing('the lab keeps the latest 1,000 sessions', 'ServerOptions__NumberOfSessionsToKeep --sessionstokeep'),
  setting(
    'ServerOptions__MaxMessageSize --maxmessagesize',
    '`limits.messageSize` of the SMTP virtual server',
    ({ draft, value }) => {
      limit(serverOf(draft, 'smtp'), { messageSize: parseNumber(value, 1) })
    },
  ),
  ...missing(
    'the lab changes a bare line feed to CRLF, so it cannot smuggle a message',
    'ServerOptions__ValidateBareLineFeed',
  ),
  ...missing('read mail with sealpost mail show, or the API', 'ServerOptions__DeliverToStdout --delivertostdout'),
  ...missing(
    'the lab runs until it is stopped; wait with sealpost mail wait',
    'ServerOptions__ExitAfterMessages --exitafter',
  ),
  ...missing(NO_FILES, '--baseappdatapath'),
  ...always(NO_FILES, '--nousersettings!'),
  ...missing('sealpost config show prints the configuration', '--debugsettings!'),
  ...missing('the console is in the package', '--installpath'),
  ...missing('the lab has no such name', '--applicationName'),
  ...missing('the console is in the browser', '--tui!'),
  ...missing(NO_WINDOWS, '--service!', '--install-service!', '--uninstall-service!'),
]
