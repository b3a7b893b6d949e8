import { z } from 'zod'
import { eventNames } from './event-names.ts'
import { mapping } from './mapping.ts'
import { listenAddress, secretFile, timeLimit } from './values.ts'

/** Hosts that jobs of the HTTP API may examine. */
export const verifyJobs = mapping(() => ({
  targets: z
    .array(z.string().min(1))
    .default([])
    .describe(
      'Hosts that `POST /api/v1/verify` may connect to, besides the virtual servers of the lab and loopback addresses: names and IP addresses.',
    )
    .meta({ examples: [['mail.example.test']] }),
}))

/** Where jobs of the HTTP API open bad servers. */
export const auditJobs = mapping(() => ({
  address: listenAddress.describe(
    'Address on which `POST /api/v1/audit` opens bad servers. 0.0.0.0 (IPv4) and :: (all) let clients on other machines connect.',
  ),
  firstPort: z
    .number()
    .int()
    .min(1)
    .max(65_000)
    .optional()
    .describe(
      'First of the 430 ports of bad servers, which have the order of config/badmail.yaml. Default: free ports.',
    )
    .meta({ examples: [20_000] }),
}))

/** A program that calls the HTTP API with a token of its own. */
export const token = mapping(() => ({
  name: z
    .string()
    .min(1)
    .describe('Name of the token, for the log.')
    .meta({ examples: ['ci'] }),
  role: z
    .enum(['administrator', 'reader', 'tenant'])
    .default('administrator')
    .describe(
      'administrator: everything. reader: reads everything, and changes nothing. tenant: only the accounts whose names begin with the name of the token and a hyphen.',
    ),
  token: z
    .string()
    .min(16)
    .optional()
    .describe('The token itself, at least 16 characters.')
    .meta({ examples: ['change-me-change-me'], writeOnly: true }),
  tokenFile: secretFile('token', '../ci.token'),
}))

const RETRIES = ['1s', '5s', '30s', '2m', '10m', '30m', '1h']
/** Pauses between the attempts to send an event, in milliseconds. */
export const webhookRetries = RETRIES.map((text) => timeLimit.parse(text))

const webhookEvents = z.enum(eventNames).exclude(['log', 'lab.stopping', 'events.lost'])

/** A program that is told of events. https://www.standardwebhooks.com */
export const webhook = mapping(() => ({
  url: z
    .url({ protocol: /^https?$/, error: 'write a URL such as http://127.0.0.1:9000/hook' })
    .describe('Where events are sent, by POST. Redirects are not followed.')
    .meta({ examples: ['http://127.0.0.1:9000/hook'] }),
  events: z
    .array(webhookEvents)
    .min(1)
    .default(['message.received'])
    .describe('The events that are sent.')
    .meta({ examples: [['message.received', 'session.refused']] }),
  format: z
    .enum(['standard', 'mailpit'])
    .default('standard')
    .describe(
      'What is sent. standard: the event and its time (Standard Webhooks). mailpit: the summary of a message as Mailpit has it, for each message that arrives.',
    ),
  filter: z
    .string()
    .min(1)
    .optional()
    .describe(
      'A search that the message of an event must match. Events without a message are then not sent. For message.deleted, it cannot need the content of the message.',
    )
    .meta({ examples: ['to:shop@'] }),
  secret: z
    .string()
    .regex(
      /^(?:whsec_)?[A-Za-z0-9+/]{32,}=*$/,
      'write at least 24 octets in base64; create one: openssl rand -base64 32',
    )
    .optional()
    .describe('The key of the signatures: at least 24 octets in base64, with or without `whsec_` before it.')
    .meta({ examples: ['whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'], writeOnly: true }),
  secretFile: secretFile('key', '../hook.secret'),
  authority: z
    .string()
    .min(1)
    .optional()
    .describe(
      'https: PEM file with the roots of the receiver, relative to this file. Default: the roots of the lab and of the system.',
    )
    .meta({ examples: ['../hook-root.pem'] }),
  timeout: timeLimit.prefault('10s').describe('Longest wait for an answer.'),
  retries: z
    .array(timeLimit)
    .prefault(RETRIES)
    .describe('Pauses before the further attempts if the receiver does not answer with a status of 200 to 299.'),
}))
