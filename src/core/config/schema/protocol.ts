/** The protocols of mail and news, named as Exchange Server 2003 names its virtual servers. A lab speaks them by default. */
export const protocols = ['smtp', 'pop3', 'imap4', 'nntp'] as const
export type Protocol = (typeof protocols)[number]

/** Every protocol that a virtual server can speak. */
export const serverProtocols = [...protocols, 'lmtp', 'managesieve', 'http'] as const
export type ServerProtocol = (typeof serverProtocols)[number]

/** The protocols of faults and of `verify`: JMAP is a service of HTTP virtual servers. */
export const faultProtocols = [...serverProtocols, 'jmap'] as const
export type FaultProtocol = (typeof faultProtocols)[number]

/** Returns whether a virtual server speaks a protocol of mail or news. */
export const isMailProtocol = (protocol: string): protocol is Protocol =>
  (protocols as readonly string[]).includes(protocol)

/** Returns whether clients of a protocol submit or relay mail by transactions of SMTP. LMTP has them, too: RFC 2033 section 4. */
export const hasTransactions = (protocol: FaultProtocol): protocol is 'smtp' | 'lmtp' =>
  protocol === 'smtp' || protocol === 'lmtp'

/** Protocols as they are written in text and in the default names of virtual servers. */
export const protocolTitles = {
  smtp: 'SMTP',
  pop3: 'POP3',
  imap4: 'IMAP4',
  nntp: 'NNTP',
  lmtp: 'LMTP',
  managesieve: 'ManageSieve',
  http: 'HTTP',
} as const satisfies Record<ServerProtocol, string>

/**
 * Registered ports for clear text (with STARTTLS) and implicit TLS. SMTP clients use STARTTLS on port 25. RFC 8314, RFC 4642.
 * LMTP has no registered port; 24 is for any private mail system. ManageSieve has STARTTLS only: RFC 5804 section 1.8.
 */
export const standardPorts = {
  smtp: { port: 25, tlsPort: 'off' },
  pop3: { port: 110, tlsPort: 995 },
  imap4: { port: 143, tlsPort: 993 },
  nntp: { port: 119, tlsPort: 563 },
  lmtp: { port: 24, tlsPort: 'off' },
  managesieve: { port: 4190, tlsPort: 'off' },
  http: { port: 80, tlsPort: 443 },
} as const satisfies Record<ServerProtocol, { port: number; tlsPort: number | 'off' }>
