import { fileError } from '../../core/files/file-errors.ts'
import { accountOwner, type Folder, type Owner, PUBLIC_OWNER } from '../../storage/store/folder.ts'
import { type FormatName, formats, importFolder, messagesAt, messagesOf } from '../../storage/store/formats/transfer.ts'
import { openInbox } from '../../storage/store/mailboxes.ts'
import type { MessageStore } from '../../storage/store/types.ts'
import { LabArticle } from '../received/message.ts'

/** A mailbox of an account (default INBOX), or a newsgroup. */
export type MailboxRef = { readonly user: string; readonly folder?: string } | { readonly newsgroup: string }

/** Loads and saves mailboxes as files, and changes them as another client or a restored backup would. */
export class Mailboxes {
  readonly #store: MessageStore

  constructor(store: MessageStore) {
    this.#store = store
  }

  /** Finds a mailbox or newsgroup. @throws if it does not exist */
  async find(ref: MailboxRef): Promise<Folder> {
    const { owner, name } = place(ref)
    const folder = await this.#store.findFolder(owner, name)
    if (folder) return folder
    const known = (await this.#store.listFolders(owner)).map((one) => one.name).join(', ')
    throw new Error(`no mailbox "${name}" of ${owner.replace('user:', '')}; there are: ${known || 'none'}`)
  }

  /** Imports a .eml file, an mbox file, a Maildir or a folder of .eml files into a mailbox, and creates it if it is missing. */
  async load(path: string, ref: MailboxRef): Promise<number> {
    try {
      const messages = messagesAt(path)
      return (await importFolder(this.#store, await this.#open(ref), messages)).messages
    } catch (cause) {
      const { code } = cause as NodeJS.ErrnoException
      throw code === undefined ? cause : fileError(cause, path, 'read')
    }
  }

  /** Writes the messages of a mailbox to a folder (maildir, eml) or a file (mbox). */
  async save(path: string, ref: MailboxRef, format: FormatName): Promise<void> {
    await formats[format].write(path, messagesOf(this.#store, await this.find(ref)))
  }

  /** Expunges messages as another client would, and returns the UIDs that existed. @param uids default: all */
  async expunge(ref: MailboxRef, uids?: readonly number[]): Promise<readonly number[]> {
    const folder = await this.find(ref)
    return this.#store.expunge(folder.id, uids ?? (await this.#store.list(folder.id)).map(({ uid }) => uid))
  }

  /**
   * Gives a mailbox a new UIDVALIDITY and its messages new UIDs, as a restored backup does, and returns the new value.
   * Clients that have the mailbox selected lose it.
   */
  async changeUidValidity(ref: MailboxRef): Promise<number> {
    const store = this.#store
    const { id, owner, name, specialUse, newsgroup } = await this.find(ref)
    const settings = { ...(specialUse && { specialUse }), ...(newsgroup && { newsgroup }) }
    const temporary = await store.createFolder(owner, `${name} (UIDVALIDITY changes)`)
    const allUids = async (folderId: string) => (await store.list(folderId)).map(({ uid }) => uid)
    await store.copy(id, await allUids(id), temporary.id)
    await store.deleteFolder(id)
    const recreated = await store.createFolder(owner, name, settings)
    await store.copy(temporary.id, await allUids(temporary.id), recreated.id)
    await store.deleteFolder(temporary.id)
    return recreated.uidValidity
  }

  /** Returns the articles of a newsgroup, ordered by number. @throws if the group does not exist */
  async articles(newsgroup: string): Promise<LabArticle[]> {
    const folder = await this.#store.findFolder(PUBLIC_OWNER, newsgroup)
    if (!folder) throw new Error(`no newsgroup "${newsgroup}"`)
    const articles = []
    for (const { uid } of await this.#store.list(folder.id)) {
      const raw = await this.#store.read(folder.id, uid)
      if (raw) articles.push(new LabArticle(uid, raw))
    }
    return articles
  }

  async #open(ref: MailboxRef): Promise<Folder> {
    const { owner, name } = place(ref)
    if (owner === PUBLIC_OWNER) return this.find(ref)
    if (name === 'INBOX') return openInbox(this.#store, owner)
    return (await this.#store.findFolder(owner, name)) ?? this.#store.createFolder(owner, name)
  }
}

const place = (ref: MailboxRef): { readonly owner: Owner; readonly name: string } =>
  'newsgroup' in ref
    ? { owner: PUBLIC_OWNER, name: ref.newsgroup }
    : { owner: accountOwner(ref.user), name: ref.folder ?? 'INBOX' }
