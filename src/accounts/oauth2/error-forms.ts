import type { ErrorForm } from '../../core/config/schema/oauth2.ts'
import type { ServerProtocol } from '../../core/config/schema.ts'
import type { RefusedToken } from '../directory/sasl/bearer-tokens.ts'

/** The contents of an error response. */
interface ErrorFacts {
  readonly mechanism: 'XOAUTH2' | 'OAUTHBEARER'
  readonly error: RefusedToken['error']
  /** The scopes of which the client needs one. */
  readonly scope: string
  readonly configurationUrl: string | undefined
}

/** How a provider names its scopes and refuses tokens. */
interface ProviderForm {
  readonly scopes: Readonly<Record<ServerProtocol, string>>
  /** Returns the error response. Undefined: the server sends none, and the log-on fails immediately. */
  readonly response: (facts: ErrorFacts) => Record<string, string> | undefined
}

/** RFC 7628 section 3.2.2. */
const rfcResponse: ProviderForm['response'] = ({ error, scope, configurationUrl }) => ({
  status: error,
  scope,
  ...(configurationUrl === undefined ? {} : { 'openid-configuration': configurationUrl }),
})

const GMAIL = 'https://mail.google.com/'
const OUTLOOK = 'https://outlook.office.com'

/** The forms of the configuration key `oauth2.errorForm`. */
export const errorForms: Readonly<Record<ErrorForm, ProviderForm>> = {
  rfc: {
    scopes: {
      smtp: 'smtp',
      pop3: 'pop3',
      imap4: 'imap4',
      nntp: 'nntp',
      lmtp: 'lmtp',
      managesieve: 'managesieve',
      http: 'http',
    },
    response: rfcResponse,
  },
  // https://developers.google.com/workspace/gmail/imap/xoauth2-protocol; Gmail has no NNTP, LMTP and ManageSieve: a choice.
  google: {
    scopes: { smtp: GMAIL, pop3: GMAIL, imap4: GMAIL, nntp: GMAIL, lmtp: GMAIL, managesieve: GMAIL, http: GMAIL },
    response: ({ mechanism, scope }) =>
      mechanism === 'XOAUTH2' ? { status: '400', schemes: 'Bearer', scope } : { status: 'invalid_request', scope },
  },
  // https://learn.microsoft.com/exchange/client-developer/legacy-protocols/how-to-authenticate-an-imap-pop-smtp-application-by-using-oauth
  // Exchange Online has no NNTP, LMTP, ManageSieve and OAUTHBEARER: a choice.
  microsoft: {
    scopes: {
      smtp: `${OUTLOOK}/SMTP.Send`,
      pop3: `${OUTLOOK}/POP.AccessAsUser.All`,
      imap4: `${OUTLOOK}/IMAP.AccessAsUser.All`,
      lmtp: `${OUTLOOK}/SMTP.Send`,
      managesieve: `${OUTLOOK}/IMAP.AccessAsUser.All`,
      nntp: `${OUTLOOK}/IMAP.AccessAsUser.All`,
      http: `${OUTLOOK}/IMAP.AccessAsUser.All`,
    },
    response: () => undefined,
  },
}
