import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type LabInput, startLab } from '../../src/testing/index.ts'
import { newFolder } from './folder.ts'
import { type ProgramResult, runProgram } from './run-program.ts'

/** Starts a lab for external client programs, with the accounts alice (secret) and bob (geheim) and a folder for files. */
export async function startClientLab(config: LabInput = {}) {
  const lab = await startLab({
    directory: {
      accounts: [
        { user: 'alice', password: 'secret' },
        { user: 'bob', password: 'geheim' },
      ],
    },
    ...config,
  })
  const folder = newFolder()
  const caFile = join(folder, 'ca.pem')
  writeFileSync(caFile, lab.ca)
  return {
    lab,
    folder,
    /** A file with the lab's root certificate. */
    caFile,
    smtp: lab.server('smtp'),
    pop3: lab.server('pop3'),
    /** Returns the only message in the lab, without its trace fields. @throws if there is not exactly one */
    async only(): Promise<string> {
      const [message, ...others] = await lab.messages()
      if (!message || others.length > 0) throw new Error(`${others.length + (message ? 1 : 0)} messages instead of one`)
      return withoutTrace(message.raw)
    },
    async [Symbol.asyncDispose]() {
      await lab.stop()
    },
  }
}

export type ClientLab = Awaited<ReturnType<typeof startClientLab>>

const TRACE = /^Return-Path: <[^\r]*>\r\nReceived: (?:[^\r]+\r\n[ \t])+[^\r]+\r\n/

/** Removes the trace fields that delivery added at the front of a message. */
function withoutTrace(raw: Buffer): string {
  const text = raw.toString('latin1')
  if (!TRACE.test(text)) throw new Error(`no trace fields: ${text.slice(0, 200)}`)
  return text.replace(TRACE, '')
}

/**
 * Runs `openssl s_client` with STARTTLS and types `input`. The client verifies the chain and the name `localhost`, and
 * sends CRLF line ends.
 */
export const typeOverStartTls = (
  protocol: 'smtp' | 'pop3',
  port: number,
  caFile: string,
  input: string,
): Promise<ProgramResult> => {
  const trust = ['-CAfile', caFile, '-verify_return_error', '-verify_hostname', 'localhost']
  const connection = ['-starttls', protocol, '-connect', `127.0.0.1:${port}`, '-servername', 'localhost']
  return runProgram('openssl', ['s_client', ...connection, ...trust, '-quiet', '-ign_eof', '-crlf'], { input })
}
