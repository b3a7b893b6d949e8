import { call } from '../api/client.ts'
import { visiblePages } from '../pages.ts'
import { navigate, pathWith } from '../router.ts'
import { t } from '../texts/index.ts'
import type { Command } from './commands.ts'
import { icons } from './icons.ts'

/** The maximum number of results that are shown of each kind. */
const SHOWN = 4

/** Finds something by the text of a search, for those who may open its page. */
interface Kind {
  readonly page: string
  readonly find: (search: string) => Promise<readonly Command[]>
}

const includes = (search: string, ...texts: readonly (string | undefined)[]): boolean =>
  texts.some((text) => text?.toLowerCase().includes(search.toLowerCase()))

const kinds: readonly Kind[] = [
  {
    page: 'mail',
    async find(search) {
      const { items, total } = await call('messages.list', { query: search, limit: SHOWN })
      const messages = items.map(({ id, subject, from, account, newsgroup }) => ({
        id: `message ${id}`,
        title: subject || t('shell.noSubject'),
        icon: icons.mail,
        hint: [from?.name || from?.address, newsgroup ?? account].filter(Boolean).join(' · '),
        run: () => navigate(pathWith(['mail', id], { q: search })),
      }))
      const all = {
        id: 'mail.search',
        title: t('shell.searchMail', { search }),
        icon: icons.search,
        hint: t('shell.foundMessages', { n: total }),
        run: () => navigate(pathWith(['mail'], { q: search })),
      }
      return [...messages, all]
    },
  },
  {
    page: 'servers',
    async find(search) {
      const { items } = await call('virtualServers.list', {})
      return items
        .filter(({ name, port, tlsPort }) => includes(search, name) || [`${port}`, `${tlsPort}`].includes(search))
        .map(({ id, name }) => ({
          id: `server ${id}`,
          title: name,
          icon: icons.virtualServers,
          hint: t('shell.servers'),
          run: () => navigate(pathWith(['servers', id])),
        }))
    },
  },
  {
    page: 'certificates',
    async find(search) {
      const { items } = await call('certificates.list', {})
      const found = items.filter(({ friendlyName, issuedTo, thumbprint }) =>
        includes(search, friendlyName, issuedTo, search.length > 3 ? thumbprint : undefined),
      )
      return found.slice(0, SHOWN).map(({ thumbprint, friendlyName }) => ({
        id: `certificate ${thumbprint}`,
        title: friendlyName,
        icon: icons.certificates,
        hint: t('shell.certificates'),
        run: () => navigate(pathWith(['certificates', thumbprint])),
      }))
    },
  },
  {
    page: 'sessions',
    async find(search) {
      // HTTP: the console itself is a client.
      const protocol = 'smtp,pop3,imap4,nntp'
      const [{ items, total }, exact] = await Promise.all([
        call('sessions.list', { user: search, protocol, limit: 1 }),
        /^[a-z0-9]+-\d+$/.test(search) ? call('sessions.get', { id: search }).catch(() => undefined) : undefined,
      ])
      const open = (title: string, path: string, hint: string): Command => ({
        id: `sessions ${path}`,
        title,
        icon: icons.sessions,
        hint,
        run: () => navigate(path),
      })
      return [
        ...(exact ? [open(search, pathWith(['sessions', search]), t('shell.sessions'))] : []),
        ...(items.length > 0
          ? [
              open(
                t('shell.sessionsOf', { user: search }),
                pathWith(['sessions'], { user: search }),
                t('shell.foundSessions', { n: total }),
              ),
            ]
          : []),
      ]
    },
  },
]

/** Returns the commands that open what a search finds: messages, virtual servers, certificates and sessions. */
export async function findEverywhere(search: string): Promise<readonly Command[]> {
  const text = search.trim()
  if (text === '') return []
  const pages = visiblePages().map(({ path }) => path)
  const lists = await Promise.all(
    // A search that is not valid for a kind, such as some words in a search of mail, has no results.
    kinds.filter(({ page }) => pages.includes(page)).map(({ find }) => find(text).catch(() => [])),
  )
  return lists.flat()
}
