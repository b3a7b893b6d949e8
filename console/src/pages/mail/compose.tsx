import { Paperclip } from 'lucide-preact'
import { useState } from 'preact/hooks'
import { call, type Schemas } from '../../api/client.ts'
import { Button } from '../../components/button.tsx'
import { Dialog } from '../../components/dialog.tsx'
import { Field, Form } from '../../components/form.tsx'
import { wholeTime } from '../../components/relative-time.tsx'
import { notify } from '../../components/toast.tsx'
import { folders } from '../../state/folders.ts'
import { t } from '../../texts/index.ts'
import { composing, type Draft } from './compose-state.ts'
import type { Message } from './use-message.ts'

/** Returns addresses between commas, but not within quotes or angle brackets. */
const addressesIn = (text: string): string[] =>
  (text.match(/(?:"(?:[^"\\]|\\.)*"|<[^>]*>|[^,;])+/g) ?? []).map((one) => one.trim()).filter(Boolean)

/** Writes a message to accounts of the lab. */
export function Compose({ draft }: { readonly draft: Draft }) {
  const [from, setFrom] = useState(draft.from ?? '')
  const [to, setTo] = useState(draft.to ?? '')
  const [cc, setCc] = useState(draft.cc ?? '')
  const [subject, setSubject] = useState(draft.subject ?? '')
  const [text, setText] = useState(draft.text ?? '')
  const [files, setFiles] = useState<readonly File[]>([])
  const close = (): void => {
    composing.value = undefined
  }
  const send = async (): Promise<void> => {
    const attachments = await Promise.all(
      files.map(async (file) => ({
        filename: file.name,
        ...(file.type ? { contentType: file.type } : {}),
        content: await base64(file),
      })),
    )
    await call('messages.send', {
      from: from.trim() || undefined,
      to: addressesIn(to),
      cc: cc.trim() === '' ? undefined : addressesIn(cc),
      subject,
      text,
      headers: draft.headers as Record<string, string> | undefined,
      attachments: attachments.length > 0 ? attachments : undefined,
    })
    notify(t('mail.sentTo', { to }))
    close()
  }
  const accounts = [...new Set((folders.value ?? []).flatMap(({ account }) => account ?? []))]
  return (
    <Dialog title={draft.headers ? t('mail.reply') : t('mail.compose')} size="large" onClose={close}>
      <Form submit={t('mail.send')} fields={['from', 'to', 'cc', 'subject', 'text']} onSubmit={send}>
        <Field
          name="from"
          label={t('mail.from')}
          value={from}
          onInput={setFrom}
          placeholder="sender@example.com"
          list="mail-accounts"
        />
        <Field
          name="to"
          label={t('mail.to')}
          hint={t('mail.toHint')}
          value={to}
          onInput={setTo}
          list="mail-accounts"
          required
          autofocus={!draft.to}
        />
        <Field name="cc" label={t('mail.cc')} value={cc} onInput={setCc} list="mail-accounts" />
        <Field name="subject" label={t('mail.subject')} value={subject} onInput={setSubject} />
        <Field name="text" label={t('mail.text')} value={text} onInput={setText} rows={12} />
        <datalist id="mail-accounts">
          {accounts.map((one) => (
            <option key={one} value={one} />
          ))}
        </datalist>
        <div class="attach">
          <label class="button">
            <Paperclip size={16} aria-hidden="true" />
            {t('mail.attach')}
            <input
              type="file"
              multiple
              class="hidden"
              onChange={(event) => setFiles([...files, ...(event.currentTarget.files ?? [])])}
            />
          </label>
          {files.map((file) => (
            <Button key={file.name} onClick={() => setFiles(files.filter((one) => one !== file))}>
              {file.name} ✕
            </Button>
          ))}
        </div>
      </Form>
    </Dialog>
  )
}

async function base64(file: File): Promise<string> {
  const url = await new Promise<string>((resolve, reject) => {
    const reader = new FileReader()
    reader.onload = () => resolve(reader.result as string)
    reader.onerror = () => reject(reader.error)
    reader.readAsDataURL(file)
  })
  return url.slice(url.indexOf(',') + 1)
}

const written = ({ name, address }: Schemas['Address']): string => (name ? `"${name}" <${address}>` : address)

/** Returns the text of an answer: the message's text, quoted. */
export function quotedText({ from, text, date, receivedAt }: Message): string {
  const lines = text
    .trimEnd()
    .split('\n')
    .map((line) => `> ${line}`.trimEnd())
  const intro = t('mail.wrote', { date: wholeTime(date ?? receivedAt), name: from ? written(from) : '' })
  return `\n\n${intro}\n${lines.join('\n')}\n`
}

/**
 * Returns the beginning of an answer.
 * @param thread References of the message, or In-Reply-To without them
 * @param toAll whether the other recipients get it, too
 */
export function replyTo(message: Message, thread: string, toAll: boolean): Draft {
  const { from, replyTo: wanted, to, cc, subject, messageId, account } = message
  const others = [...to, ...cc].filter(({ address }) => account === null || !address.startsWith(`${account}@`))
  const above = thread.match(/<[^<>\s]+>/g) ?? []
  return {
    from:
      to.find(({ address }) => account !== null && address.startsWith(`${account}@`))?.address ?? account ?? undefined,
    to: (wanted.length > 0 ? wanted : from ? [from] : []).map(written).join(', '),
    cc: toAll ? others.map(written).join(', ') : '',
    subject: /^re:/i.test(subject) ? subject : `Re: ${subject}`,
    text: quotedText(message),
    headers: messageId ? { 'In-Reply-To': messageId, References: [...above, messageId].join(' ') } : {},
  }
}
