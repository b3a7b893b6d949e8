import { z } from 'zod'
import { mapping } from './mapping.ts'

/** The tools whose place the lab can take, with their names in text. */
export const likeTitles = {
  mailpit: 'Mailpit',
  mailhog: 'MailHog',
  maildev: 'MailDev',
  smtp4dev: 'smtp4dev',
  greenmail: 'GreenMail',
} as const
export type LikeTool = keyof typeof likeTitles

const tool = z.enum(Object.keys(likeTitles) as [LikeTool, ...LikeTool[]])

/** The place of another tool, as an HTTP virtual server takes it. */
export const like = z.union([
  tool,
  mapping(() => ({
    tool: tool.describe('The tool whose API is at the root.').meta({ examples: ['mailpit'] }),
    users: z
      .array(z.string().min(1))
      .min(1)
      .optional()
      .describe('Accounts that may use the API of the tool. Default: everyone, also without a log-on.')
      .meta({ examples: [['alice']] }),
    path: z
      .string()
      .regex(/^(?:\/[\w.@-]+)+\/?$/, 'write a path such as /mail')
      .transform((text) => text.replace(/\/$/, ''))
      .optional()
      .describe('Path before all paths, as the tool has it behind a proxy. The paths without it work too.')
      .meta({ examples: ['/mail'] }),
    chaos: z
      .boolean()
      .optional()
      .describe('mailpit: whether callers may set Chaos triggers. Default: they may not.')
      .meta({ examples: [true] }),
    cors: z
      .array(z.string().regex(/^(?:\*|[^\s/*]+)$/, 'write a host such as app.example:3000, or "*"'))
      .min(1)
      .optional()
      .describe(
        'Other sites whose pages may use the API of the tool (CORS), as HOST or HOST:PORT; "*" for all. Default: none.',
      )
      .meta({ examples: [['localhost:3000']] }),
    label: z
      .string()
      .min(1)
      .optional()
      .describe('mailpit: the label that the API names. Default: the `hostname` of the lab.')
      .meta({ examples: ['staging'] }),
  })),
])
export type LikeConfig = z.output<typeof like>

/** The keys of the long form. */
export type Like = Exclude<LikeConfig, string>

/** Returns the long form. */
export const likeOf = (like: LikeConfig | undefined): Like | undefined =>
  typeof like === 'string' ? { tool: like } : like
