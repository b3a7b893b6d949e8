// Writes the results of docs/client-audit.md: versions, a table for each protocol, and what the unsafe and unable rows mean.

const signs = { safe: '·', unsafe: '**UNSAFE**', lax: 'lax', unable: 'unable', untested: '?' }
const titles = { smtp: 'SMTP', pop3: 'POP3', imap4: 'IMAP4', nntp: 'NNTP' }

/** Returns one cell: the verdict for both forms, or one for each. */
function cell(rows, name) {
  const found = rows.filter((row) => row.name === name)
  const verdicts = [...new Set(found.map(({ verdict }) => signs[verdict]))]
  if (verdicts.length <= 1) return verdicts[0] ?? ''
  return found.map(({ form, verdict }) => `${signs[verdict]} (${form})`).join(', ')
}

const line = (cells) => `| ${cells.join(' | ')} |`

function tableOf(protocol, clients) {
  const columns = clients
    .filter(({ protocols }) => protocols.includes(protocol))
    .map(({ title, form, rows }) => ({
      heading: form === 'implicit' ? `${title} ¹` : title,
      rows: rows.filter((row) => row.protocol === protocol),
    }))
  const names = new Map(columns.flatMap(({ rows }) => rows.map(({ name, expectation }) => [name, expectation])))
  return [
    `### ${titles[protocol]}`,
    '',
    line(['Server', 'A safe client would', ...columns.map(({ heading }) => heading)]),
    line(['---', '---', ...columns.map(() => '---')]),
    ...[...names].map(([name, expectation]) =>
      line([`\`${name}\``, expectation, ...columns.map(({ rows }) => cell(rows, name))]),
    ),
    '',
  ]
}

/** Longest text of a message in the table of details. */
const MAX_MESSAGE = 140

const escaped = (text) =>
  text
    .replaceAll('|', '\\|')
    .replaceAll('<', '&lt;')
    .replaceAll(/\/tmp\/[\w./-]+/g, '…')

/** Returns the rows of the unsafe and unable results; servers with the same result share a row. */
function details(clients) {
  const grouped = new Map()
  for (const { title, rows } of clients) {
    for (const { verdict, name, protocol, form, reason, detail } of rows) {
      if (verdict !== 'unsafe' && verdict !== 'unable') continue
      const key = [verdict, title, `${protocol} ${form}`, reason].join('\n')
      const row = grouped.get(key) ?? { verdict, title, where: `${protocol} ${form}`, reason, detail, names: [] }
      row.names.push(name)
      grouped.set(key, row)
    }
  }
  return [...grouped.values()].map(({ verdict, title, where, reason, detail, names }) =>
    line([
      ...[verdict, title, where, names.map((name) => `\`${name}\``).join(', '), escaped(reason)],
      detail === 'accepted' ? '' : escaped(detail).slice(0, MAX_MESSAGE),
    ]),
  )
}

/** Returns the text between the markers. */
export function measured(clients) {
  const dates = clients.map(({ date }) => date).sort()
  const when = dates[0] === dates.at(-1) ? `on ${dates[0]}` : `from ${dates[0]} to ${dates.at(-1)}`
  return [
    `Measured ${when}, with`,
    '',
    ...clients.map(({ version }) => `- ${version}`),
    '',
    '¹ implicit TLS only, because the client does not support STARTTLS',
    '',
    ...Object.keys(titles).flatMap((protocol) => tableOf(protocol, clients)),
    '### Details',
    '',
    '| Verdict | Client | | Servers | Why | The client’s message |',
    '|---|---|---|---|---|---|',
    ...details(clients),
  ].join('\n')
}
