import { z } from 'zod'
import { keep } from './keep.ts'
import { mapping } from './mapping.ts'
import { octets, secretFile } from './values.ts'

/** The limits of a store of any kind. */
const limits = {
  messages: z
    .number()
    .int()
    .positive()
    .optional()
    .describe('Most messages in all folders together.')
    .meta({ examples: [500] }),
  whenFull: z
    .enum(['refuse', 'drop-oldest'])
    .optional()
    .describe(
      'What happens to a new message that does not fit. refuse: it is refused (SMTP: 452). drop-oldest: the oldest messages are deleted to make room for it. Default: refuse.',
    )
    .meta({ examples: ['drop-oldest'] }),
}

/** A bucket for the octets of large messages. */
const bodies = mapping(() => ({
  s3: z
    .string()
    .regex(/^https?:\/\/[\w.:[\]-]+\/?$/, 'write a URL without a path, like https://s3.eu-west-1.amazonaws.com')
    .describe('URL of S3, or of a service with its interface, such as Garage, MinIO and Ceph.')
    .meta({ examples: ['https://s3.eu-west-1.amazonaws.com'] }),
  bucket: z
    .string()
    .regex(/^[\w.-]{3,63}$/, 'write 3 to 63 letters, digits, dots and hyphens')
    .describe('Name of the bucket, which must exist.')
    .meta({ examples: ['lab-messages'] }),
  region: z
    .string()
    .regex(/^[\w-]+$/, 'write letters, digits and hyphens')
    .default('us-east-1')
    .describe('Region that requests are signed for.')
    .meta({ examples: ['eu-west-1'] }),
  accessKeyId: z
    .string()
    .regex(/^[\w-]+$/, 'write letters, digits and hyphens')
    .describe('Id of the access key.')
    .meta({ examples: ['AKIAIOSFODNN7EXAMPLE'] }),
  secretAccessKey: z
    .string()
    .min(1)
    .optional()
    .describe('Secret of the access key.')
    .meta({ examples: ['wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY'], writeOnly: true }),
  secretAccessKeyFile: secretFile('secret of the access key', '/run/secrets/s3'),
  prefix: z
    .string()
    .regex(/^(?:[\w-]+\/)*$/, 'write letters, digits, hyphens and slashes, with a slash at the end')
    .default('')
    .describe('The names of all objects begin with it.')
    .meta({ examples: ['lab/'] }),
}))

/** Where messages are stored. */
export const store = z.union([
  z.literal('memory'),
  mapping(() => ({
    memory: z
      .union([z.literal('auto'), octets])
      .describe('Size limit of the store in memory. auto: half of the memory of the process, at most 1GiB.')
      .meta({ examples: ['256MiB'] }),
    ...limits,
  })),
  mapping(() => ({
    lmdb: z
      .string()
      .min(1)
      .describe('Folder of the store.')
      .meta({ examples: ['../data'] }),
    size: octets
      .optional()
      .describe('Size limit of the store on disk. Default: as much as the disk has room for.')
      .meta({ examples: ['2GiB'] }),
    ...limits,
  })),
  mapping(() => ({
    postgres: z
      .string()
      .regex(
        /^postgres(?:ql)?:\/\/[^\s/?#]*(?:[/?][^\s@#]*)?$/,
        'write an address like postgres://lab@db/sealpost, with / ? # of a password as %2F %3F %23',
      )
      .describe(
        'PostgreSQL database, which several nodes share: its address, with the parameters of the package pg. HOST:PORT,HOST:PORT lists a primary server and its replicas.',
      )
      .meta({ examples: ['postgres://lab@db/sealpost'], writeOnly: true }),
    password: z
      .string()
      .min(1)
      .optional()
      .describe('Password of the user in the address, instead of one there or in PGPASSWORD.')
      .meta({ examples: ['secret'], writeOnly: true }),
    passwordFile: secretFile('password', '/run/secrets/postgres'),
    pool: z
      .number()
      .int()
      .min(2)
      .max(100)
      .default(10)
      .describe('Most connections of each node to the database. One more listens for notifications.'),
    bodies: bodies
      .optional()
      .describe(
        'Bucket of S3 for the octets of messages over 64 KiB, except their first 64 KiB. Default: they are in the database.',
      ),
    ...limits,
  })),
])

/** Names that a lab can have in a database. */
export const CLUSTER_NAME = /^[a-z][a-z0-9_]{0,39}$/
/** The name of a lab that has none of its own. */
export const DEFAULT_CLUSTER_NAME = 'lab'

const NODE_NAME = /^[\w.-]{1,60}$/

/** How nodes that share a database find each other. */
export const cluster = mapping(() => ({
  name: z
    .string()
    .regex(CLUSTER_NAME, 'write up to 40 lower-case letters, digits and underscores')
    .default(DEFAULT_CLUSTER_NAME)
    .describe(
      'Name of the lab in the database: the PostgreSQL schema of its tables. Several labs can share a database.',
    )
    .meta({ examples: ['lab'] }),
  node: z
    .string()
    .regex(NODE_NAME, 'write up to 60 letters, digits, dots, hyphens and underscores')
    .default('auto')
    .describe('Name of this node, different on each. auto: the name of the machine and a random number.')
    .meta({ examples: ['node-1'] }),
  keySecret: z
    .string()
    .min(16, 'write at least 16 characters; openssl rand -base64 32 makes a secret')
    .optional()
    .describe(
      'Secret that encrypts the private keys of the certificates in the database, the same on all nodes. Default: they are not encrypted.',
    )
    .meta({ examples: ['Xk3vQ0rN1sLw8yTzGm5bHc7d'], writeOnly: true }),
  keySecretFile: secretFile('secret for private keys', '/run/secrets/keys'),
  keySecretFallback: z
    .string()
    .min(16, 'write at least 16 characters')
    .optional()
    .describe(
      'Secret that decrypts the private keys which keySecret does not, while the secret changes. A start encrypts all keys by keySecret.',
    )
    .meta({ examples: ['m9Pd2Wc6Ue4Kf8Rj1Ah7Zt3V'], writeOnly: true }),
  keySecretFallbackFile: secretFile('other secret for private keys', '/run/secrets/old-keys'),
}))

/** A rule that deletes old messages from some folders. */
export const retention = mapping(() => ({
  folders: z
    .string()
    .min(1)
    .default('*')
    .describe('Names of folders and newsgroups. * matches any text.')
    .meta({ examples: ['lab.*'] }),
  keep: keep
    .refine((limits) => Object.values(limits).some((limit) => limit !== undefined), 'write an age, a count or a size')
    .describe('Messages to keep in each folder; the others are deleted.')
    .meta({ examples: [{ age: '30d' }] }),
}))
