import { topic } from './support.ts'

topic(
  'logging on',
  {},
  {
    'RFC 9051 section 6.2.3: LOGIN': `
    anon C: 1 LOGIN alice wrong
    anon S: 1 NO [AUTHENTICATIONFAILED] …
    anon C: 2 LOGIN "ali\\x22ce" secret
    anon S: 2 BAD …
    anon C: 3 LOGIN {5}
    anon S: + …
    anon C: alice {6+}
    anon C: secret
    anon S: 3 OK [CAPABILITY IMAP4rev1 IMAP4rev2 …] …
    anon C: 4 LOGIN alice secret
    anon S: 4 BAD …`,
    'RFC 9051 section 6.2.2: AUTHENTICATE PLAIN': `
    anon C: 1 AUTHENTICATE PLAIN
    anon S: +…
    anon C: AGFsaWNlAHNlY3JldA==
    anon S: 1 OK [CAPABILITY …] …`,
    'RFC 4959: an initial response': `
    anon C: 1 AUTHENTICATE PLAIN AGFsaWNlAHNlY3JldA==
    anon S: 1 OK [CAPABILITY …] …`,
    'RFC 9051 section 6.2.2: cancelled, malformed and unknown mechanisms, LOGIN': `
    anon C: 1 AUTHENTICATE PLAIN
    anon S: +…
    anon C: *
    anon S: 1 BAD …
    anon C: 2 AUTHENTICATE PLAIN
    anon S: +…
    anon C: ???
    anon S: 2 BAD …
    anon C: 3 AUTHENTICATE GSSAPI
    anon S: 3 NO …
    anon C: 4 AUTHENTICATE LOGIN
    anon S: + VXNlcm5hbWU6
    anon C: YWxpY2U=
    anon S: + UGFzc3dvcmQ6
    anon C: c2VjcmV0
    anon S: 4 OK [CAPABILITY …] …`,
    'RFC 9051 section 3: commands in the wrong state': `
    anon C: 1 SELECT INBOX
    anon S: 1 BAD …
    anon C: 2 NOOP
    anon S: 2 OK …
    C: 3 FETCH 1 FLAGS
    S: 3 BAD …
    C: 4 LOGIN alice secret
    S: 4 BAD …
    C: 5 LOGOUT
    S: * BYE …
    S: 5 OK …
    S: (end)`,
    'RFC 9051 section 2.2.1: malformed commands': `
    C: NOOP
    S: * BAD …
    C: 
    S: * BAD …
    C: + NOOP
    S: * BAD …
    C: 2 FROBNICATE
    S: 2 BAD …
    C: 3 noop
    S: 3 OK …
    C: 4 NOOP extra
    S: 4 BAD …
    C: 5 FROBNICATE {5}
    S: 5 BAD …
    C: 6 FROBNICATE {5+}
    C: hello {3+}
    C: you
    S: 6 BAD …
    C: 7 NOOP
    S: 7 OK …`,
    'RFC 9051 section 6.2.1: a second STARTTLS': `
    anon C: 1 STARTTLS
    anon S: 1 BAD …
    C: 2 STARTTLS
    S: 2 BAD …`,
    'RFC 2971: ID': `
    anon C: 1 ID NIL
    anon S: * ID ("name" "Sealpost")
    anon S: 1 OK …
    C: 2 ID ("name" "x" "version" NIL)
    S: * ID …
    S: 2 OK …
    C: 3 ID ("name")
    S: 3 BAD …`,
    'RFC 5161: ENABLE': `
    C: 1 ENABLE CONDSTORE X-UNKNOWN utf8=accept
    S: * ENABLED CONDSTORE UTF8=ACCEPT
    S: 1 OK …
    C: 2 ENABLE CONDSTORE
    S: * ENABLED
    S: 2 OK …
    anon C: 3 ENABLE CONDSTORE
    anon S: 3 BAD …`,
    'RFC 2342: NAMESPACE': `
    C: 1 NAMESPACE
    S: * NAMESPACE (("" "/")) (("Other Users/" "/")) (("Public Folders/" "/"))
    S: 1 OK …`,
  },
)

topic(
  'requireSecureChannel',
  { lab: { server: { requireSecureChannel: true } } },
  {
    'RFC 9051 section 6.2.3: LOGINDISABLED, and log-on is refused before TLS': `
    clear S: * OK [CAPABILITY IMAP4rev1 IMAP4rev2 LITERAL+ SASL-IR ID ENABLE STARTTLS LOGINDISABLED APPENDLIMIT=26214400] …
    clear C: 1 LOGIN alice secret
    clear S: 1 NO [PRIVACYREQUIRED] …
    clear C: 2 AUTHENTICATE PLAIN
    clear S: 2 NO [PRIVACYREQUIRED] …
    clear C: 3 LOGIN {5}
    clear S: 3 NO [PRIVACYREQUIRED] …
    anon C: 4 CAPABILITY
    anon S: * CAPABILITY IMAP4rev1 IMAP4rev2 LITERAL+ SASL-IR ID ENABLE AUTH=PLAIN AUTH=LOGIN …
    anon S: 4 OK …
    anon C: 5 LOGIN alice secret
    anon S: 5 OK …`,
  },
)
topic(
  'authentication: basic-over-tls',
  { lab: { server: { authentication: ['basic-over-tls'] } } },
  {
    'RFC 5530: PRIVACYREQUIRED': `
    clear S: * OK [CAPABILITY …STARTTLS LOGINDISABLED APPENDLIMIT…] …
    clear C: 1 LOGIN alice secret
    clear S: 1 NO [PRIVACYREQUIRED] …
    anon C: 2 LOGIN alice secret
    anon S: 2 OK …`,
  },
)
