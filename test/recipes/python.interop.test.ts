import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { needsModule } from '../support/programs.ts'
import { debianFirst, describeRecipe } from './describe-recipe.ts'
import { useRecipes } from './use-recipes.ts'

const modules = [
  'aiosmtplib',
  'django',
  'fastapi',
  'flask',
  'flask_mail',
  'httpx',
  'pip',
  'pytest',
  'requests',
  'setuptools',
]
const isInstalled = modules.map((name) => needsModule('python', name)).every(Boolean)

const pytest = { untrusted: /CERTIFICATE_VERIFY_FAILED/, passes: /\b1 passed\b/, fails: /\b1 failed\b/ }

const LIBRARY = fileURLToPath(new URL('../../clients/python', import.meta.url))
const INSTALL_LIBRARY = `cp -r '${LIBRARY}' library
python3 -m pip install --quiet --root-user-action=ignore --no-build-isolation --no-index --target installed ./library
rm -r library`

if (isInstalled) {
  describeRecipe('python', {
    ...pytest,
    // pip builds from a copy, because it writes into the folder.
    instead: { 'pip install pytest ../sealpost/clients/python': INSTALL_LIBRARY },
    env: { PYTHONPATH: 'installed' },
    spoiled: [['mailer.py', 'is {code}', 'comes later']],
  })
  describeRecipe('flask', { ...pytest, spoiled: [['app.py', 'is 123456', 'comes later']] })
  describeRecipe('fastapi', { ...pytest, spoiled: [['app.py', 'is {code}', 'comes later']] })
  describeRecipe('django', {
    untrusted: /CERTIFICATE_VERIFY_FAILED/,
    passes: /Ran 1 test .*\s+OK/,
    spoiled: [
      ['shop/tests.py', '@override_settings', '# @override_settings'],
      ['shop/tests.py', '10s', '1ms'],
    ],
    fails: /no message[^]*FAILED \(failures=1\)/,
  })
}

const recipes = useRecipes()
it.skipIf(!isInstalled)('Flask-Mail accepts every certificate, as the page about Flask says', async () => {
  const recipe = await recipes.open('flask', { env: debianFirst })
  recipe.writeFiles()
  recipe.write('send.py', recipe.here(withFlaskMail))
  await recipes.lab.useCertificate({ defect: 'untrusted-root' })
  const { status, stderr } = await recipe.sh('python3 send.py')
  expect(status, stderr).toBe(0)
  const { session } = await recipes.lab.waitForMessage('you@example.com')
  expect(session).toMatchObject({ user: 'alice', tls: { version: 'TLSv1.3' } })
})

const withFlaskMail = `
from flask import Flask
from flask_mail import Mail, Message

app = Flask(__name__)
app.config.update(MAIL_SERVER="localhost", MAIL_PORT=3025, MAIL_USE_TLS=True)
app.config.update(MAIL_USERNAME="alice", MAIL_PASSWORD="secret")
with app.app_context():
    Mail(app).send(Message("Your code", sender="shop@lab.test", recipients=["you@example.com"], body="123456"))
`
