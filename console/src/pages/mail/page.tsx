import './mail.css'
import './tabs/tabs.css'
import { MailOpen } from 'lucide-preact'
import { useEffect, useMemo, useRef, useState } from 'preact/hooks'
import { Dialog } from '../../components/dialog.tsx'
import { SplitPane } from '../../components/split-pane.tsx'
import { EmptyState } from '../../components/states.tsx'
import { matching, useCommands } from '../../shell/commands.ts'
import { icons } from '../../shell/icons.ts'
import { type Shortcut, useShortcuts } from '../../shell/shortcuts.ts'
import { may } from '../../state/caller.ts'
import { isMedium, isNarrow } from '../../state/media.ts'
import { t } from '../../texts/index.ts'
import { answer } from './answer.ts'
import { changeableIds } from './changeable.ts'
import { Compose } from './compose.tsx'
import { composing } from './compose-state.ts'
import { ListPane } from './list-pane.tsx'
import { Reader } from './reader.tsx'
import { Tree } from './tree.tsx'
import { type Mail, takesFocus, useMail } from './use-mail.ts'

/** All mail of the lab: the tree, the list and the open message. */
export default function MailPage() {
  const mail = useMail()
  useMailKeys(mail)
  useMailCommands(mail)
  return (
    <>
      <a
        class="skip"
        href={location.href}
        onClick={(event) => {
          event.preventDefault()
          focusList()
        }}
      >
        {t('mail.toList')}
      </a>
      <Panes mail={mail} />
      {composing.value && <Compose draft={composing.value} />}
    </>
  )
}

/** Three panes, two on a tablet, and one on a phone. */
function Panes({ mail }: { readonly mail: Mail }) {
  const { filter, openId } = mail
  const [isTreeOpen, openTree] = useState(false)
  useEffect(() => openTree(false), [JSON.stringify(filter)])
  const reader =
    openId === undefined ? (
      <EmptyState icon={MailOpen} title={t('mail.selectOne')}>
        <p>{t('mail.selectOneHint')}</p>
      </EmptyState>
    ) : (
      <Reader mail={mail} id={openId} onBack={isNarrow.value ? mail.close : undefined} />
    )
  const list = <ListPane mail={mail} onFolders={isMedium.value ? () => openTree(true) : undefined} />
  const tree = isTreeOpen && (
    <Dialog title={t('mail.folders')} size="small" onClose={() => openTree(false)}>
      <Tree current={filter} />
    </Dialog>
  )
  if (isNarrow.value) {
    return (
      <>
        {openId === undefined ? list : reader}
        {tree}
      </>
    )
  }
  const both = (
    <SplitPane name="mail.list" label={t('mail.resizeList')} width={340} min={280} max={720}>
      {list}
      {reader}
    </SplitPane>
  )
  if (isMedium.value) {
    return (
      <>
        {both}
        {tree}
      </>
    )
  }
  return (
    <SplitPane name="mail.tree" label={t('mail.resizeTree')} width={200} min={160} max={360}>
      <Tree current={filter} />
      {both}
    </SplitPane>
  )
}

/** The keys of mail programs. They act on the open message, or on the checked ones. */
function useMailKeys(mail: Mail): void {
  const latest = useRef(mail)
  latest.current = mail
  useShortcuts(
    useMemo<readonly Shortcut[]>(() => {
      const run = (act: (now: Mail) => void) => () => act(latest.current)
      const removed = ({ choice, openId, remove }: Mail): void => {
        const opened = openId === undefined ? [] : [openId]
        const ids = changeableIds(choice?.kind === 'ids' ? choice.ids : opened)
        if (ids.length > 0) remove(ids)
      }
      return [
        { keys: 'j', text: 'mail.keyNext', run: run((now) => void now.step(1)) },
        { keys: 'k', text: 'mail.keyPrevious', run: run((now) => void now.step(-1)) },
        { keys: 'o', text: 'mail.keyOpen', run: run(openByKey) },
        {
          keys: 'u',
          text: 'mail.keyBack',
          run: run((now) => {
            now.close()
            focusList()
          }),
        },
        { keys: 'x', text: 'mail.keySelect', run: run((now) => now.openId !== undefined && now.check([now.openId])) },
        { keys: '*', text: 'mail.selectAll', run: run((now) => now.checkAll()) },
        { keys: 'Escape', text: 'mail.clearSelection', run: run((now) => now.uncheck()) },
        { keys: '/', text: 'mail.search', run: () => document.querySelector<HTMLElement>('.mail-search')?.focus() },
        ...(may('change')
          ? ([
              { keys: 'c', text: 'mail.compose', run: run((now) => compose(now)) },
              { keys: 'r', text: 'mail.reply', run: run((now) => void answer(now.openId, false)) },
              { keys: 'a', text: 'mail.replyAll', run: run((now) => void answer(now.openId, true)) },
              { keys: '#', text: 'mail.delete', run: run(removed) },
              { keys: 'Delete', text: 'mail.delete', run: run(removed) },
            ] as const)
          : []),
      ]
    }, []),
  )
}

/** Opens the first message, or moves the focus to the open one. */
const openByKey = ({ openId, step }: Mail): void => {
  const heading = document.querySelector<HTMLElement>('.reader-title h2')
  if (openId !== undefined) return heading?.focus()
  takesFocus.current = true
  void step(0)
}

const focusList = (): void => document.querySelector<HTMLElement>('.list-pane .virtual-list')?.focus()

const compose = ({ filter: { account } }: Mail): void => {
  composing.value = { from: account }
}

/** Adds the palette's command: a new message. */
function useMailCommands(mail: Mail): void {
  const latest = useRef(mail)
  latest.current = mail
  useCommands(
    useMemo(
      () => (search: string) => {
        const actions = may('change')
          ? [
              {
                id: 'mail.compose',
                title: t('mail.compose'),
                icon: icons.mail,
                hint: 'c',
                run: () => compose(latest.current),
              },
            ]
          : []
        return matching(actions, search)
      },
      [],
    ),
  )
}
