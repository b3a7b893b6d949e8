// A sign-up with a code by mail, for the end-to-end recipes of docs/recipes/.
//   SMTP_HOST=localhost SMTP_PORT=3025 NODE_EXTRA_CA_CERTS=lab-ca.pem node server.mjs
import { randomInt } from 'node:crypto'
import { createServer } from 'node:http'
import nodemailer from 'nodemailer'

const { SMTP_HOST: host = 'localhost', SMTP_PORT = '3025', PORT = '3000' } = process.env
const transport = nodemailer.createTransport({ host, port: Number(SMTP_PORT), requireTLS: true })
const codes = new Map()

const escaped = (text) => text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`)
const page = (body) => `<!doctype html><html lang="en"><title>Shop</title><main>${body}</main></html>`
const form = (action, label, fields, button) =>
  page(`<form method="post" action="${action}"><label>${label} ${fields}</label> <button>${button}</button></form>`)

async function signUp({ email = '' }) {
  const code = String(randomInt(100_000, 1_000_000))
  codes.set(email, code)
  const text = `Your code is ${code}.`
  await transport.sendMail({ from: 'Shop <shop@lab.test>', to: email, subject: 'Your code', text })
  const hidden = `<input type="hidden" name="email" value="${escaped(email)}">`
  return form('/confirm', 'Code', `<input name="code" inputmode="numeric">${hidden}`, 'Confirm')
}

function confirm({ email = '', code }) {
  const isRight = code !== undefined && codes.get(email) === code
  return page(isRight ? `<h1>Welcome, ${escaped(email)}</h1>` : '<h1>Wrong code</h1>')
}

const pages = {
  'GET /': () => form('/sign-up', 'Email', '<input name="email" type="email">', 'Sign up'),
  'POST /sign-up': signUp,
  'POST /confirm': confirm,
}

createServer(async (request, response) => {
  const show = pages[`${request.method} ${request.url}`]
  let body = ''
  for await (const chunk of request) body += chunk
  try {
    const html = await show?.(Object.fromEntries(new URLSearchParams(body)))
    response.writeHead(show ? 200 : 404, { 'Content-Type': 'text/html; charset=utf-8' }).end(html)
  } catch (error) {
    response.writeHead(500).end(error.message)
  }
}).listen(Number(PORT), () => console.log(`http://localhost:${PORT}`))
