import {
  Archive as ArchiveIcon,
  FileText,
  Folder as FolderIcon,
  Inbox,
  Mailbox,
  Newspaper,
  Radar,
  Send,
  ShieldAlert,
  Trash2,
} from 'lucide-preact'
import type { Icon } from '../../components/icon.tsx'
import { ProblemState, Skeleton } from '../../components/states.tsx'
import { TreeGroup, TreeLink, TreeNav } from '../../components/tree.tsx'
import { folders, foldersProblem, mailCounts, readFolders, sortedFolders } from '../../state/folders.ts'
import { t } from '../../texts/index.ts'
import type { Folder, MailFilter } from './filter.ts'
import { mailPath } from './filter.ts'

const ICONS: Readonly<Record<string, Icon>> = {
  INBOX: Inbox,
  Drafts: FileText,
  Sent: Send,
  Archive: ArchiveIcon,
  Junk: ShieldAlert,
  Trash: Trash2,
}

/** Returns the name of a mailbox as people say it. */
export const folderLabel = (name: string): string => {
  const known = {
    INBOX: 'mail.inbox',
    Drafts: 'mail.drafts',
    Sent: 'mail.sent',
    Archive: 'mail.archive',
    Junk: 'mail.junk',
    Trash: 'mail.trash',
  } as const
  return name in known ? t(known[name as keyof typeof known]) : name
}

interface NodeProps {
  readonly filter: MailFilter
  readonly current: MailFilter
  readonly icon: Icon
  readonly label: string
  readonly unread: number
  readonly total: number
  readonly level: 0 | 1
}

/** A link to a list, with the number of its unread messages. */
function Node({ filter, current, unread, total, ...rest }: NodeProps) {
  const isCurrent =
    mailPath({ ...filter, search: '', threads: false }) === mailPath({ ...current, search: '', threads: false })
  return (
    <TreeLink
      {...rest}
      href={mailPath({ ...filter, threads: current.threads })}
      isCurrent={isCurrent}
      unread={unread}
      title={t('mail.counts', { unread, n: total })}
    />
  )
}

const everything: MailFilter = { captured: false, search: '', threads: false }
const sum = (list: readonly Folder[], key: 'unread' | 'messages'): number =>
  list.reduce((all, one) => all + one[key], 0)

const ofAccount = (list: readonly Folder[], account: string): readonly Folder[] =>
  list.filter((one) => one.account === account)

/** Accounts with their mailboxes, captured mail by domain, and newsgroups. */
export function Tree({ current }: { readonly current: MailFilter }) {
  const all = folders.value
  if (!all) {
    const problem = foldersProblem.value
    return problem ? <ProblemState problem={problem} onRetry={readFolders} /> : <Skeleton />
  }
  const accounts = [...new Set(all.flatMap(({ account }) => account ?? []))].sort()
  const captured = all.filter((one) => one.captured)
  const groups = all.filter(({ newsgroup }) => newsgroup !== null)
  return (
    <TreeNav label={t('mail.folders')}>
      <ul>
        <Node
          filter={everything}
          current={current}
          icon={Mailbox}
          label={t('mail.all')}
          unread={mailCounts.value.unread}
          total={mailCounts.value.messages}
          level={0}
        />
      </ul>
      {accounts.map((account) => (
        <TreeGroup
          key={account}
          name={`account.${account}`}
          label={account}
          unread={sum(ofAccount(all, account), 'unread')}
        >
          {sortedFolders(ofAccount(all, account)).map(({ id, name, unread, messages }) => (
            <Node
              key={id}
              filter={{ ...everything, account, folder: name }}
              current={current}
              icon={ICONS[name] ?? FolderIcon}
              label={folderLabel(name)}
              unread={unread}
              total={messages}
              level={1}
            />
          ))}
        </TreeGroup>
      ))}
      {captured.length > 0 && (
        <TreeGroup name="captured" label={t('mail.captured')} unread={sum(captured, 'unread')}>
          <Node
            filter={{ ...everything, captured: true }}
            current={current}
            icon={Radar}
            label={t('mail.allDomains')}
            unread={sum(captured, 'unread')}
            total={sum(captured, 'messages')}
            level={1}
          />
          {sortedFolders(captured).map(({ id, name, unread, messages }) => (
            <Node
              key={id}
              filter={{ ...everything, captured: true, folder: name }}
              current={current}
              icon={FolderIcon}
              label={name}
              unread={unread}
              total={messages}
              level={1}
            />
          ))}
        </TreeGroup>
      )}
      {groups.length > 0 && (
        <TreeGroup name="newsgroups" label={t('mail.newsgroups')} unread={sum(groups, 'unread')}>
          {sortedFolders(groups).map(({ id, name, unread, messages }) => (
            <Node
              key={id}
              filter={{ ...everything, newsgroup: name }}
              current={current}
              icon={Newspaper}
              label={name}
              unread={unread}
              total={messages}
              level={1}
            />
          ))}
        </TreeGroup>
      )}
    </TreeNav>
  )
}
