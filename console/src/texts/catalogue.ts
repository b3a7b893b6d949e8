import type authorities from './en/authorities.ts'
import type certificates from './en/certificates.ts'
import type checks from './en/checks.ts'
import type clientSettings from './en/client-settings.ts'
import type faults from './en/faults.ts'
import type lab from './en/lab.ts'
import type mail from './en/mail.ts'
import type news from './en/news.ts'
import type outgoing from './en/outgoing.ts'
import type overview from './en/overview.ts'
import type scripts from './en/scripts.ts'
import type servers from './en/servers.ts'
import type sessions from './en/sessions.ts'
import type shell from './en/shell.ts'
import type verify from './en/verify.ts'
import type wizard from './en/wizard.ts'

/** The English texts of each area. The other languages have the same keys. */
interface Areas {
  readonly authorities: typeof authorities
  readonly certificates: typeof certificates
  readonly checks: typeof checks
  readonly 'client-settings': typeof clientSettings
  readonly faults: typeof faults
  readonly lab: typeof lab
  readonly mail: typeof mail
  readonly news: typeof news
  readonly outgoing: typeof outgoing
  readonly overview: typeof overview
  readonly scripts: typeof scripts
  readonly servers: typeof servers
  readonly sessions: typeof sessions
  readonly shell: typeof shell
  readonly verify: typeof verify
  readonly wizard: typeof wizard
}

/** The texts of an area in another language, as its file has them. */
export type Texts<Area extends keyof Areas> = Readonly<Record<keyof Areas[Area], string>>

/** Every key of the catalogue. */
export type TextKey = { [Area in keyof Areas]: keyof Areas[Area] & string }[keyof Areas]
