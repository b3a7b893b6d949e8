import { existsSync } from 'node:fs'
import { keepNewest, serverOf, storeIn } from '../draft.ts'
import type { Setting } from '../tool.ts'
import { numberOf } from '../values.ts'

const NO_FILES = 'configuration files of smtp4dev are not read; write variables or flags'
const NO_WINDOWS = 'the lab is not a Windows service'

export const generalSettings: readonly Setting[] = [
  {
    variable: 'ServerOptions__Database',
    flags: ['--db'],
    becomes: '`store: { lmdb: FILE.lmdb }`; without it, mail is in memory',
    apply({ draft, value, path, origin }) {
      const file = value.replaceAll('"', '').trim()
      if (file === '') return
      storeIn(draft, `${path(file)}.lmdb`)
      if (existsSync(path(file))) draft.notes.push(`${origin}: the mail in ${file} is not read; it is SQLite`)
    },
  },
  {
    variable: 'ServerOptions__RecreateDb',
    flags: ['--recreatedb'],
    isSwitch: true,
    missing: 'a store on disk keeps its mail; delete its folder, or leave out ServerOptions__Database',
  },
  {
    variable: 'ServerOptions__NumberOfMessagesToKeep',
    flags: ['--messagestokeep'],
    becomes: '`store.messages`',
    apply({ draft, value }) {
      keepNewest(draft, numberOf(value, 1))
    },
  },
  {
    variable: 'ServerOptions__NumberOfSessionsToKeep',
    flags: ['--sessionstokeep'],
    missing: 'the lab keeps the latest 1,000 sessions',
  },
  {
    variable: 'ServerOptions__MaxMessageSize',
    flags: ['--maxmessagesize'],
    becomes: '`limits.messageSize` of the SMTP virtual server',
    apply({ draft, value }) {
      const smtp = serverOf(draft, 'smtp')
      smtp.limits = { ...smtp.limits, messageSize: numberOf(value, 1) }
    },
  },
  {
    variable: 'ServerOptions__ValidateBareLineFeed',
    missing: 'a bare line feed is refused only at the end of the data, where it could smuggle a message',
  },
  {
    variable: 'ServerOptions__DeliverToStdout',
    flags: ['--delivertostdout'],
    missing: 'read mail with sealpost mail show, or the API',
  },
  {
    variable: 'ServerOptions__ExitAfterMessages',
    flags: ['--exitafter'],
    missing: 'the lab runs until it is stopped; wait with sealpost mail wait',
  },
  { flags: ['--baseappdatapath'], missing: NO_FILES },
  { flags: ['--nousersettings'], isSwitch: true, always: NO_FILES },
  { flags: ['--debugsettings'], isSwitch: true, missing: 'sealpost config show prints the configuration' },
  { flags: ['--installpath'], missing: 'the console is in the package' },
  { flags: ['--applicationName'], missing: 'the lab has no such name' },
  { flags: ['--tui'], isSwitch: true, missing: 'the console is in the browser' },
  { flags: ['--service'], isSwitch: true, missing: NO_WINDOWS },
  { flags: ['--install-service'], isSwitch: true, missing: NO_WINDOWS },
  { flags: ['--uninstall-service'], isSwitch: true, missing: NO_WINDOWS },
]
