import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { freeOffset } from '../../support/free-ports.ts'
import { needs } from '../../support/programs.ts'
import { runProgram } from '../../support/run-program.ts'
import { type StartedLab, Workplace } from '../../support/sealpost.ts'

/** An application in Python as its authors wrote it for GreenMail: it knows the ports, and no user is set up anywhere. */
const APPLICATION = `
import imaplib, json, os, poplib, smtplib, ssl, urllib.request
from email.message import EmailMessage

host, offset = '127.0.0.1', int(os.environ['OFFSET'])
# GreenMail's certificate is self-signed, so that its users do not verify it.
anyone = ssl._create_unverified_context()

def mail(subject, to):
    message = EmailMessage()
    message['Subject'], message['From'], message['To'] = subject, 'shop@example.com', to
    message.set_content('Your code is 4711')
    return message

with smtplib.SMTP(host, 3025 + offset) as smtp:
    assert not smtp.has_extn('starttls'), 'STARTTLS'
    smtp.send_message(mail('One', 'to@localhost.localdomain'))
with smtplib.SMTP_SSL(host, 3465 + offset, context=anyone) as smtp:
    smtp.login('from@example.com', 'secret')
    smtp.send_message(mail('Two', 'to@localhost.localdomain'))

imap = imaplib.IMAP4(host, 3143 + offset)
imap.login('to@localhost.localdomain', 'secret')
imap.select('INBOX')
found = imap.search(None, 'SUBJECT', 'Two')[1][0].split()
body = imap.fetch(found[0], '(BODY[TEXT])')[1][0][1].decode()
imap.logout()

pop3 = poplib.POP3_SSL(host, 3995 + offset, context=anyone)
pop3.user('to@localhost.localdomain')
pop3.pass_('secret')
count = pop3.stat()[0]
pop3.quit()

api = f'http://{host}:{8080 + offset}/api'
users = json.load(urllib.request.urlopen(f'{api}/user'))
purge = urllib.request.Request(f'{api}/mail/purge', method='POST')
print(json.dumps({
    'found': len(found), 'body': body.strip(), 'count': count,
    'emails': sorted(user['email'] for user in users),
    'purge': json.load(urllib.request.urlopen(purge))['message'],
}))
`

const PORTS = [3025, 3465, 3110, 3995, 3143, 3993, 8080]

describe.skipIf(!needs('python3'))('an application in Python, written for the image of GreenMail', () => {
  let offset: number
  let place: Workplace
  let lab: StartedLab | undefined
  beforeAll(async () => {
    place = new Workplace()
    offset = await freeOffset(PORTS)
    const env = {
      GREENMAIL_OPTS:
        '-Dgreenmail.setup.test.all -Dgreenmail.hostname=127.0.0.1 -Dgreenmail.auth.disabled -Dgreenmail.verbose',
      SEALPOST_PORT_OFFSET: `${offset}`,
    }
    lab = await place.start(['--like', 'greenmail'], { env })
  })
  afterAll(() => lab?.end())

  it('passes unchanged', async () => {
    const { stdout, stderr } = await runProgram('python3', ['-c', APPLICATION], { env: { OFFSET: `${offset}` } })
    expect(stderr).toBe('')
    expect(JSON.parse(stdout)).toEqual({
      found: 1,
      body: 'Your code is 4711',
      count: 2,
      emails: ['from@example.com', 'to@localhost.localdomain'],
      purge: 'Purged mails',
    })
  })
})
