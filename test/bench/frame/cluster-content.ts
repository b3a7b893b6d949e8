import { accountOwner } from '../../../src/storage/store/folder.ts'
import type { Postgres } from '../../support/postgres.ts'

/** A lab's content at the beginning. */
export interface Content {
  /** Accounts `user0`, `user1` … with the password `secret`. */
  readonly accounts: number
  /** Messages in the INBOX of `user0`. */
  readonly messages: number
  /** Mailboxes of `user0` besides the first ones. */
  readonly folders: number
  /** Mailboxes of other accounts, ten each. */
  readonly otherFolders?: number
}

/** Returns the number of a message as its subject has it. */
export const numberText = (number: number): string => String(number).padStart(9, '0')

const OTHERS_EACH = 10

/**
 * Fills the tables of a lab that has stored one message, number 1, in the INBOX of `user0`. The others are copies of its
 * rows with other numbers, so they are as the store writes them.
 */
export async function fill(server: Postgres, schema: string, content: Content): Promise<void> {
  const { messages, folders, otherFolders = 0 } = content
  const owner = accountOwner('user0')
  const inbox = `(select id from folders where owner = '${owner}' and name = 'INBOX')`
  const number = `lpad(n::text, 9, '0')`
  const first = numberText(1)
  const others = `${accountOwner('other')}' || (n - 1) / ${OTHERS_EACH}`
  await server.sql(`
    set search_path = ${schema};
    set synchronous_commit = off;
    insert into pieces (blob, piece, octets)
      select p.blob + n - 1, 0,
        overlay(octets placing convert_to(${number}, 'UTF8') from position(convert_to('${first}', 'UTF8') in octets))
      from entries e join pieces p on p.blob = e.blob, generate_series(2, ${messages}) n where e.folder = ${inbox};
    insert into entries (folder, uid, blob, size, internal_date, saved_at, flags, mod_seq, details)
      select e.folder, n, e.blob + n - 1, size, internal_date + n, saved_at + n,
        case when n % 3 = 0 then '\\Seen' when n % 1000 = 0 then '\\Flagged' else '' end, e.mod_seq + n - 1, replace(details, '${first}', ${number})
      from entries e, generate_series(2, ${messages}) n where e.folder = ${inbox};
    update folders f set uid_next = c.last + 1, mod_seq = c.mod_seq, messages = c.messages, octets = c.octets, unseen = c.unseen
      from (select max(uid) as last, max(mod_seq) as mod_seq, count(*) as messages, sum(size) as octets,
        count(*) filter (where flags <> '\\Seen') as unseen from entries where folder = ${inbox}) c
      where f.id = ${inbox};
    select setval('blob_numbers', (select max(blob) from pieces) + 1);
    insert into folders (id, owner, name, uid_validity, settings, version)
      select last_folder + n, '${owner}', 'f' || n, last_uid_validity + n, '{}', version + n
      from lab, generate_series(1, ${folders}) n;
    insert into folders (id, owner, name, uid_validity, settings, version)
      select last_folder + ${folders} + n, '${others}, 'f' || n, last_uid_validity + ${folders} + n, '{}',
        version + ${folders} + n
      from lab, generate_series(1, ${otherFolders}) n;
    update folders set changed_at = now() - interval '1 hour';
    update lab set last_folder = f.id, last_uid_validity = f.uid_validity, version = f.version
      from (select max(id) as id, max(uid_validity) as uid_validity, max(version) as version from folders) f;
  `)
  // As autovacuum leaves tables that have been there for a while.
  for (const table of ['entries', 'pieces', 'folders']) await server.sql(`vacuum analyze ${schema}.${table}`)
}
