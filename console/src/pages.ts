import type { ComponentType } from 'preact'
import type { Icon } from './components/icon.tsx'
import { icons } from './shell/icons.ts'
import { type Access, may, seesLab } from './state/caller.ts'
import type { TextKey } from './texts/catalogue.ts'

/** A page of the console. Its chunk and its texts are loaded when it is opened. */
export interface PageRow {
  /** First part of its URL. The page sees what follows. */
  readonly path: string
  readonly title: TextKey
  /** The title with soft hyphens for the narrow rail: browsers lack hyphenation for some languages. Default: `title`. */
  readonly railTitle?: TextKey
  readonly icon: Icon
  /** The key after `g` that opens it. */
  readonly key: string
  /** Areas of the catalogue that it needs. */
  readonly texts: readonly string[]
  /** The right that is needed to see it; for the whole lab if `ofLab` is set. */
  readonly access: Access
  readonly ofLab?: boolean
  readonly load: () => Promise<{ readonly default: ComponentType }>
}

/** Every page, in the order of the rail. */
const rows: readonly PageRow[] = [
  {
    path: 'overview',
    title: 'shell.overview',
    icon: icons.overview,
    key: 'o',
    texts: ['overview', 'mail'],
    access: 'read',
    ofLab: true,
    load: () => import('./pages/overview/page.tsx'),
  },
  {
    path: 'mail',
    title: 'shell.mail',
    icon: icons.mail,
    key: 'm',
    texts: ['mail'],
    access: 'read',
    load: () => import('./pages/mail/page.tsx'),
  },
  {
    path: 'news',
    title: 'shell.news',
    icon: icons.news,
    key: 'n',
    // An article has the tabs of a message.
    texts: ['news', 'mail'],
    access: 'read',
    load: () => import('./pages/news/page.tsx'),
  },
  {
    path: 'servers',
    title: 'shell.servers',
    icon: icons.virtualServers,
    key: 'v',
    texts: ['servers', 'faults'],
    access: 'read',
    ofLab: true,
    load: () => import('./pages/servers/page.tsx'),
  },
  {
    path: 'lab',
    title: 'shell.lab',
    icon: icons.lab,
    key: 'b',
    // Changes are shown as those of virtual servers are.
    texts: ['lab', 'servers'],
    access: 'read',
    ofLab: true,
    load: () => import('./pages/lab/page.tsx'),
  },
  {
    path: 'certificates',
    title: 'shell.certificates',
    icon: icons.certificates,
    key: 'c',
    texts: ['certificates', 'wizard'],
    access: 'read',
    ofLab: true,
    load: () => import('./pages/certificates/page.tsx'),
  },
  {
    path: 'authorities',
    title: 'shell.authorities',
    railTitle: 'shell.authoritiesInRail',
    icon: icons.authorities,
    key: 'a',
    texts: ['authorities'],
    access: 'read',
    ofLab: true,
    load: () => import('./pages/authorities/page.tsx'),
  },
  {
    path: 'sessions',
    title: 'shell.sessions',
    icon: icons.sessions,
    key: 's',
    // The cures have the platforms of Authorities.
    texts: ['sessions', 'authorities'],
    access: 'read',
    load: () => import('./pages/sessions/page.tsx'),
  },
  {
    path: 'outgoing',
    title: 'shell.outgoing',
    icon: icons.outgoing,
    key: 'q',
    texts: ['outgoing'],
    access: 'read',
    ofLab: true,
    load: () => import('./pages/outgoing/page.tsx'),
  },
  {
    path: 'faults',
    title: 'shell.faults',
    icon: icons.faults,
    key: 'f',
    texts: ['faults'],
    access: 'read',
    ofLab: true,
    load: () => import('./pages/faults/page.tsx'),
  },
  {
    path: 'verify',
    title: 'shell.verify',
    icon: icons.verify,
    key: 'y',
    texts: ['verify', 'checks'],
    access: 'read',
    ofLab: true,
    load: () => import('./pages/verify/page.tsx'),
  },
  {
    path: 'scripts',
    title: 'shell.scripts',
    icon: icons.scripts,
    key: 'i',
    texts: ['scripts'],
    access: 'read',
    load: () => import('./pages/scripts/page.tsx'),
  },
  {
    path: 'client-settings',
    title: 'shell.clientSettings',
    icon: icons.clientSettings,
    key: 'l',
    texts: ['client-settings'],
    access: 'read',
    load: () => import('./pages/client-settings/page.tsx'),
  },
]

/** Returns the pages that the caller may use. */
export const visiblePages = (): readonly PageRow[] =>
  rows.filter(({ access, ofLab = false }) => may(access) && (!ofLab || seesLab()))
