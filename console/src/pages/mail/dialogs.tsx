import { useState } from 'preact/hooks'
import { call } from '../../api/client.ts'
import { useLoaded } from '../../api/use-loaded.ts'
import { Button } from '../../components/button.tsx'
import { Dialog } from '../../components/dialog.tsx'
import { Field, Form } from '../../components/form.tsx'
import { folders, sortedFolders } from '../../state/folders.ts'
import { t } from '../../texts/index.ts'
import { type Choice, changeTags, move } from './actions.ts'
import type { MailFilter } from './filter.ts'
import type { MessageList } from './message-list.ts'
import { folderLabel } from './tree.tsx'

interface TagDialogProps {
  readonly list: MessageList
  readonly choice: Choice
  /** The tags that the messages have, if it is known. */
  readonly present?: readonly string[]
  readonly onClose: () => void
}

/** Adds a tag, or removes one. */
export function TagDialog({ list, choice, present, onClose }: TagDialogProps) {
  const [name, setName] = useState('')
  const { value: tags } = useLoaded('tags', (signal) => call('tags.list', {}, { signal }))
  const known = tags?.items.map((one) => one.name) ?? []
  const change = async (add: string[], remove: string[]): Promise<void> => {
    if (await changeTags(list, choice, add, remove)) onClose()
  }
  const removable = present ?? known
  return (
    <Dialog title={t('mail.tag')} size="small" onClose={onClose}>
      <Form submit={t('mail.addTag')} fields={['name']} onSubmit={() => change([name.trim()], [])}>
        <Field
          name="name"
          label={t('mail.tagName')}
          value={name}
          onInput={setName}
          list="mail-tags"
          autocomplete="off"
        />
        <datalist id="mail-tags">
          {known.map((one) => (
            <option key={one} value={one} />
          ))}
        </datalist>
      </Form>
      {removable.length > 0 && (
        <div class="tag-list">
          <h3>{t('mail.removeTag')}</h3>
          {removable.map((one) => (
            <Button key={one} onClick={() => void change([], [one])}>
              {one} ✕
            </Button>
          ))}
        </div>
      )}
    </Dialog>
  )
}

interface MoveDialogProps {
  readonly list: MessageList
  readonly ids: readonly string[]
  readonly filter: Pick<MailFilter, 'account' | 'folder'>
  readonly onClose: () => void
}

/** Moves messages to another mailbox of their account. */
export function MoveDialog({ list, ids, filter: { account, folder }, onClose }: MoveDialogProps) {
  const names = new Set(
    sortedFolders(folders.value ?? [])
      .filter((one) => one.account !== null && (account === undefined || one.account === account))
      .map(({ name }) => name),
  )
  return (
    <Dialog title={t('mail.move')} size="small" onClose={onClose}>
      <div class="buttons">
        {[...names]
          .filter((name) => name !== folder)
          .map((name) => (
            <Button
              key={name}
              onClick={() => {
                void move(list, ids, name)
                onClose()
              }}
            >
              {folderLabel(name)}
            </Button>
          ))}
      </div>
    </Dialog>
  )
}
