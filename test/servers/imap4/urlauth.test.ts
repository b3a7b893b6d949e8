import { topic } from './support.ts'

/** A message with a text and an attachment in base64. */
const MAIL = [
  'Subject: parts',
  'MIME-Version: 1.0',
  'Content-Type: multipart/mixed; boundary=b',
  '',
  '--b',
  'Content-Type: text/plain',
  '',
  'the text',
  '--b',
  'Content-Type: application/octet-stream',
  'Content-Transfer-Encoding: base64',
  '',
  'AAECAw==',
  '--b--',
  '',
].join('\r\n')

const accounts = [
  { user: 'alice', password: 'secret' },
  { user: 'bob', password: 'geheim' },
  { user: 'carol', password: 'admin' },
]
const lab = { config: { access: { administrators: ['carol'] }, directory: { accounts } } }

topic(
  'RFC 4467: URLAUTH',
  { mail: [MAIL], lab },
  {
    'lets another account fetch what the URL names': `
      C: 1 CAPABILITY
      S: * CAPABILITY … URLAUTH URLAUTH=BINARY …
      S: 1 OK …
      C: 2 GENURLAUTH "imap://alice@localhost/INBOX/;UID=1/;SECTION=1;URLAUTH=user+bob" INTERNAL
      S: * GENURLAUTH "imap://alice@localhost/INBOX/;UID=1/;SECTION=1;URLAUTH=user+bob:internal:«token»"
      S: 2 OK GENURLAUTH completed
      bob C: 3 URLFETCH "imap://alice@localhost/INBOX/;UID=1/;SECTION=1;URLAUTH=user+bob:internal:«token»"
      bob S: * URLFETCH "imap://alice@localhost/INBOX/;UID=1/;SECTION=1;URLAUTH=user+bob:internal:«token»" {8}
      bob S: the text
      bob S: 3 OK URLFETCH completed
      C: 4 URLFETCH "imap://alice@localhost/INBOX/;UID=1/;SECTION=1;URLAUTH=user+bob:internal:«token»"
      S: * URLFETCH "imap://alice@localhost/INBOX/;UID=1/;SECTION=1;URLAUTH=user+bob:internal:«token»" NIL
      S: 4 OK …
      bob C: 5 URLFETCH "imap://alice@localhost/INBOX/;UID=1/;SECTION=2;URLAUTH=user+bob:internal:«token»"
      bob S: * URLFETCH … NIL
      bob S: 5 OK …
    `,
    'authorizes the users that the access identifier names': `
      C: 1 GENURLAUTH imap://alice@localhost/INBOX/;UID=1;URLAUTH=anonymous INTERNAL imap://alice@localhost/INBOX/;UID=1/;SECTION=1/;PARTIAL=4.4;URLAUTH=authuser INTERNAL
      S: * GENURLAUTH "imap://alice@localhost/INBOX/;UID=1;URLAUTH=anonymous:internal:«a»" "imap://alice@localhost/INBOX/;UID=1/;SECTION=1/;PARTIAL=4.4;URLAUTH=authuser:internal:«b»"
      S: 1 OK …
      bob C: 2 URLFETCH imap://alice@localhost/INBOX/;UID=1/;SECTION=1/;PARTIAL=4.4;URLAUTH=authuser:internal:«b» imap://alice@localhost/INBOX/;UID=1;URLAUTH=anonymous:internal:«b»
      bob S: * URLFETCH "imap://alice@localhost/INBOX/;UID=1/;SECTION=1/;PARTIAL=4.4;URLAUTH=authuser:internal:«b»" {4}
      bob S: text
      bob S: * URLFETCH "imap://alice@localhost/INBOX/;UID=1;URLAUTH=anonymous:internal:«b»" NIL
      bob S: 2 OK …
      C: 3 GENURLAUTH imap://alice@localhost/INBOX/;UID=1/;SECTION=1;URLAUTH=submit+alice INTERNAL
      S: * GENURLAUTH "imap://alice@localhost/INBOX/;UID=1/;SECTION=1;URLAUTH=submit+alice:internal:«c»"
      S: 3 OK …
      bob C: 4 URLFETCH imap://alice@localhost/INBOX/;UID=1/;SECTION=1;URLAUTH=submit+alice:internal:«c»
      bob S: * URLFETCH … NIL
      bob S: 4 OK …
      admin C: log LOGIN carol admin
      admin S: log OK …
      admin C: 5 URLFETCH imap://alice@localhost/INBOX/;UID=1/;SECTION=1;URLAUTH=submit+alice:internal:«c»
      admin S: * URLFETCH … {8}
      admin S: the text
      admin S: 5 OK …
    `,
    'ends with EXPIRE and with RESETKEY': `
      C: 1 GENURLAUTH imap://alice@localhost/INBOX/;UID=1/;SECTION=1;EXPIRE=2001-02-03T04:05:06Z;URLAUTH=authuser INTERNAL
      S: * GENURLAUTH "«old»"
      S: 1 OK …
      C: 2 GENURLAUTH imap://alice@localhost/INBOX/;UID=1/;SECTION=1;EXPIRE=2999-02-03T04:05:06Z;URLAUTH=authuser INTERNAL
      S: * GENURLAUTH "«new»"
      S: 2 OK …
      bob C: 3 URLFETCH «old» «new»
      bob S: * URLFETCH "«old»" NIL
      bob S: * URLFETCH "«new»" {8}
      bob S: the text
      bob S: 3 OK …
      C: 4 RESETKEY Sent
      S: 4 OK [URLMECH INTERNAL] …
      bob C: 5 URLFETCH «new»
      bob S: * URLFETCH "«new»" {8}
      bob S: the text
      bob S: 5 OK …
      C: 6 RESETKEY INBOX INTERNAL
      S: 6 OK [URLMECH INTERNAL] Key removed
      bob C: 7 URLFETCH «new»
      bob S: * URLFETCH "«new»" NIL
      bob S: 7 OK …
      C: 8 GENURLAUTH imap://alice@localhost/INBOX/;UID=1/;SECTION=1;URLAUTH=authuser INTERNAL
      S: * GENURLAUTH "«third»"
      S: 8 OK …
      C: 9 RESETKEY
      S: 9 OK [URLMECH INTERNAL] All keys removed
      bob C: 10 URLFETCH «third»
      bob S: * URLFETCH "«third»" NIL
      bob S: 10 OK …
    `,
    'refuses URLs that it cannot authorize': `
      C: 1 GENURLAUTH imap://bob@localhost/INBOX/;UID=1;URLAUTH=authuser INTERNAL
      S: 1 NO [CANNOT] …
      C: 2 GENURLAUTH imap://alice@elsewhere.test/INBOX/;UID=1;URLAUTH=authuser INTERNAL
      S: 2 NO [CANNOT] …
      C: 3 GENURLAUTH imap://alice@localhost/Nowhere/;UID=1;URLAUTH=authuser INTERNAL
      S: 3 NO [NONEXISTENT] …
      C: 4 GENURLAUTH imap://alice@localhost/INBOX/;UID=1;URLAUTH=everybody INTERNAL
      S: 4 BAD …
      C: 5 GENURLAUTH imap://alice@localhost/INBOX/;UID=1 INTERNAL
      S: 5 BAD …
      C: 51 GENURLAUTH imap://alice@lab.test/INBOX/;UID=1;URLAUTH=authuser INTERNAL
      S: * GENURLAUTH …
      S: 51 OK …
      C: 6 GENURLAUTH imap://alice@localhost/INBOX/;UID=1;EXPIRE=tomorrow;URLAUTH=authuser INTERNAL
      S: 6 BAD …
      C: 7 GENURLAUTH imap://alice@localhost/INBOX/;UID=1;URLAUTH=authuser XSAMPLE
      S: 7 NO [CANNOT] …
      C: 8 URLFETCH imap://alice@localhost/INBOX/;UID=1 nonsense imap://nobody@localhost/INBOX/;UID=1;URLAUTH=authuser:internal:01234567890123456789012345678901
      S: * URLFETCH "imap://alice@localhost/INBOX/;UID=1" NIL
      S: * URLFETCH "nonsense" NIL
      S: * URLFETCH "imap://nobody@localhost/INBOX/;UID=1;URLAUTH=authuser:internal:01234567890123456789012345678901" NIL
      S: 8 OK …
      clear C: 9 URLFETCH nonsense
      clear S: …
      clear S: 9 BAD …
    `,
    'CATENATE takes authorized URLs of other accounts': `
      C: 1 GENURLAUTH imap://alice@localhost/INBOX/;UID=1/;SECTION=1;URLAUTH=user+bob INTERNAL
      S: * GENURLAUTH "«url»"
      S: 1 OK …
      bob C: 2 APPEND INBOX CATENATE (TEXT {12+}
      bob C: Subject: x\\x0d\\x0a URL «url»)
      bob S: 2 OK [APPENDUID …
      bob C: 3 APPEND INBOX CATENATE (URL imap://alice@localhost/INBOX/;UID=1)
      bob S: 3 NO [BADURL "imap://alice@localhost/INBOX/;UID=1"] …
      C: 4 APPEND Sent CATENATE (URL imap://alice@localhost/INBOX/;UID=1)
      S: 4 OK [APPENDUID …
    `,
  },
)

topic(
  'RFC 5524: URLAUTH=BINARY',
  { mail: [MAIL] },
  {
    'returns the structure and the decoded part': `
      C: 1 GENURLAUTH imap://alice@localhost/INBOX/;UID=1/;SECTION=2;URLAUTH=authuser INTERNAL
      S: * GENURLAUTH "«url»"
      S: 1 OK …
      bob C: 2 URLFETCH («url» BODYPARTSTRUCTURE BINARY)
      bob S: * URLFETCH "«url»" (BODYPARTSTRUCTURE ("application" "octet-stream" NIL NIL NIL "binary" 4 NIL NIL NIL NIL)) (BINARY ~{4}
      bob S: \\x00\\x01\\x02\\x03)
      bob S: 2 OK …
      bob C: 3 URLFETCH («url» BODY)
      bob S: * URLFETCH "«url»" (BODY {8}
      bob S: AAECAw==)
      bob S: 3 OK …
      bob C: 4 URLFETCH («url» BODY BINARY)
      bob S: 4 BAD …
    `,
  },
)
