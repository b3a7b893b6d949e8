import type { Tool } from '../tool.ts'
import { administrationTools } from './administration.ts'
import { auditClient } from './audit.ts'
import { messageTools } from './messages.ts'
import { sessionTools } from './sessions.ts'
import { verifyServer } from './verify.ts'

/** Every tool, in the order of the documentation. */
export const tools: readonly Tool[] = [
  ...messageTools,
  ...sessionTools,
  verifyServer,
  auditClient,
  ...administrationTools,
]
