import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import nodemailer from 'nodemailer'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { freePorts } from '../support/free-ports.ts'
import { needs } from '../support/programs.ts'
import { startScreen } from '../support/screen.ts'
import { mainFile, Workplace } from '../support/sealpost.ts'

type Screen = Awaited<ReturnType<typeof startScreen>>

describe.skipIf(!needs('tmux'))('on a terminal', () => {
  const place = new Workplace()
  let lab: Screen
  let port = 0

  /** Runs a command in a terminal of its own. Ctrl-C ends the command, not the shell. */
  const open = (command: string, env: Readonly<Record<string, string>> = {}): Promise<Screen> => {
    const { TMPDIR = '', XDG_DATA_HOME = '' } = place.environment()
    const variables = Object.entries({ TMPDIR, XDG_DATA_HOME, XDG_RUNTIME_DIR: '', ...env })
    const assigned = variables.map(([name, value]) => `${name}='${value}'`).join(' ')
    return startScreen(place.folder, ['sh', '-c', `trap : INT; cd '${place.folder}'; ${assigned} ${command}`])
  }
  const sealpost = (args: string): string => `'${process.execPath}' '${mainFile}' ${args}`

  async function send(to: string, subject: string): Promise<void> {
    const transport = nodemailer.createTransport({ port, ignoreTLS: true })
    await transport.sendMail({ from: 'shop@app.test', to, subject, text: 'Your order has been shipped.' })
  }

  beforeAll(async () => {
    const [first, second] = await freePorts(2)
    port = first ?? 0
    for (const [name, number] of [
      ['lab.yaml', first],
      ['quiet.yaml', second],
    ]) {
      place.write(
        `${name}`,
        `store: memory\ncertificates: { store: memory, key: p256 }\ndirectory: { accounts: [{ user: alice, password: secret }] }\nvirtualServers: [{ protocol: smtp, port: ${number} }]\n`,
      )
    }
    lab = await open(`${sealpost('start -c lab.yaml')}; echo left; sleep 60`)
    await lab.shows('ready')
  })
  afterAll(async () => {
    await lab?.press('C-c')
    await lab?.shows('left')
    await lab?.[Symbol.asyncDispose]()
  })

  it('start shows a line for each message and each refusal, and none for sessions', async () => {
    await send('alice@lab.test, bob@elsewhere.test', 'Zażółć – 日本')
    await lab.shows('  smtp   shop@app.test → alice, bob@elsewhere.test  "Zażółć – 日本"  clear text')
    await expect(send('nobody@lab.test', 'Lost')).rejects.toThrow('550')
    await lab.shows('  smtp   127.0.0.1  refused: 550 5.1.1 No mailbox for nobody@lab.test')
    expect(await lab.text()).not.toContain('session ended')
  })

  it('start --quiet shows none of them', async () => {
    await using quiet = await open(`${sealpost('start -c quiet.yaml --quiet')}; echo left; sleep 60`)
    await quiet.shows('ready')
    const { port: before } = { port }
    port = Number(/port: (\d+)/.exec(readFileSync(join(place.folder, 'quiet.yaml'), 'utf8'))?.[1])
    await send('alice@lab.test', 'Unseen').finally(() => {
      port = before
    })
    await quiet.press('C-c')
    await quiet.shows('left')
    expect(await quiet.text()).not.toMatch(/Unseen|session ended/)
  })

  it('mail shows a list that keys control, with new messages as they arrive', async () => {
    await send('alice@lab.test', 'First order')
    await using mail = await open(`${sealpost('mail -c lab.yaml')}; echo left; sleep 60`)
    await mail.shows('First order')
    await send('alice@lab.test', 'Second order')
    await mail.shows('Second order')
    await mail.press('Down', 'Enter')
    await mail.shows('Your order has been shipped.')
    await mail.press('Left')
    await mail.shows('Subject:        Second order')
    await mail.press('q')
    await mail.shows('Enter open')
    await mail.press('/')
    await mail.press('subject:first', 'Enter')
    await mail.shows('1 of 1 for subject:first')
    await mail.press('d')
    await mail.shows('Press d again')
    await mail.press('d')
    await mail.shows('No message matches.')
    await mail.press('/')
    await mail.press('has:nonsense', 'Enter')
    await mail.shows('has:nonsense is not known')
    await mail.press('q')
    await mail.shows('left')
    expect(await mail.text()).not.toContain('RECEIVED')
  })

  it('shows output that is longer than the terminal in the pager, and nothing else', async () => {
    for (let count = 0; count < 50; count++) await send('alice@lab.test', `Order ${count}.`)
    const pager = { PAGER: 'sed s/^/paged:/ >paged.txt' }
    await using long = await open(`${sealpost('mail list --limit 50 -c lab.yaml')}; echo left; sleep 60`, pager)
    await long.shows('left')
    const lines = readFileSync(join(place.folder, 'paged.txt'), 'utf8').trimEnd().split('\n')
    expect(lines).toHaveLength(51)
    expect(lines[1]).toMatch(/^paged:.*Order 49\.$/)
    await using short = await open(`${sealpost('mail list --limit 3 -c lab.yaml')}; echo left; sleep 60`, pager)
    await short.shows('left')
    expect(await short.text()).toContain('Order 49.')
  })

  it('prints the output if there is no such pager', async () => {
    await using screen = await open(`${sealpost('mail list --limit 50 -c lab.yaml')}; echo left; sleep 60`, {
      PAGER: 'no-such-pager',
    })
    await screen.shows('left')
    expect(await screen.text()).toContain('Order 12.')
  })

  it('mail names an unknown command and the nearest one', async () => {
    const { status, stderr } = await place.run(['mail', 'lst'])
    expect([status, stderr]).toEqual([2, 'sealpost: unknown command mail lst; did you mean list?\n'])
  })
})
