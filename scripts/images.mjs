// Draws docs/images/*.svg: `npm run docs:images`. Needs a built tree: start.svg shows what `sealpost start` prints.
import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const images = join(root, 'docs/images')
const FONT = 'font-family="system-ui, -apple-system, \'Segoe UI\', sans-serif"'
const escape = (text) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')

// ── The architecture ────────────────────────────────────────────────────────────────────────────────────────────────

const BOX_HEIGHT = 64
const COLOURS = {
  outside: ['#f3f4f6', '#6b7280'],
  wire: ['#dbeafe', '#2563eb'],
  protocol: ['#dcfce7', '#16a34a'],
  data: ['#fef3c7', '#d97706'],
  certificate: ['#fce7f3', '#db2777'],
}
/** name: [x, y, width, colour, title, subtitle] */
const boxes = {
  client: [20, 40, 176, 'outside', 'Mail or news client', 'nodemailer, Thunderbird, curl'],
  listener: [232, 40, 176, 'wire', 'Listener', 'reads every ClientHello'],
  connection: [444, 40, 176, 'wire', 'Connection', 'lines, STARTTLS, limits'],
  session: [656, 40, 176, 'protocol', 'Protocol session', 'SMTP · POP3 · IMAP4 · NNTP'],
  store: [868, 100, 176, 'data', 'Message store', 'memory or LMDB'],
  context: [232, 160, 176, 'certificate', 'Secure context', 'certificate + TLS policy'],
  log: [444, 160, 176, 'data', 'Session log', 'transcript, TLS facts, why'],
  delivery: [656, 160, 176, 'protocol', 'Delivery', 'mailbox, newsgroup, capture'],
  waiters: [868, 220, 176, 'outside', 'Your test', 'lab.waitForMessage()'],
  yaml: [20, 280, 176, 'outside', 'lab.yaml', 'or startLab({ … })'],
  certificates: [232, 280, 176, 'certificate', 'Certificate store', 'request, install, renew'],
  authority: [444, 280, 176, 'certificate', 'Authorities', 'own root, ACME, OCSP, CRL'],
}
/** [from, to, label]; from side to side, or straight up or down in one column */
const arrows = [
  ['client', 'listener', ''],
  ['listener', 'connection', ''],
  ['connection', 'session', ''],
  ['session', 'store', ''],
  ['delivery', 'store', ''],
  ['context', 'listener', 'handshake'],
  ['connection', 'log', 'records'],
  ['session', 'delivery', 'a message'],
  ['store', 'waiters', 'events'],
  ['certificates', 'context', 'hot swap'],
  ['authority', 'certificates', ''],
  ['yaml', 'certificates', ''],
]

function box([x, y, width, colour, title, subtitle]) {
  const [fill, stroke] = COLOURS[colour]
  const middle = x + width / 2
  return `<rect x="${x}" y="${y}" width="${width}" height="${BOX_HEIGHT}" rx="8" fill="${fill}" stroke="${stroke}"/>
<text x="${middle}" y="${y + 27}" text-anchor="middle" font-size="14" font-weight="600" fill="#111827">${escape(title)}</text>
<text x="${middle}" y="${y + 46}" text-anchor="middle" font-size="10.5" fill="#374151">${escape(subtitle)}</text>`
}

function arrow([from, to, label]) {
  const [a, b] = [boxes[from], boxes[to]]
  const centre = ([x, y, width]) => [x + width / 2, y + BOX_HEIGHT / 2]
  const [[ax, ay], [bx, by]] = [centre(a), centre(b)]
  const isFlat = ax !== bx
  const [x1, y1] = isFlat
    ? [ax + (Math.sign(bx - ax) * a[2]) / 2, ay]
    : [ax, ay + (Math.sign(by - ay) * BOX_HEIGHT) / 2]
  const [x2, y2] = isFlat
    ? [bx - (Math.sign(bx - ax) * b[2]) / 2, by]
    : [bx, by - (Math.sign(by - ay) * BOX_HEIGHT) / 2]
  const text = label
    ? `<text x="${x1 + 8}" y="${(y1 + y2) / 2 + 4}" font-size="11" fill="#4b5563">${escape(label)}</text>`
    : ''
  return `<line x1="${x1}" y1="${y1}" x2="${x2}" y2="${y2}" stroke="#4b5563" stroke-width="1.5" marker-end="url(#head)"/>${text}`
}

const architecture = () => `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1064 364" role="img" ${FONT}>
<title>How a connection and a certificate travel through Sealpost</title>
<defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path d="M0 0 8 4 0 8z" fill="#4b5563"/></marker></defs>
<rect width="1064" height="364" rx="12" fill="#ffffff"/>
${Object.values(boxes).map(box).join('\n')}
${arrows.map(arrow).join('\n')}
</svg>
`

// ── The start of a lab ──────────────────────────────────────────────────────────────────────────────────────────────

const sealpost = join(root, 'dist/src/cli/main.js')

/** Starts the lab of config/default.yaml. Returns what it prints until it is ready, and what two commands print then. */
async function outputs() {
  const folder = mkdtempSync(join(tmpdir(), 'sealpost-images-'))
  const env = { ...process.env, SEALPOST_CERTIFICATES: join(folder, 'certs'), NO_COLOR: '1' }
  const lab = spawn(process.execPath, [sealpost, 'start', '--log-level', 'silent'], { cwd: root, env })
  try {
    let output = ''
    for await (const chunk of lab.stdout) {
      output += chunk
      if (/^ready$/m.test(output)) break
    }
    if (!/^ready$/m.test(output)) throw new Error(`sealpost start did not become ready:\n${output}`)
    const curl = spawnSync('curl', ['-sS', ...ENVELOPE, '--upload-file', '/dev/null', SERVER], { cwd: root, env })
    const sessions = spawnSync(process.execPath, [sealpost, 'sessions', '--failed'], { cwd: root, env })
    const refused = [
      `$ curl ${ENVELOPE.join(' ')} --upload-file mail ${SERVER}`,
      curl.stderr.toString().split('\n')[0],
      '$ npx sealpost sessions --failed',
      sessions.stdout.toString().trimEnd(),
    ]
    return { start: output.trimEnd(), refused: refused.map(wrapped).join('\n') }
  } finally {
    lab.kill()
    rmSync(folder, { recursive: true, force: true })
  }
}

const SERVER = 'smtp://localhost:3025'
const ENVELOPE = ['--ssl-reqd', '--mail-from', 'shop@app.test', '--mail-rcpt', 'alice@lab.test']

/** Breaks a line at spaces where a terminal of the picture's width would. */
const wrapped = (line) => line.replaceAll(/(?=.{84})(.{1,83}) /g, '$1\n  ')

function terminal(title, text) {
  const lines = text.split('\n')
  const [LINE, LEFT, TOP] = [19, 20, 58]
  const height = TOP + lines.length * LINE + 8
  const rows = lines.map(
    (line, i) =>
      `<text x="${LEFT}" y="${TOP + i * LINE}" xml:space="preserve" fill="${line.startsWith('$') ? '#93c5fd' : '#e5e7eb'}">${escape(line)}</text>`,
  )
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 720 ${height}" role="img" font-family="ui-monospace, 'SF Mono', Menlo, Consolas, 'DejaVu Sans Mono', monospace" font-size="13.5">
<title>${escape(title)}</title>
<rect width="720" height="${height}" rx="10" fill="#111827"/>
<circle cx="22" cy="20" r="6" fill="#ef4444"/><circle cx="42" cy="20" r="6" fill="#f59e0b"/><circle cx="62" cy="20" r="6" fill="#10b981"/>
${rows.join('\n')}
</svg>
`
}

writeFileSync(join(images, 'architecture.svg'), architecture())
const { start, refused } = await outputs()
writeFileSync(join(images, 'start.svg'), terminal('npm start: the lab is running', `$ npm start\n${start}`))
writeFileSync(
  join(images, 'refused.svg'),
  terminal('curl does not trust the lab, and sealpost sessions says why and what to do', refused),
)
