/** A page of the console for the tests that look at every page. */
export interface TestedPage {
  readonly name: string
  readonly path: string
  /** A selector of something that is there when the page has loaded. */
  readonly ready: string
}

export const pages: readonly TestedPage[] = [
  { name: 'overview', path: '/overview', ready: '.chart canvas' },
  { name: 'mail', path: '/mail', ready: '.mail-row .subject' },
  { name: 'news', path: '/news/groups/lab.general', ready: '.news-row .text' },
  { name: 'newsgroups', path: '/news', ready: '.news-page td' },
  { name: 'feeds', path: '/news/feeds', ready: '.news-page h2' },
  { name: 'certificates', path: '/certificates', ready: '.certificates-overview table' },
  { name: 'wizard', path: '/certificates/wizard', ready: '.wizard form' },
  { name: 'authorities', path: '/authorities', ready: '.authorities table' },
  { name: 'sessions', path: '/sessions?protocol=all', ready: '.session-rows button' },
  { name: 'virtual servers', path: '/servers', ready: '.servers-list tbody tr' },
  { name: 'properties', path: '/servers/default-smtp-virtual-server?tab=access', ready: '.sheet legend' },
  { name: 'faults of a server', path: '/servers/default-smtp-virtual-server?tab=faults', ready: '.sheet textarea' },
  { name: 'accounts', path: '/lab', ready: '.lab tbody tr' },
  { name: 'form of an account', path: '/lab/accounts/alice', ready: '.lab-item form' },
  { name: 'webhooks', path: '/lab/webhooks', ready: '.lab h2' },
  { name: 'history', path: '/lab/history', ready: '.lab .empty' },
  { name: 'revocation', path: '/authorities?tab=revocation', ready: '.published code' },
  { name: 'ACME', path: '/authorities?tab=acme', ready: '.published code' },
  { name: 'outgoing', path: '/outgoing', ready: '.outgoing .example' },
  { name: 'faults', path: '/faults', ready: '.faults textarea' },
  { name: 'verify', path: '/verify', ready: '.verify-overview tbody tr' },
  { name: 'choice of checks', path: '/verify/new', ready: '.verify-checks input' },
  { name: 'results of a verify', path: '/verify/verify-1?cell=names@0', ready: '.matrix-detail' },
  { name: 'servers of an audit', path: '/verify/audit-1', ready: '.audit-targets tbody tr' },
  { name: 'scripts', path: '/scripts?account=alice', ready: '.scripts .empty' },
  { name: 'form of a script', path: '/scripts/new?account=alice', ready: '.script-text textarea' },
  { name: 'client settings', path: '/client-settings', ready: '.client-values' },
  { name: 'recipe', path: '/client-settings?recipe=nodemailer', ready: '.recipe pre' },
  { name: 'profile', path: '/client-settings?program=apple-mail', ready: '.client-qr' },
]
