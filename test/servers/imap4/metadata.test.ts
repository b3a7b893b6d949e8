import { test } from 'vitest'
import { onDisk, play, Sessions, startImapLab, topic } from './support.ts'

topic(
  'RFC 5464: METADATA',
  { lab: { config: { access: { administrators: ['bob'] } } } },
  {
    'sets, returns and removes entries': `
      C: 1 CAPABILITY
      S: * CAPABILITY … METADATA LIST-METADATA …
      S: 1 OK …
      C: 2 SETMETADATA INBOX (/private/comment "My comment" /shared/Comment {6+}
      C: shared /private/other nil)
      S: 2 OK SETMETADATA completed
      C: 3 GETMETADATA INBOX (/private/Comment /shared/comment /private/none)
      S: * METADATA INBOX (/private/Comment "My comment" /shared/comment "shared" /private/none NIL)
      S: 3 OK GETMETADATA completed
      C: 4 SETMETADATA INBOX (/PRIVATE/comment NIL)
      S: 4 OK …
      C: 5 GETMETADATA INBOX /private/comment
      S: * METADATA INBOX (/private/comment NIL)
      S: 5 OK …
    `,
    'returns entries below by DEPTH': `
      C: 1 SETMETADATA INBOX (/private/filters/values/big/er "b" /private/filters/values/small "s" /private/filterset "no")
      S: 1 OK …
      C: 2 GETMETADATA (DEPTH 1) INBOX (/private/filters/values)
      S: * METADATA INBOX (/private/filters/values/small "s")
      S: 2 OK …
      C: 3 GETMETADATA (DEPTH infinity) "INBOX" /private/filters
      S: * METADATA INBOX (/private/filters/values/big/er "b" /private/filters/values/small "s")
      S: 3 OK …
      C: 4 GETMETADATA (DEPTH infinity) INBOX /shared
      S: 4 OK …
      C: 5 GETMETADATA (DEPTH 2) INBOX /private
      S: 5 BAD DEPTH is 0, 1 or infinity.
    `,
    'leaves out values above MAXSIZE, and says how long the longest is': `
      C: 1 SETMETADATA INBOX (/private/a "123" /private/b "12345")
      S: 1 OK …
      C: 2 GETMETADATA (MAXSIZE 3) INBOX (/private/a /private/b)
      S: * METADATA INBOX (/private/a "123")
      S: 2 OK [METADATA LONGENTRIES 5] GETMETADATA completed
      C: 3 GETMETADATA INBOX (MAXSIZE 2 DEPTH 1) (/private)
      S: 3 OK [METADATA LONGENTRIES 5] GETMETADATA completed
    `,
    'keeps octets that are not text': `
      C: 1 SETMETADATA INBOX (/private/blob ~{3+}
      C: a\\x00\\xff)
      S: 1 OK …
      C: 2 GETMETADATA INBOX /private/blob
      S: * METADATA INBOX (/private/blob ~{3}
      S: a\\x00\\xff)
      S: 2 OK …
      C: 3 SETMETADATA INBOX (/private/blob {1+}
      C: \\x00)
      S: 3 BAD …
    `,
    'refuses values that are too long before they are sent': `
      C: 1 SETMETADATA INBOX (/private/comment {32769}
      S: 1 NO [METADATA MAXSIZE 32768] …
      C: 2 SETMETADATA INBOX (/private/comment {32768}
      S: + OK
      C: ${'x'.repeat(32768)})
      S: 2 OK …
    `,
    'refuses what is not the name of an entry': `
      C: 1 SETMETADATA INBOX (/comment "x")
      S: 1 BAD …
      C: 2 SETMETADATA INBOX (/private/ "x")
      S: 2 BAD …
      C: 3 SETMETADATA INBOX (/private//x "x")
      S: 3 BAD …
      C: 4 GETMETADATA INBOX "/private/%"
      S: 4 BAD …
      C: 5 SETMETADATA INBOX (/private "x")
      S: 5 BAD …
      C: 6 GETMETADATA Nowhere /private/comment
      S: 6 NO [NONEXISTENT] …
    `,
    'keeps private entries from others, and survives a rename but no deletion': `
      C: 1 CREATE Old
      S: 1 OK …
      C: 2 SETMETADATA Old (/private/comment "kept")
      S: 2 OK …
      C: 3 RENAME Old New
      S: 3 OK …
      C: 4 GETMETADATA New /private/comment
      S: * METADATA New (/private/comment "kept")
      S: 4 OK …
      C: 5 DELETE New
      S: 5 OK …
      C: 6 CREATE New
      S: 6 OK …
      C: 7 GETMETADATA New /private/comment
      S: * METADATA New (/private/comment NIL)
      S: 7 OK …
      C: 8 SETMETADATA "" (/private/comment "of alice")
      S: 8 OK …
      bob C: 9 GETMETADATA "" (/private/comment /shared/admin)
      bob S: * METADATA "" (/private/comment NIL /shared/admin "mailto:postmaster@lab.test")
      bob S: 9 OK …
    `,
    'lets only administrators change shared entries of the server': `
      C: 1 SETMETADATA "" (/shared/comment "x")
      S: 1 NO [NOPERM] …
      bob C: 2 SETMETADATA "" (/shared/comment "Maintenance at noon")
      bob S: 2 OK …
      C: 3 GETMETADATA "" /shared/comment
      S: * METADATA "" (/shared/comment "Maintenance at noon")
      S: 3 OK …
    `,
  },
)

topic(
  'RFC 9590: LIST-METADATA',
  {},
  {
    'LIST returns entries of each mailbox': `
      C: 1 SETMETADATA Sent (/shared/color "#b71c1c")
      S: 1 OK …
      C: 2 LIST "" (Sent Trash) RETURN (METADATA (/shared/color "/private/color") SPECIAL-USE)
      S: * LIST (\\HasNoChildren \\Sent) "/" Sent
      S: * METADATA Sent (/shared/color "#b71c1c" /private/color NIL)
      S: * LIST (\\HasNoChildren \\Trash) "/" Trash
      S: * METADATA Trash (/shared/color NIL /private/color NIL)
      S: 2 OK LIST completed
    `,
  },
)

test('RFC 5464 section 4.3: a mailbox has at most 100 entries of each part', async () => {
  await using lab = await startImapLab()
  const sessions = new Sessions(lab, 'TLS')
  const entries = Array.from({ length: 100 }, (_, i) => `/private/e${i} "x"`).join(' ')
  await play(
    sessions,
    `C: 1 SETMETADATA INBOX (${entries})
     S: 1 OK …
     C: 2 SETMETADATA INBOX (/private/more "x")
     S: 2 NO [METADATA TOOMANY] …
     C: 3 SETMETADATA INBOX (/private/more "x" /private/e0 NIL)
     S: 3 OK …
     C: 4 SETMETADATA INBOX (/shared/more "x")
     S: 4 OK …`,
  )
  sessions.end()
})

test('entries survive a restart on disk', async () => {
  await onDisk({}, async (run) => {
    await run(`C: 1 SETMETADATA INBOX (/private/comment "before" /shared/comment "too")
               S: 1 OK …`)
    await run(`C: 1 GETMETADATA INBOX (/private/comment /shared/comment)
               S: * METADATA INBOX (/private/comment "before" /shared/comment "too")
               S: 1 OK …`)
  })
})
