/** The protocols, named as Exchange Server 2003 names its virtual servers. */
export const protocols = ['smtp', 'pop3', 'imap4', 'nntp'] as const
export type Protocol = (typeof protocols)[number]

/** Protocols as they are written in text and in the default names of virtual servers. */
export const protocolTitles = { smtp: 'SMTP', pop3: 'POP3', imap4: 'IMAP4', nntp: 'NNTP' } as const satisfies Record<
  Protocol,
  string
>

/** Registered ports for clear text (with STARTTLS) and implicit TLS. SMTP clients use STARTTLS on port 25. RFC 8314, RFC 4642. */
export const standardPorts = {
  smtp: { port: 25, tlsPort: 'off' },
  pop3: { port: 110, tlsPort: 995 },
  imap4: { port: 143, tlsPort: 993 },
  nntp: { port: 119, tlsPort: 563 },
} as const satisfies Record<Protocol, { port: number; tlsPort: number | 'off' }>
