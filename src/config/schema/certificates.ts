import { z } from 'zod'

const keyKinds = ['rsa-2048', 'rsa-3072', 'rsa-4096', 'p256', 'p384', 'ed25519'] as const

const store = z.string().min(1)

export const certificates = z.union([
  store,
  z.strictObject({
    store: store.default('../certs').describe('The folder, or `memory`.'),
    key: z.enum(keyKinds).default('rsa-2048').describe('Key of the certificates that `auto` issues.'),
  }),
])
