import { mapping } from './mapping.ts'
import { timeLimit } from './values.ts'

/** How a lab ends that a balancer or an orchestrator stops with SIGTERM. */
export const drain = mapping(() => ({
  delay: timeLimit
    .optional()
    .describe(
      'How long the lab still accepts clients after SIGTERM while /readyz already answers 503, so that a balancer sends new clients elsewhere before the ports close. Default: 0s; 5s with `store.postgres`.',
    )
    .meta({ examples: ['5s'] }),
  timeout: timeLimit
    .prefault('8s')
    .describe(
      'How long sessions may then take to finish what they do, such as the transfer of a message. Sessions without work end immediately.',
    ),
}))
