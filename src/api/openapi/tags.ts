/** The first words of the operations' names, as groups of the documentation. */
export const tags: Readonly<Record<string, string>> = {
  messages: 'Mail and news articles: list, search, read, send, change, delete.',
  wait: 'Wait for a message.',
  folders: 'Mailboxes, folders of captured mail, and newsgroups.',
  accounts: 'Accounts with their addresses.',
  newsgroups: 'Newsgroups.',
  sessions: 'Connections of clients: TLS facts, transcripts, refusals.',
  virtualServers: 'The servers of the lab: ports, certificate, policy.',
  certificates: 'Certificates of the virtual servers, as with `sealpost cert`.',
  requests: 'Certificate requests for outside authorities.',
  authorities: 'Certificate authorities of the lab, as with `sealpost ca`.',
  faults: 'Faults that the lab injects into the sessions of clients.',
  webhooks: 'What the lab sends to other programs.',
  tenants: 'Parts of the lab for jobs that run in parallel.',
  status: 'The state of the lab.',
  session: 'Who the caller is, and the log-on of browsers.',
  reset: 'Delete all messages and session records.',
}
