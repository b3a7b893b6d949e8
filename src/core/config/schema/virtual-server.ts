import { z } from 'zod'
import { authentication } from './authentication.ts'
import { certificate } from './certificate.ts'
import { clientCertificates } from './client-certificates.ts'
import { jmap } from './jmap.ts'
import { like } from './like.ts'
import { mapping } from './mapping.ts'
import { distribution, feed } from './news.ts'
import { ntlm } from './ntlm.ts'
import { personality, refusesPasswords } from './personality.ts'
import { serverProtocols } from './protocol.ts'
import { providerSetting } from './providers.ts'
import { tls } from './tls.ts'
import {
  addressOrNetwork,
  countOrOff,
  duration,
  host,
  listenAddress,
  octets,
  packets,
  portOrOff,
  timeLimit,
  timeLimitOrOff,
} from './values.ts'

const rate = mapping(() => ({
  messages: z
    .number()
    .int()
    .nonnegative()
    .optional()
    .describe(
      'smtp: number of messages (MAIL commands) in the time `per`. http: number of messages by the APIs of `providers`.',
    )
    .meta({ examples: [10] }),
  connections: z
    .number()
    .int()
    .nonnegative()
    .optional()
    .describe(
      'Number of connections from one client address in the time `per`. The next one is refused: 421 4.7.0, -ERR, * BYE [LIMIT], 400.',
    )
    .meta({ examples: [30] }),
  per: duration.prefault('1m').describe('The time in which messages and connections count, by the lab’s clock.'),
  by: z
    .enum(['account', 'address', 'connection'])
    .default('account')
    .describe(
      'Whose messages are counted together. account: those of the account that is logged on; without a log-on, those of the client address. address: those of the client address. connection: those of the connection.',
    ),
  exceeded: z
    .enum(['defer', 'disconnect'])
    .default('defer')
    .describe(
      'How a message beyond the rate is refused. defer: 450 4.7.1, and the session continues. disconnect: 421 4.7.0, and the connection closes.',
    ),
})).meta({ examples: [{ messages: 10, per: '1m' }] })
export type RateConfig = z.output<typeof rate>

const proxyProtocol = mapping(() => ({
  from: z
    .array(addressOrNetwork)
    .min(1)
    .describe(
      'Addresses and networks (CIDR) of the proxies. Their connections must begin with a PROXY header, and are closed without one. From other addresses no header is accepted.',
    )
    .meta({ examples: [['10.0.0.1', '172.16.0.0/12']] }),
  timeout: timeLimit.prefault('5s').describe('Time in which a proxy must send the PROXY header.'),
})).meta({ examples: [{ from: ['10.0.0.1'] }] })
export type ProxyProtocolConfig = z.output<typeof proxyProtocol>

const xclient = mapping(() => ({
  from: z
    .array(addressOrNetwork)
    .min(1)
    .describe(
      'Addresses and networks (CIDR) of the mail servers and proxies. From other addresses the commands are refused.',
    )
    .meta({ examples: [['127.0.0.1']] }),
})).meta({ examples: [{ from: ['127.0.0.1'] }] })

const forwarded = mapping(() => ({
  from: z
    .array(addressOrNetwork)
    .describe('Addresses and networks (CIDR) of the proxies.')
    .meta({ examples: [['127.0.0.1']] }),
})).meta({ examples: [{ from: ['127.0.0.1'] }] })

const limits = mapping(() => ({
  connections: countOrOff.default(500).describe('Maximum number of simultaneous connections.'),
  connectionsPerAddress: countOrOff
    .default(100)
    .describe(
      'Maximum number of simultaneous connections from one client address, TLS handshakes included. All addresses of an IPv6 /64 network count as one.',
    ),
  idleTimeout: timeLimit
    .optional()
    .describe(
      'Time after which an idle client is disconnected. Default: 10m; 30m for imap4 (RFC 9051 section 5.4); for http, 65s between two requests, and 10m otherwise. Until a client logs on, only complete lines and messages restart the time, and message content at 500 octets per second or more.',
    )
    .meta({ examples: ['10m'] }),
  handshakeTimeout: timeLimit
    .prefault('10s')
    .describe('Time in which a TLS client must send its ClientHello, and again to complete the handshake after it.'),
  logonTimeout: timeLimitOrOff
    .prefault('3m')
    .describe(
      'Time from the connection to the log-on, after which the client is disconnected. smtp: the first accepted recipient also ends the limit. nntp: the first command that reads, posts or transfers articles also ends it, and feed peers that are known by address have no limit.',
    ),
  failedLogonDelay: z
    .union([z.literal('auto'), timeLimitOrOff])
    .prefault('auto')
    .describe(
      'Delay of the reply to a failed log-on. auto: off for clients on this machine, and while all virtual servers listen on loopback addresses; 1s for other clients. A time applies to every client. The delay doubles with each further failure of the connection or of its client address, on any virtual server, up to 4 times this value. An address starts again 10 minutes after its last failure. Successful log-ons are not delayed.',
    )
    .meta({ examples: ['off'] }),
  messageSize: octets.prefault('25MiB').describe('Largest message accepted, in octets or as 4096KB, 25MiB.'),
  recipients: z
    .number()
    .int()
    .positive()
    .default(1000)
    .describe('smtp, lmtp, and http with `providers`: maximum number of recipients of one message.'),
  recipientDomains: countOrOff
    .default('off')
    .describe('smtp, lmtp: maximum number of different domains in the recipients of one connection.'),
  sessionSize: z
    .union([z.literal('off'), octets])
    .prefault('off')
    .describe(
      'smtp, lmtp: octets of all messages of one connection. The message that exceeds the limit is refused with 552 5.3.4.',
    ),
  messagesPerConnection: countOrOff.default('off').describe('smtp, lmtp: maximum number of messages per connection.'),
  messagesPerCommand: countOrOff
    .default('off')
    .describe(
      'imap4: how many messages one command may process. Announced as MESSAGELIMIT (RFC 9738). FETCH, STORE, SEARCH and UID EXPUNGE process the messages with the highest UIDs, and report the limit with the code MESSAGELIMIT. COPY, MOVE and APPEND of more messages are refused.',
    )
    .meta({ examples: [1000] }),
  progressInterval: timeLimit
    .prefault('10s')
    .describe('imap4: how often a long command reports its progress, with INPROGRESS (RFC 9585).'),
  loginDelay: duration
    .optional()
    .describe(
      'pop3: minimum time between two log-ons of an account. An earlier log-on gets -ERR [LOGIN-DELAY]. Default: no limit.',
    )
    .meta({ examples: ['10s'] }),
  rate: rate.optional().describe('Rate limit for clients: messages and connections per period. Default: no limit.'),
}))

export const virtualServer = mapping(() => ({
  name: z
    .string()
    .min(1)
    .optional()
    .describe('Name of the virtual server. Default: "Default <Protocol> Virtual Server".')
    .meta({ examples: ['Default SMTP Virtual Server'] }),
  protocol: z
    .enum(serverProtocols)
    .describe(
      'Protocol. lmtp: as smtp, with a reply to the content for each recipient (RFC 2033). managesieve: the Sieve scripts of accounts (RFC 5804).',
    )
    .meta({ examples: ['smtp'] }),
  personality: personality
    .optional()
    .describe(
      'The server that this virtual server imitates: its greetings, capability lists, reply texts and defaults. See docs/personality.md. lmtp and managesieve: dovecot; nntp: exchange2003; smtp: all but dovecot; http: none. Default: the `personality` of the lab.',
    )
    .meta({ examples: ['exchange2003'] }),
  refusesPasswords: refusesPasswords
    .optional()
    .describe(
      'Why log-ons by password are refused, as Microsoft 365 and Gmail refuse them. Access tokens stay valid. basic-authentication: 550 5.7.30 of SMTP. smtp-auth-disabled, security-defaults: 535 5.7.139. application-password: only passwords other than app passwords, 534 5.7.9. never: not refused. Default: as the personality does on the day of the lab; microsoft365 refuses basic-authentication in SMTP from 2026-12-31. Not used by http.',
    )
    .meta({ examples: ['basic-authentication'] }),
  address: listenAddress.describe(
    'Address to listen on. 0.0.0.0 (IPv4) and :: (all) make the virtual server reachable from other machines.',
  ),
  port: portOrOff
    .optional()
    .describe(
      'Clear-text port. Offers STARTTLS if the virtual server has a certificate. off: not opened. 0: a free port. Default: smtp 25, pop3 110, imap4 143, nntp 119, lmtp 24 (never 25), managesieve 4190, http 80.',
    )
    .meta({ examples: [25] }),
  tlsPort: portOrOff
    .optional()
    .describe(
      'Implicit TLS port. off: not opened. 0: a free port. Default: smtp, lmtp and managesieve off, pop3 995, imap4 993, nntp 563, http 443. Off without a certificate, or if port is a number other than its default.',
    )
    .meta({ examples: ['off'] }),
  certificate: certificate
    .optional()
    .describe(
      'auto: the certificate assigned in the store, or one issued by the lab if none is assigned. assigned: no certificate until one is assigned. none: no certificate. A friendly name or thumbprint: always that certificate. { defect: expired }: a certificate with that defect. { variant: p384 }: a good certificate of that kind. { file: PEM, keyFile: PEM }: the certificate in these files. A list: the first is the default, SNI selects the others. Default: `certificates.default`.',
    )
    .meta({ examples: ['auto'] }),
  requireSecureChannel: z
    .boolean()
    .default(false)
    .describe(
      'Whether clients must start TLS before they can do anything else. Not available on nntp; there, close the clear-text port with `port: off`.',
    ),
  require128BitEncryption: z.boolean().default(false).describe('Whether cipher suites below 128 bits are refused.'),
  clientCertificates: clientCertificates
    .prefault('off')
    .describe(
      'Whether clients are asked for a certificate issued by an authority of the lab. A certificate that names an account (by mail address, UPN, thumbprint or `certificateMapping`) can log on with SASL EXTERNAL. off, accept or require; { mode: accept, trust: [ROOT] } also accepts certificates of outside roots.',
    )
    .meta({ examples: ['require', { trust: ['Partner Root CA'] }] }),
  packets: packets
    .optional()
    .describe('Captures the traffic of this virtual server alone.')
    .meta({ examples: ['smtp.pcapng'] }),
  proxyProtocol: proxyProtocol
    .optional()
    .describe(
      'Proxies in front of the virtual server (HAProxy, nginx, a load balancer of a cloud) that announce each client by the PROXY protocol, version 1 or 2. The address of the client then counts in sessions, limits and Received fields. Default: none.',
    ),
  xclient: xclient
    .optional()
    .describe(
      'smtp, lmtp: mail servers and proxies (Postfix, nginx) that may name their client by XCLIENT or XFORWARD. With XCLIENT, limits and Received fields use the address of the client. Default: no addresses.',
    ),
  tls: tls.prefault({}).describe('TLS versions and cipher suites.'),
  authentication,
  acceptAnyPassword: z
    .boolean()
    .default(false)
    .describe(
      'smtp, lmtp: whether a log-on by PLAIN or LOGIN succeeds with every name and password. Unless they are those of an account, the session has no account: it may send mail, also if `authentication` requires a log-on, but `relay: deny` applies to it.',
    ),
  ntlm: ntlm.prefault({}).describe('NTLM (Secure Password Authentication), where `authentication` names it.'),
  limits: limits.prefault({}).describe('Limits of the virtual server.'),
  relay: z
    .enum(['capture', 'deny'])
    .default('capture')
    .describe(
      'smtp, lmtp: what happens to mail for other domains. capture: it is stored in the lab. deny: it is refused with 550 5.7.1, except from clients that have logged on; their mail is stored.',
    ),
  maildrop: z
    .enum(['inbox', 'captured'])
    .default('inbox')
    .describe(
      'pop3, imap4: the mail that clients get as their INBOX. inbox: that of their account. captured: the mail that the lab has captured, which must be in one folder (`mail.captured.folder`), for the accounts in `mail.captured.readers`.',
    ),
  access: z
    .enum(['anonymous', 'anonymous-read', 'authenticated'])
    .default('anonymous')
    .describe(
      'nntp: what clients can do without logging on. anonymous: read and post. anonymous-read: read only. authenticated: nothing.',
    ),
  hosts: z
    .array(host)
    .default([])
    .describe(
      'http: host names that requests may name in their URL, besides IP addresses, names without a dot, names below .localhost, .test, .internal and .svc.cluster.local, `hostname` and `alternativeNames`. Requests for other names are refused, because a page of another site could send them (DNS rebinding).',
    )
    .meta({ examples: [['lab.example.test']] }),
  forwarded: forwarded
    .optional()
    .describe(
      'http: proxies that forward requests (nginx, HAProxy with `mode http`). Their X-Forwarded-For, X-Forwarded-Proto and X-Forwarded-Host, or Forwarded (RFC 7239), say who the client is, whether it uses https, and which host it asks for. From other addresses these fields are ignored.',
    ),
  configurationLocked: z
    .boolean()
    .default(false)
    .describe('http: whether requests cannot change the configuration. `sealpost config` on the machine still can.'),
  like: like
    .optional()
    .describe(
      'http: the tool whose place the virtual server takes: mailpit, mailhog, maildev, smtp4dev or greenmail. The API of the tool is at the root, for everyone who reaches the port. Everything else of the lab is below /sealpost: the console, and its own API at /sealpost/api/v1. `sealpost start --like TOOL` writes a whole lab with this key (docs/switching.md).',
    )
    .meta({ examples: ['mailpit'] }),
  providers: z
    .array(providerSetting)
    .default([])
    .describe(
      'http: mail providers whose API the virtual server offers to applications that send by it: ses, sendgrid, postmark, mailgun, resend, brevo, mailjet, graph and gmail. Each is below its name (/sendgrid/v3/mail/send), and at the root for requests that name its host (api.sendgrid.com). See docs/providers.md.',
    )
    .meta({ examples: [['ses', { provider: 'sendgrid', keys: [{ secret: 'SG.key-of-the-lab' }] }]] }),
  jmap: jmap
    .optional()
    .describe(
      'http: the limits of JMAP for mail clients (RFC 8620, docs/jmap.md), which clients are told. off: JMAP is not offered. Default: it is offered.',
    )
    .meta({ examples: ['off', { maxObjectsInGet: 50 }] }),
  feeds: z.array(feed).default([]).describe('nntp: news servers to exchange articles with.'),
  motd: z
    .string()
    .optional()
    .describe('nntp: message of the day (LIST MOTD).')
    .meta({ examples: ['Welcome to the lab.'] }),
  distributions: z
    .array(distribution)
    .default([])
    .describe('nntp: distributions for LIST DISTRIBUTIONS and LIST DISTRIB.PATS.'),
}))
