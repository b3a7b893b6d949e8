import { z } from 'zod'
import { authorityService } from './authority-service.ts'
import { capture } from './capture.ts'
import { certificates } from './certificates.ts'
import { directory } from './directory.ts'
import { fault } from './fault.ts'
import { logLevels } from './log-levels.ts'
import { newsgroup } from './newsgroup.ts'
import { protocols } from './protocol.ts'
import { retention, store } from './store.ts'
import { hostName } from './values.ts'
import { certificate, virtualServer } from './virtual-server.ts'

const labObject = z.strictObject({
  hostname: hostName
    .default('localhost')
    .describe('Certificates are issued to it; localhost, 127.0.0.1, ::1 and the machine’s name are always added.'),
  alternativeNames: z.array(z.string().min(1)).default([]).describe('More names and addresses in the certificates.'),
  domain: hostName.default('lab.test').describe('Mail for it goes to the accounts.'),
  certificates: certificates
    .default('../certs')
    .describe(
      'The certificate store: a folder, relative to this file, or `memory`. Long form { store, key }: key of the certificates that `auto` issues.',
    ),
  certificate: certificate
    .prefault('auto')
    .describe('What virtual servers wear that have no `certificate` of their own; as there.'),
  authorityService: authorityService
    .optional()
    .describe('The HTTP service of the lab’s authorities: revocation lists, OCSP, certificates. None when absent.'),
  store: store
    .prefault('memory')
    .describe(
      'Where mail and news are kept: memory, { memory: SIZE } with a limit of your own, or { lmdb: DIR }, a folder relative to this file.',
    ),
  retention: z
    .array(retention)
    .prefault([])
    .describe('What is deleted by itself, looked for every minute; several rules may apply to a folder.')
    .meta({ examples: [[{ folders: 'lab.*', age: '30d' }]] }),
  portOffset: z.number().int().min(0).max(60000).default(0).describe('Added to every port.'),
  logLevel: z.enum(logLevels).default('info').describe('Least grave level logged.'),
  directory: directory.prefault({}).describe('The accounts.'),
  newsgroups: z.array(newsgroup).default([]).describe('The newsgroups, which are public folders too.'),
  control: z
    .array(z.enum(['cancel', 'newgroup', 'rmgroup']))
    .default(['cancel'])
    .describe('Control messages that are acted on; cancel stands for Supersedes too. The others are only filed.'),
  capture: capture
    .optional()
    .describe(
      'A pcapng file, for Wireshark, of what the sockets of all virtual servers carry: FILE, or { file, secrets, maxSize, maxFiles }.',
    )
    .meta({ examples: ['lab.pcapng'] }),
  faults: z
    .array(fault)
    .default([])
    .describe('What goes wrong on purpose, for clients to be tested with.')
    .meta({ examples: [[{ when: { verb: 'RCPT' }, do: { reply: '451 4.7.1 Greylisted' }, times: 1 }]] }),
  faultSeed: z
    .number()
    .int()
    .nonnegative()
    .default(823024)
    .describe('Seed of what faults do by chance: the same seed and the same clients, the same run.'),
  virtualServers: z
    .array(virtualServer)
    .prefault(protocols.map((protocol) => ({ protocol })))
    .describe('The virtual servers; one of each protocol when absent.'),
})

/** The keys of the first level. */
export const labKeys = labObject.shape

export const labSchema = labObject.transform(({ certificate: common, virtualServers, ...lab }) => ({
  ...lab,
  virtualServers: virtualServers.map((server) => ({ ...server, certificate: server.certificate ?? common })),
}))
