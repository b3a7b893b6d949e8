import { z } from 'zod'
import { keep } from './keep.ts'
import { mapping } from './mapping.ts'
import { addressOrNetwork, duration, host, hostName, mailAddress, preload, secretFile } from './values.ts'

const newsgroup = mapping(() => ({
  name: z
    .string()
    .regex(/^[^\s,!*?\\[\]/]+$/, 'a newsgroup name has no spaces, commas, slashes or wildmat characters')
    .describe('Name of the newsgroup.')
    .meta({ examples: ['lab.general'] }),
  description: z
    .string()
    .default('')
    .describe('Description in LIST NEWSGROUPS.')
    .meta({ examples: ['General talk'] }),
  posting: z
    .enum(['yes', 'no', 'moderated'])
    .default('yes')
    .describe('Whether users can post. moderated requires `moderator`.'),
  moderator: mailAddress
    .optional()
    .describe('Mail address of the moderator.')
    .meta({ examples: ['alice@lab.test'] }),
  access: z
    .enum(['anonymous-read', 'authenticated'])
    .optional()
    .describe(
      'What clients can do without logging on. anonymous-read: read only. authenticated: nothing. Default: the access of the virtual server.',
    )
    .meta({ examples: ['authenticated'] }),
  gateway: z
    .array(mailAddress)
    .default([])
    .describe(
      'Addresses to which each new article is mailed: accounts of the lab, or other addresses, which the lab captures.',
    )
    .meta({ examples: [['alice@lab.test']] }),
  peers: z
    .enum(['accept', 'refuse', 'discard'])
    .default('accept')
    .describe(
      'What happens to articles from peers. accept: they are stored. refuse: they are refused (status x). discard: they are not stored in this newsgroup, but passed on to other peers (status j). With refuse and discard, users cannot post.',
    ),
  aliasOf: z
    .string()
    .min(1)
    .optional()
    .describe(
      'Another newsgroup that gets the articles from peers for this one, for example after it was renamed (status =other.group). Users cannot post to this newsgroup.',
    )
    .meta({ examples: ['lab.general'] }),
  addresses: z
    .array(mailAddress)
    .default([])
    .describe('Mail addresses of the newsgroup. Mail to them is posted as an article.'),
  keep: keep
    .optional()
    .describe('Articles to keep; older ones are deleted. Their Message-IDs are remembered. Default: all.')
    .meta({ examples: [{ age: '30d' }] }),
  preload,
  suggested: z.boolean().default(false).describe('Whether LIST SUBSCRIPTIONS suggests the newsgroup to new readers.'),
}))

/** Control messages about newsgroups. RFC 5537 section 5.2. */
const groupControls = ['newgroup', 'rmgroup', 'checkgroups'] as const
const controls = ['cancel', ...groupControls] as const

/** A wildmat, as in RFC 3977 section 4. */
const wildmatText = z
  .string()
  .regex(/^!?[^\s,!\\[\]]+(,!?[^\s,!\\[\]]+)*$/, 'write a wildmat like lab.*,!lab.private.*')

/** A sender of control messages about newsgroups. INN calls such a list control.ctl. */
const controlSender = mapping(() => ({
  from: z
    .string()
    .min(1)
    .describe('Address in the From field. * stands for any text.')
    .meta({ examples: ['group-admin@lab.test'] }),
  groups: wildmatText.default('*').describe('Newsgroups that the sender may change, as a wildmat.'),
  allow: z
    .array(z.enum(groupControls))
    .min(1)
    .default([...groupControls])
    .describe('Control messages that the sender may send.'),
  keyFile: z
    .string()
    .min(1)
    .optional()
    .describe(
      'File with the OpenPGP public key that must have signed the message (X-PGP-Sig of pgpcontrol). Needs the program gpgv. Default: no signature is required.',
    )
    .meta({ examples: ['../group-admin.asc'] }),
}))

export const news = mapping(() => ({
  groups: z.array(newsgroup).default([]).describe('Newsgroups. They are also public IMAP folders.'),
  control: z
    .array(z.enum(controls))
    .default(['cancel'])
    .describe(
      'Control messages that take effect. cancel includes Supersedes. All other control messages are only stored.',
    ),
  senders: z
    .array(controlSender)
    .default([])
    .describe(
      'Who may send the control messages newgroup, rmgroup and checkgroups, and which of them must be signed. Refused messages are logged. Default: everyone, with an Approved field.',
    )
    .meta({ examples: [[{ from: 'group-admin@lab.test', groups: 'lab.*', keyFile: '../group-admin.asc' }]] }),
}))

/** An exchange of articles with another news server. Exchange Server calls it a newsfeed. */
export const feed = mapping(() => ({
  peer: hostName.describe('Name of the peer in Path headers.').meta({ examples: ['localhost'] }),
  direction: z
    .enum(['in', 'out', 'both', 'pull'])
    .default('out')
    .describe(
      'in: accepts articles from the peer. out: sends articles to it. both: does both. pull: fetches articles with NEWNEWS.',
    ),
  groups: wildmatText.default('*').describe('Newsgroups to exchange, as a wildmat.'),
  from: z
    .array(addressOrNetwork)
    .default([])
    .describe('in, both: IP addresses and networks (CIDR) that the peer connects from.')
    .meta({ examples: [['127.0.0.1']] }),
  account: z
    .string()
    .min(1)
    .optional()
    .describe('in, both: account that the peer logs on with. Can be used instead of `from` or together with it.')
    .meta({ examples: ['peer'] }),
  host: host
    .optional()
    .describe('out, both, pull: host to connect to. Default: `peer`.')
    .meta({ examples: ['127.0.0.1'] }),
  port: z
    .number()
    .int()
    .min(1)
    .max(65535)
    .optional()
    .describe('Port of the peer. Default: 563 with implicit TLS, else 119. portOffset is not added.')
    .meta({ examples: [563] }),
  tls: z
    .enum(['implicit', 'starttls', 'off'])
    .default('starttls')
    .describe('Encryption of the connection to the peer. The connection fails if the peer does not support it.'),
  authority: z
    .string()
    .min(1)
    .optional()
    .describe(
      'Authority that must have issued the peer’s certificate: the name of an authority of the lab, or a PEM file. Default: the root of the lab.',
    )
    .meta({ examples: ['../peer-root.pem'] }),
  user: z
    .string()
    .min(1)
    .optional()
    .describe('User name for the peer.')
    .meta({ examples: ['sealpost'] }),
  password: z
    .string()
    .optional()
    .describe('Password for the peer, in clear text.')
    .meta({ examples: ['secret'], writeOnly: true }),
  passwordFile: secretFile('password', '../peer.password'),
  interval: duration
    .prefault('5m')
    .describe('pull: time between two fetches. out, both: longest wait before a retry after a failure.'),
}))

/** A distribution and the newsgroups it is suggested for. RFC 3977 section 7.6.5, RFC 6048 section 2.3. */
export const distribution = mapping(() => ({
  name: z
    .string()
    .regex(/^[A-Za-z0-9+_-]+$/, 'write a distribution as one word, like local')
    .describe('Word in the Distribution header.')
    .meta({ examples: ['local'] }),
  description: z.string().default('').describe('Description in LIST DISTRIBUTIONS.'),
  groups: wildmatText
    .optional()
    .describe('Newsgroups for which LIST DISTRIB.PATS suggests it.')
    .meta({ examples: ['lab.*'] }),
  weight: z
    .number()
    .int()
    .nonnegative()
    .default(1)
    .describe('If several distributions match a newsgroup, the one with the highest weight is suggested.'),
}))
