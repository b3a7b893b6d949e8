// Takes pictures of the pages of the console, of a lab with some mail and some refused clients. Needs Debian's chromium and
// a build (npm run build).
//   node scripts/screenshots.mjs [FOLDER]     default: docs/images/console, with the pictures that the documents show
//   node scripts/screenshots.mjs --all FOLDER every page at 1280 and 390 px, light and dark
//   --locale LOCALE                           in another language, such as ja-JP or de-DE (Debian's fonts-noto-cjk)
import { mkdirSync } from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { join } from 'node:path'
import timers from 'node:timers'
import { connect } from 'node:tls'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { createTransport } from 'nodemailer'
import { chromium } from 'playwright-core'

const HOUR_MS = 3_600_000
const INTERVAL_MS = 10_000

/** How long ago the lab believes to be: the overview shows the last hour. */
let behindMs = HOUR_MS
/** The actions of the lab at each interval of its statistics. */
const intervals = []
// The lab takes the clock and the timers of the machine when it is loaded.
const machine = { now: Date.now, setInterval: timers.setInterval }
Date.now = () => machine.now() - behindMs
timers.setInterval = (act, ms, ...rest) => {
  if (ms === INTERVAL_MS) intervals.push(act)
  return machine.setInterval(act, ms, ...rest)
}
syncBuiltinESMExports()
const { startLab } = await import('../dist/src/testing/index.js')

const { values, positionals } = parseArgs({
  options: { all: { type: 'boolean', default: false }, locale: { type: 'string', default: 'en-GB' } },
  allowPositionals: true,
})
const folder = positionals[0] ?? fileURLToPath(new URL('../docs/images/console', import.meta.url))
mkdirSync(folder, { recursive: true })

/** The pages whose pictures the documents show. */
const documented = [
  ...['overview', 'mail', 'news', 'feeds', 'access', 'wizard', 'session', 'outgoing', 'verify', 'client-settings'],
  ...['lab', 'history', 'checks', 'first-visit'],
]

const messages = [
  ['Shop <shop@app.test>', 'alice@lab.test', 'Your order 4711 has been sent', 'Parcel 00340 arrives on Friday.'],
  [
    'Bank <no-reply@bank.test>',
    'customer@gmail.com',
    'Your code is 482915',
    'Enter 482915 to log on. It is valid for ten minutes.',
  ],
  ['Anna Weber <anna@team.test>', 'bob@lab.test', 'Minutes of Monday', 'Please read them before Thursday.'],
  ['Newsletter <news@app.test>', 'alice@lab.test', 'What is new in November', 'Three small things that save time.'],
]

/** Articles: a name for References, who, subject, text, and the names of those above it in its thread. */
const articles = [
  [
    'b1',
    'Carol Diaz <carol@app.test>',
    'Outlook Express and TLS 1.0',
    'It refuses the chain since the renewal. Does it want the whole chain in one file?',
  ],
  [
    'b2',
    'Bob Tanaka <bob@lab.test>',
    'Re: Outlook Express and TLS 1.0',
    'It needs the intermediate in the store of Windows.',
    'b1',
  ],
  ['c1', 'Anna Weber <anna@lab.test>', 'Maintenance on Friday', 'The lab restarts at 18:00.'],
  [
    'a1',
    'Anna Weber <anna@lab.test>',
    'Which suites does tin 2.6 offer?',
    'I see alert 40 with tin 2.6. The policy is "modern". Does anybody know which suites it offers?',
  ],
  [
    'a2',
    'Bob Tanaka <bob@lab.test>',
    'Re: Which suites does tin 2.6 offer?',
    '> Does anybody know which suites it offers?\n\nThe defaults of GnuTLS, TLS 1.3 first. The page Sessions shows its ClientHello.',
    'a1',
  ],
  [
    'a3',
    'Anna Weber <anna@lab.test>',
    'Re: Which suites does tin 2.6 offer?',
    'Found it, thank you. The priority string was wrong.',
    'a1 a2',
  ],
  [
    'a4',
    'Carol Diaz <carol@app.test>',
    'Priority strings (was: Which suites …)',
    'For the archive: NORMAL:-VERS-TLS1.1 is enough.',
    'a1 a2 a3',
  ],
  [
    'a5',
    'Carol Diaz <carol@app.test>',
    'Re: Which suites does tin 2.6 offer?',
    'slrn with OpenSSL is fine here.',
    'a1',
  ],
]

const html = (subject, text) =>
  `<div style="font-family: sans-serif; max-width: 36em; margin: 24px auto">
    <h1 style="font-size: 22px">${subject}</h1><p>${text}</p>
    <p><a href="https://app.test/orders/4711" style="background: #1d5fd6; color: #fff; padding: 10px 18px; border-radius: 6px; text-decoration: none">Show</a></p>
  </div>`

/** Lets an hour pass in moments, with a mail or a client every few minutes. */
async function passAnHour(lab) {
  const transport = createTransport(lab.nodemailer('alice'))
  for (let at = 0; at < HOUR_MS; at += INTERVAL_MS) {
    const minute = at / 60_000
    const busy = Math.sin(minute / 5) + Math.sin(minute / 2.3)
    if (at > HOUR_MS / 6 && busy > 0.4 && (at / INTERVAL_MS) % 3 === 0) {
      const to = minute % 4 < 1 ? ['alice@lab.test', 'customer@gmail.com'] : ['bob@lab.test']
      await transport.sendMail({
        from: 'shop@app.test',
        to,
        subject: `Order ${4000 + at / INTERVAL_MS}`,
        text: 'Sent.',
      })
    }
    if (minute % 17 === 9) await post(lab)
    if (minute % 13 === 8) await openTls(lab, {})
    behindMs -= INTERVAL_MS
    for (const act of intervals) act()
  }
  transport.close()
}

async function post(lab) {
  await fetch(`http://127.0.0.1:${lab.server('http').port}/api/v1/articles`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ newsgroups: ['lab.general'], subject: 'Minutes', text: 'Hello' }),
  })
}

/** Connects to IMAP4 by TLS. Without the root of the lab, the client refuses the certificate. */
function openTls(lab, tls) {
  const options = { host: '127.0.0.1', port: lab.server('imap4').tlsPort, servername: 'localhost', ...tls }
  return new Promise((resolve) => {
    connect(options)
      .on('error', () => {})
      .on('close', resolve)
  })
}

async function fill(lab) {
  const transport = createTransport(lab.nodemailer('alice'))
  for (const [from, to, subject, text] of messages) {
    await transport.sendMail({ from, to, subject, text, html: html(subject, text) })
  }
  await transport
    .sendMail({ from: 'alice@lab.test', to: 'zoe@lab.test', subject: 'Hello', text: 'Hello' })
    .catch(() => {})
  transport.close()
  await lab.faults.add({
    name: 'greylisting',
    when: { protocol: 'smtp', verb: 'RCPT', matching: 'greylisted' },
    do: { reply: '451 4.7.1 Greylisted, try again later' },
    times: 1,
  })
  // An old client, and one that does not trust the lab.
  await openTls(lab, { maxVersion: 'TLSv1.1', minVersion: 'TLSv1', ciphers: 'ALL:@SECLEVEL=0' })
  await openTls(lab, {})
}

/** Changes the configuration. */
async function configure(base) {
  for (const [path, value] of [
    ['/virtualServers/Default POP3 Virtual Server/requireSecureChannel', true],
    ['/directory/accounts/1/quota', { size: '20MiB' }],
    ['/dns', { port: 0, zones: { 'shop.test': { records: ['@ MX 10 mail', 'mail A 127.0.0.1'] } } }],
  ]) {
    const response = await fetch(`${base}/api/v1/configuration`, {
      method: 'PATCH',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ changes: [{ op: 'set', path, value }] }),
    })
    if (!response.ok) throw new Error(await response.text())
  }
}

/** Verifies the lab. Returns the job, and the first cell that is worth opening. */
async function verifyLab(base) {
  const jobs = `${base}/api/v1/jobs`
  const started = await fetch(`${base}/api/v1/verify`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ user: 'alice' }),
  })
  const { id } = await started.json()
  for (;;) {
    const { state, result } = await (await fetch(`${jobs}/${id}`)).json()
    if (state !== 'running') {
      const column = result.endpoints.findIndex(({ checks }) => checks.some(({ outcome }) => outcome === 'warn'))
      const finding = result.endpoints[column].checks.find(({ outcome }) => outcome === 'warn')
      return { verify: id, cell: `${finding.check}@${column}` }
    }
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
}

/** Releases mail. The next host accepts some, defers some, and one host does not answer. */
async function release(lab, base) {
  const call = (path, body) =>
    fetch(`${base}/api/v1/${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
  for (const to of ['dev@example.test', 'customer@gmail.com', 'orders@partner.test'])
    await call('messages/release', { query: 'subject:"Your code" captured:yes', to: [to] })
  await lab.waitForSent({ to: 'dev@example.test' })
  await lab.waitForDeferred({ to: 'customer@gmail.com' })
  await lab.waitForDeferred({ to: 'orders@partner.test' })
}

/** The next host of the connectors. */
const outside = await startLab({ hostname: 'mx.example.test', virtualServers: [{ protocol: 'smtp' }] })
await outside.faults.add({
  when: { verb: 'RCPT', matching: 'gmail' },
  do: { reply: '451 4.7.1 Greylisted, try again later' },
})

/** A lab that has no mail. */
const empty = await startLab({
  directory: { accounts: [{ user: 'alice', password: 'secret' }] },
  virtualServers: ['smtp', 'imap4', 'http'].map((protocol) => ({ protocol })),
})

const lab = await startLab({
  directory: { unknown: 'refuse', accounts: ['alice', 'bob'].map((user) => ({ user, password: 'secret' })) },
  connectors: [
    {
      name: 'Default SMTP Connector',
      smartHost: { host: '127.0.0.1', port: outside.server('smtp').port, tls: 'encrypt' },
      deny: ['*@customer.example'],
    },
    // Nothing listens there.
    { name: 'Partners', domains: ['partner.test', '*.partner.test'], smartHost: { host: '127.0.0.1', port: 9 } },
  ],
  newsgroups: [
    { name: 'lab.general', description: 'General talk' },
    { name: 'lab.announce', description: 'Announcements', posting: 'moderated', moderator: 'alice@lab.test' },
    { name: 'lab.tls', description: 'Handshakes and certificates', expireAfter: '30d' },
  ],
  virtualServers: [
    { protocol: 'smtp' },
    { protocol: 'pop3' },
    { protocol: 'imap4', requireSecureChannel: true },
    {
      protocol: 'nntp',
      require128BitEncryption: true,
      // Nothing listens there.
      feeds: [{ peer: 'news.example.net', direction: 'out', groups: 'lab.*', host: '127.0.0.1', port: 9, tls: 'off' }],
    },
    { protocol: 'http' },
  ],
})
const browser = await chromium.launch({
  executablePath: '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-background-networking', '--no-first-run'],
})

try {
  await passAnHour(lab)
  const base = `http://127.0.0.1:${lab.server('http').port}`
  const read = async (path) => (await fetch(`${base}/api/v1/${path}`)).json()
  for (const [name, from, subject, text, above = ''] of articles) {
    const References = above
      .split(' ')
      .map((one) => `<${one}@lab.test>`)
      .join(' ')
    const headers = { 'Message-ID': `<${name}@lab.test>`, ...(above === '' ? {} : { References }) }
    await fetch(`${base}/api/v1/articles`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ newsgroups: ['lab.tls'], from, subject, text, headers }),
    })
  }
  await configure(base)
  const { verify, cell } = await verifyLab(base)
  // Last, so that the list of mail begins with it.
  await fill(lab)
  await release(lab, base)
  const article = (await read('messages?newsgroup=lab.tls&query=suites&limit=9')).items.find(
    ({ messageId }) => messageId === '<a2@lab.test>',
  ).id
  const message = (await read('messages?query=subject:code')).items[0].id
  const refused = (await read('sessions?protocol=imap4&failed=true')).items
  const session = refused.find((one) => JSON.stringify(one).includes('offers TLSv1.1')).id
  const pages = {
    overview: 'overview',
    mail: `mail/${message}`,
    news: `news/groups/lab.tls/${article}`,
    newsgroups: 'news',
    feeds: 'news/feeds/default-nntp-virtual-server-out-news-example-net',
    servers: 'servers',
    access: 'servers/default-imap4-virtual-server?tab=access',
    certificates: 'certificates',
    wizard: 'certificates/wizard',
    authorities: 'authorities',
    sessions: 'sessions',
    session: `sessions/${session}?tab=tls`,
    outgoing: `outgoing/queue/${lab.queue().find(({ recipients }) => recipients[0].address.endsWith('gmail.com')).id}`,
    faults: 'faults',
    'verify-jobs': 'verify',
    verify: `verify/${verify}?cell=${cell}`,
    'client-settings': 'client-settings?account=alice',
    profile: 'client-settings?account=alice&program=apple-mail',
    recipe: 'client-settings?recipe=nodemailer',
    general: 'servers/default-imap4-virtual-server',
    checks: `mail/${message}?tab=check`,
    lab: 'lab',
    'lab-account': 'lab/accounts/alice',
    zones: 'lab/zones',
    history: 'lab/history',
    'first-visit': `http://127.0.0.1:${empty.server('http').port}/mail`,
  }
  const looks = values.all
    ? [1280, 390].flatMap((width) =>
        ['light', 'dark'].map((colorScheme) => ({
          names: Object.keys(pages),
          width,
          colorScheme,
          suffix: `-${width}-${colorScheme}`,
        })),
      )
    : [
        { names: documented, width: 1280, colorScheme: 'light', suffix: '' },
        { names: ['mail'], width: 1280, colorScheme: 'dark', suffix: '-dark' },
        { names: ['mail', 'overview', 'session'], width: 390, colorScheme: 'light', suffix: '-phone' },
      ]
  for (const { names, width, colorScheme, suffix } of looks) {
    const context = await browser.newContext({ viewport: { width, height: 800 }, colorScheme, locale: values.locale })
    for (const name of names) {
      const page = await context.newPage()
      await page.goto(new URL(pages[name], `${base}/`).href)
      await page.locator('main :is(h2, form, table, ul):visible').first().waitFor()
      await page.waitForTimeout(500)
      const file = join(folder, `${name}${suffix}.png`)
      await page.screenshot({ path: file })
      console.log(file)
      await page.close()
    }
    await context.close()
  }
} finally {
  await browser.close()
  await lab.stop()
  await outside.stop()
  await empty.stop()
}
