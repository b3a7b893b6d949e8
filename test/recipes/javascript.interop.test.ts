import { describeRecipe } from './describe-recipe.ts'

const vitest = { passes: /Tests +1 passed/, fails: /Tests +1 failed/, hasOwnLab: true }
const nodeTest = { passes: /# pass 1/, fails: /# fail 1/ }

describeRecipe('nodemailer', {
  ...nodeTest,
  untrusted: /certificate/,
  arrives: { to: 'you@example.com', codes: ['123456'] },
  spoiled: [['mailer.mjs', 'Your code', 'Welcome']],
})

describeRecipe('microsoft-365', {
  passes: /# pass 1/,
  fails: /550 5\.7\.30 Basic authentication is not supported for Client Submission[^]*# fail 1/,
  hasOwnLab: true,
  spoiled: [
    [
      'mailer.mjs',
      "{ type: 'OAuth2', user: SMTP_USER, accessToken: SMTP_TOKEN }",
      '{ user: SMTP_USER, pass: process.env.SMTP_PASSWORD }',
    ],
  ],
})

describeRecipe('imapflow', {
  passes: /Help\n[^]*# pass 1/,
  fails: /# fail 1/,
  hasOwnLab: true,
  session: { protocol: 'imap4', user: 'alice' },
  spoiled: [['inbox.mjs', 'messageFlagsAdd', 'messageFlagsRemove']],
})

describeRecipe('vitest', { ...vitest, spoiled: [['src/mailer.ts', 'requireTLS', 'ignoreTLS']] })

describeRecipe('express', {
  ...vitest,
  passes: /Tests +2 passed/,
  fails: /Tests +1 failed \| 1 passed/,
  spoiled: [['app.mjs', 'status(502)', 'status(202)']],
})

describeRecipe('nestjs', {
  ...vitest,
  spoiled: [
    [
      'test/sign-up.test.ts',
      "tenant.nodemailer('shop')",
      "{ ...tenant.nodemailer('shop'), requireTLS: false, ignoreTLS: true }",
    ],
  ],
})

describeRecipe('jest', {
  passes: /Tests: +1 passed/,
  fails: /Tests: +1 failed/,
  hasOwnLab: true,
  spoiled: [['src/mailer.js', 'Your code', 'Welcome']],
})

describeRecipe('nextjs', {
  ports: [3000],
  env: { NEXT_TELEMETRY_DISABLED: '1' },
  session: { protocol: 'smtp' },
  passes: /1 passed/,
  fails: /1 failed/,
  spoiled: [['app/sign-up/route.js', 'to: email', "to: 'nobody@example.com'"]],
})
