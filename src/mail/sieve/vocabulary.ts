import type { Vocabulary } from './bind.ts'
import { control } from './commands/control.ts'
import { deliver } from './commands/deliver.ts'
import { editheader } from './commands/editheader.ts'
import { flagActions, hasflag } from './commands/flags.ts'
import { notify, notifyTests } from './commands/notify.ts'
import { vacation } from './commands/vacation.ts'
import { set, string } from './commands/variables.ts'
import type { CommandRow, TestRow } from './language.ts'
import { COMPARATORS } from './match.ts'
import { body } from './tests/body.ts'
import { dateTests } from './tests/date.ts'
import { environmentTests } from './tests/environment.ts'
import { headerTests } from './tests/header.ts'
import { logic } from './tests/logic.ts'

const commands: readonly CommandRow[] = [...control, ...deliver, ...flagActions, ...editheader, set, vacation, notify]
const tests: readonly TestRow[] = [
  ...logic,
  ...headerTests,
  ...dateTests,
  ...environmentTests,
  ...notifyTests,
  body,
  hasflag,
  string,
]

/** Extensions of rows and of their tags, and those without a row of their own. */
const extensions = new Set([
  ...[...commands, ...tests].flatMap((row) => [
    ...(row.extensions ?? []),
    ...Object.values(row.tags ?? {}).flatMap((tag) => tag.extension ?? []),
  ]),
  'encoded-character',
  ...[...COMPARATORS.keys()].map((name) => `comparator-${name}`),
])

const byName = <Row extends { readonly name: string }>(rows: readonly Row[]): ReadonlyMap<string, Row> =>
  new Map(rows.map((row) => [row.name, row]))

/** Every command, test and extension. */
export const VOCABULARY: Vocabulary = { commands: byName(commands), tests: byName(tests), extensions }
