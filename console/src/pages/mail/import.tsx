import { useState } from 'preact/hooks'
import { call } from '../../api/client.ts'
import { Dialog } from '../../components/dialog.tsx'
import { Form } from '../../components/form.tsx'
import { notify } from '../../components/toast.tsx'
import { folders, sortedFolders } from '../../state/folders.ts'
import { t } from '../../texts/index.ts'
import type { MailFilter } from './filter.ts'
import { folderLabel } from './tree.tsx'

/** The files that messages come in. */
const MESSAGE_FILES = '.eml,.mbox,.mbx,message/rfc822,application/mbox'

/** Each message of an mbox file begins with such a line. RFC 4155. */
const MBOX_START = 'From '

interface ImportDialogProps {
  readonly filter: MailFilter
  /** Chosen already: they were dropped on the list. */
  readonly files: readonly File[]
  readonly onClose: () => void
}

/** Puts the messages of files into a mailbox or a newsgroup. */
export function ImportDialog({ filter, files: dropped, onClose }: ImportDialogProps) {
  // Folders may appear meanwhile, which would change what is chosen.
  const [places] = useState(() => placesFor(filter))
  const present = places.find(
    ({ account, folder, newsgroup }) =>
      newsgroup === filter.newsgroup &&
      account === (filter.account ?? account) &&
      (folder === undefined || folder === (filter.folder ?? 'INBOX')),
  )
  const [files, setFiles] = useState(dropped)
  const [chosen, choose] = useState(Math.max(0, present ? places.indexOf(present) : 0))
  const send = async (): Promise<void> => {
    const place = places[chosen]
    if (!place) return
    let count = 0
    for (const file of files) count += await importFile(file, place)
    notify(t('mail.imported', { n: count }))
    onClose()
  }
  return (
    <Dialog title={t('mail.import')} size="small" onClose={onClose}>
      <Form submit={t('mail.import')} fields={[]} onSubmit={send}>
        <div class="field">
          <label for="import-files">{t('mail.importFiles')}</label>
          {dropped.length > 0 ? (
            <strong>{dropped.map(({ name }) => name).join(', ')}</strong>
          ) : (
            <input
              id="import-files"
              type="file"
              multiple
              required
              accept={MESSAGE_FILES}
              onChange={(event) => setFiles([...(event.currentTarget.files ?? [])])}
            />
          )}
          <p class="hint">{t('mail.importHint')}</p>
        </div>
        <div class="field">
          <label for="import-place">{t('mail.importTo')}</label>
          <select id="import-place" value={chosen} onInput={(event) => choose(Number(event.currentTarget.value))}>
            {places.map(({ account, folder, newsgroup }, index) => (
              <option key={index} value={index}>
                {newsgroup ?? `${account} › ${folderLabel(folder ?? '')}`}
              </option>
            ))}
          </select>
        </div>
      </Form>
    </Dialog>
  )
}

/** Where messages can be put. */
interface Place {
  readonly account?: string | undefined
  readonly folder?: string | undefined
  readonly newsgroup?: string | undefined
}

/** Returns the mailboxes and newsgroups. An account has none before its first message: its Inbox is made then. */
function placesFor({ account }: MailFilter): readonly Place[] {
  const known = sortedFolders(folders.value ?? []).flatMap((one): Place[] => {
    if (one.newsgroup !== null) return [{ newsgroup: one.newsgroup }]
    return one.account === null ? [] : [{ account: one.account, folder: one.name }]
  })
  const isKnown = account === undefined || known.some((one) => one.account === account)
  return isKnown ? known : [{ account, folder: 'INBOX' }, ...known]
}

/** Imports a file. Returns how many messages it had that were new. @throws Problem */
async function importFile(file: File, place: Place): Promise<number> {
  const isMbox = (await file.slice(0, MBOX_START.length).text()) === MBOX_START
  const { messages } = await call('messages.import', place, {
    body: file,
    type: isMbox ? 'application/mbox' : 'message/rfc822',
  }).catch((error: Error) => {
    error.message = `${file.name}: ${error.message}`
    throw error
  })
  return messages
}
