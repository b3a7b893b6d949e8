// The statements of `writes.ts`. Each takes its rows as columns.
export const INSERT_PIECES = `
  insert into pieces (blob, piece, octets)
  select blob, piece, substring($5::bytea from start for length)
  from unnest($1::bigint[], $2::integer[], $3::integer[], $4::integer[]) c (blob, piece, start, length)`
export const INSERT_ENTRIES = `
  insert into entries (folder, uid, blob, size, internal_date, saved_at, flags, mod_seq, details)
  select * from unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::text[],
    $8::bigint[], $9::text[])`
export const UPDATE_ENTRIES = `
  update entries e set flags = c.flags, mod_seq = c.mod_seq
  from unnest($1::bigint[], $2::bigint[], $3::text[], $4::bigint[]) c (folder, uid, flags, mod_seq)
  where e.folder = c.folder and e.uid = c.uid`
export const DELETE_ENTRIES = `
  delete from entries e using unnest($1::bigint[], $2::bigint[]) c (folder, uid)
  where e.folder = c.folder and e.uid = c.uid`
export const INSERT_VANISHED = `
  insert into vanished (folder, mod_seq, uids)
  select folder, mod_seq, uids::bigint[] from unnest($1::bigint[], $2::bigint[], $3::text[]) c (folder, mod_seq, uids)`
export const HOLD = `
  insert into holders (blob, messages)
  select blob, 1 + more from unnest($1::bigint[], $2::bigint[]) c (blob, more)
  on conflict (blob) do update set messages = holders.messages + excluded.messages - 1`
export const LET_GO = `
  update holders h set messages = h.messages - c.fewer from unnest($1::bigint[], $2::bigint[]) c (blob, fewer)
  where h.blob = c.blob returning h.blob, h.messages`
export const DOOM = `
  insert into doomed (blob) select c.blob from unnest($1::bigint[]) c (blob)
  where not exists (select from held where held.blob = c.blob and held.messages > 0)
  on conflict do nothing`
export const INSERT_OVERVIEWS = `
  insert into overviews (blob, overview) select * from unnest($1::bigint[], $2::text[]) on conflict do nothing`
export const DELETE_PLACES = `
  delete from places p using unnest($1::text[], $2::bigint[], $3::bigint[]) c (message_id, folder, uid)
  where p.message_id = c.message_id and p.folder = c.folder and p.uid = c.uid`
export const INSERT_PLACES = `
  insert into places (message_id, folder, uid) select * from unnest($1::text[], $2::bigint[], $3::bigint[])
  on conflict do nothing`
export const INSERT_HISTORY = 'insert into history (message_id) select * from unnest($1::text[]) on conflict do nothing'
export const SET_VALUES = `
  insert into "values" (folder, kind, reader, name_key, name, content)
  select * from unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bytea[])
  on conflict (folder, kind, reader, name_key) do update set content = excluded.content`
export const REMOVE_VALUES = `
  delete from "values" v using unnest($1::bigint[], $2::text[], $3::text[], $4::text[]) c (folder, kind, reader, name_key)
  where v.folder = c.folder and v.kind = c.kind and v.reader = c.reader and v.name_key = c.name_key`
export const INSERT_VALUE_CHANGES = `
  insert into value_changes (folder, value_seq, kind, reader, names, mod_seq)
  select * from unnest($1::bigint[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::bigint[])`
export const INSERT_CHANGES = `
  insert into changes (folders, writer) select $1::bigint[], writer from unnest($2::bigint[]) c (writer)`
export const UPDATE_FOLDERS = `
  update folders f set uid_next = c.uid_next, mod_seq = c.mod_seq, value_seq = c.value_seq,
    messages = f.messages + c.messages, octets = f.octets + c.octets, unseen = f.unseen + c.unseen,
    deleted = f.deleted + c.deleted, deleted_octets = f.deleted_octets + c.deleted_octets,
    keywords = coalesce(c.keywords, f.keywords), changed_at = now()
  from unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[],
    $8::bigint[], $9::bigint[], $10::text[], $11::bigint[], $12::bigint[], $13::bigint[])
    c (id, uid_next, mod_seq, value_seq, messages, octets, unseen, deleted, deleted_octets, keywords,
      old_uid_next, old_mod_seq, old_value_seq)
  where f.id = c.id`
/** Only folders that nobody has changed. Their part is named `moved`. */
export const MOVE_FOLDERS = `${UPDATE_FOLDERS}
  and f.uid_next = c.old_uid_next and f.mod_seq = c.old_mod_seq and f.value_seq = c.old_value_seq returning f.id`
export const SAME_FOLDERS = `
  select f.id from unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[]) c (id, uid_next, mod_seq, value_seq)
  join folders f on f.id = c.id
  where f.uid_next = c.uid_next and f.mod_seq = c.mod_seq and f.value_seq = c.value_seq`
/** Fail unless all folders, as many as $1, had the numbers that were expected. */
export const ALL_MOVED = 'select 1 / (case when count(*) = $1::integer then 1 else 0 end) from moved'
export const ALL_FOUND = ALL_MOVED.replace('moved', '(table moved union all table same) found')
