import {
  Download,
  FolderInput,
  ListChecks,
  Mail as MailIcon,
  MailOpen,
  MessagesSquare,
  PanelLeft,
  PenLine,
  Send,
  Star,
  Tag,
  Trash2,
  Upload,
  X,
} from 'lucide-preact'
import { useState } from 'preact/hooks'
import { Button } from '../../components/button.tsx'
import { Dialog } from '../../components/dialog.tsx'
import { may, seesLab } from '../../state/caller.ts'
import { formatNumber, t } from '../../texts/index.ts'
import { download, mark, removeAll, sizeOf } from './actions.ts'
import { changeablePart } from './changeable.ts'
import { composing } from './compose-state.ts'
import { MoveDialog, TagDialog } from './dialogs.tsx'
import { OpenInNews } from './open-in-news.tsx'
import { Release } from './release.tsx'
import { folderLabel } from './tree.tsx'
import type { Mail } from './use-mail.ts'

/** The title of the list, or the actions for the checked messages. */
export const ListToolbar = (props: TitleBarProps) =>
  props.mail.choice ? <ChoiceBar mail={props.mail} /> : <TitleBar {...props} />

interface TitleBarProps {
  readonly mail: Mail
  readonly onFolders?: (() => void) | undefined
  readonly onImport: () => void
}

function TitleBar({ mail, onFolders, onImport }: TitleBarProps) {
  const { filter, list, setFilter } = mail
  const { account, folder, newsgroup, captured, threads } = filter
  const place = newsgroup ?? (folder === undefined ? undefined : folderLabel(folder))
  const title =
    [account ?? (captured ? t('mail.captured') : undefined), place].filter(Boolean).join(' › ') || t('mail.all')
  return (
    <div class="list-bar">
      {onFolders && <Button kind="plain" icon={PanelLeft} label={t('mail.folders')} onClick={onFolders} />}
      <h2 title={title}>
        {title} <span class="hint">{list.isLoaded.value ? formatNumber(list.count) : ''}</span>
      </h2>
      {newsgroup !== undefined && <OpenInNews newsgroup={newsgroup} onlyIcon />}
      {may('change') && (
        <Button
          kind="plain"
          icon={PenLine}
          label={t('mail.compose')}
          shortcut="c"
          onClick={() => {
            composing.value = { from: account }
          }}
        />
      )}
      {may('change') && <Button kind="plain" icon={Upload} label={t('mail.import')} onClick={onImport} />}
      <Button
        kind="plain"
        icon={MessagesSquare}
        label={t('mail.threads')}
        aria-pressed={threads}
        onClick={() => setFilter({ ...filter, threads: !threads })}
      />
      <Button
        kind="plain"
        icon={ListChecks}
        label={t('mail.selectAll')}
        shortcut="*"
        disabled={list.count === 0}
        onClick={mail.checkAll}
      />
    </div>
  )
}

type Asked = 'move' | 'tag' | 'release' | 'delete'

function ChoiceBar({ mail }: { readonly mail: Mail }) {
  const { list, choice, filter } = mail
  const [asked, setAsked] = useState<Asked>()
  if (!choice) return null
  const close = (): void => setAsked(undefined)
  const done = (): void => {
    close()
    mail.uncheck()
  }
  const n = sizeOf(choice)
  const changed = may('change') ? changeablePart(choice, filter) : undefined
  const movable = filter.captured || filter.newsgroup !== undefined ? undefined : changed
  return (
    <div class="list-bar choice">
      <Button kind="plain" icon={X} label={t('mail.clearSelection')} shortcut="Escape" onClick={mail.uncheck} />
      <span role="status">{t('mail.selected', { n })}</span>
      {changed && (
        <>
          <Button
            kind="plain"
            icon={MailOpen}
            label={t('mail.markRead')}
            onClick={() => mark(list, changed, { read: true }).then(done)}
          />
          <Button
            kind="plain"
            icon={MailIcon}
            label={t('mail.markUnread')}
            onClick={() => mark(list, changed, { read: false }).then(done)}
          />
          <Button
            kind="plain"
            icon={Star}
            label={t('mail.flag')}
            onClick={() => mark(list, changed, { flagged: true }).then(done)}
          />
          <Button kind="plain" icon={Tag} label={t('mail.tag')} onClick={() => setAsked('tag')} />
          {movable?.kind === 'ids' && (
            <Button kind="plain" icon={FolderInput} label={t('mail.move')} onClick={() => setAsked('move')} />
          )}
        </>
      )}
      {filter.newsgroup === undefined && seesLab() && may('administer') && (
        <Button kind="plain" icon={Send} label={t('mail.release')} onClick={() => setAsked('release')} />
      )}
      <Button kind="plain" icon={Download} label={t('mail.download')} onClick={() => download(choice)} />
      {changed && (
        <Button
          kind="plain"
          icon={Trash2}
          label={t('mail.delete')}
          shortcut="#"
          onClick={() => (changed.kind === 'ids' ? mail.remove(changed.ids) : setAsked('delete'))}
        />
      )}
      {asked === 'release' && (
        <Release
          title={t('mail.releaseMany', { n })}
          messages={choice.kind === 'ids' ? { ids: [...choice.ids] } : choice.selection}
          onClose={close}
        />
      )}
      {asked === 'tag' && changed && <TagDialog list={list} choice={changed} onClose={done} />}
      {asked === 'move' && movable?.kind === 'ids' && (
        <MoveDialog list={list} ids={movable.ids} filter={filter} onClose={done} />
      )}
      {asked === 'delete' && (
        <Dialog
          title={t('mail.deleteAll', { n })}
          size="small"
          onClose={close}
          actions={
            <>
              <Button onClick={close}>{t('shell.cancel')}</Button>
              <Button kind="danger" icon={Trash2} onClick={() => void removeAll(list, choice).then(done)}>
                {t('mail.delete')}
              </Button>
            </>
          }
        >
          <p>{t('mail.deleteAllHint')}</p>
        </Dialog>
      )}
    </div>
  )
}
