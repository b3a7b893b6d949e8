/** Returns a message of about `octets` octets: headers, then text in lines of 76 characters. No line starts with a dot. */
export function mailOf(octets: number, number = 0): Buffer {
  const head = [
    'From: Alice <alice@lab.test>',
    'To: Bob <bob@lab.test>',
    `Subject: Message ${number}`,
    'Date: Thu, 01 Jan 2026 00:00:00 +0000',
    `Message-ID: <bench.${number}.${octets}@lab.test>`,
    'MIME-Version: 1.0',
    'Content-Type: text/plain; charset=utf-8',
    '',
    '',
  ].join('\r\n')
  const line = `${'The quick brown fox jumps over the lazy dog and runs on. '.repeat(2).slice(0, 76)}\r\n`
  const lines = Math.max(1, Math.ceil((octets - head.length) / line.length))
  return Buffer.from(head + line.repeat(lines), 'latin1')
}
