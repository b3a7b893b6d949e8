import { expect, it } from 'vitest'
import { useRecipes } from './use-recipes.ts'

const recipes = useRecipes()

/** The files that `nest new` writes, and the rest of the application. */
const application = {
  'tsconfig.json': '{ "compilerOptions": { "experimentalDecorators": true, "emitDecoratorMetadata": true } }',
  'vitest.config.ts': `export default { test: { include: ['**/*.e2e-spec.ts'] } }`,
  'src/app.module.ts': `
import { Body, Controller, Module, Post } from '@nestjs/common'
import { MailModule, MailService } from './mail.module'

@Controller('sign-up')
class SignUpController {
  constructor(private readonly mail: MailService) {}

  @Post()
  async signUp(@Body() { email }: { email: string }) {
    await this.mail.sendCode(email, '123456')
  }
}

@Module({ imports: [MailModule], controllers: [SignUpController] })
export class AppModule {}
`,
}

it('passes its test, which fails without TLS', async () => {
  const recipe = await recipes.open('nestjs')
  for (const [path, text] of Object.entries(application)) recipe.write(path, text)
  const { status, stdout, stderr } = await recipe.run()
  expect([status, stdout], stdout + stderr).toEqual([0, expect.stringMatching(/Tests +1 passed/)])

  recipe.edit(
    'test/sign-up.e2e-spec.ts',
    "tenant.nodemailer('shop')",
    "{ ...tenant.nodemailer('shop'), requireTLS: false, ignoreTLS: true }",
  )
  const broken = await recipe.run()
  expect([broken.status, broken.stdout]).toEqual([1, expect.stringMatching(/Tests +1 failed/)])
})
