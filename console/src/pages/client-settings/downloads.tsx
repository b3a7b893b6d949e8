import { Download } from 'lucide-preact'
import { useId, useState } from 'preact/hooks'
import { encode } from 'uqr'
import { urlTo } from '../../api/client.ts'
import { urlOf } from '../../base.ts'
import { Copyable } from '../../components/copy-button.tsx'
import { t } from '../../texts/index.ts'
import { maySeePassword } from './account.tsx'
import type { Settings } from './facts.ts'

const files = {
  root: 'lab-ca.pem',
  rootForDevices: 'lab-ca.crt',
  autoconfig: 'config-v1.1.xml',
  autodiscover: 'autodiscover.xml',
  mobileconfig: 'lab.mobileconfig',
} as const
type FileName = keyof typeof files

/** Windows and Android know certificates by this ending. */
const DEVICES = ['outlook', 'k-9']

/** Returns the files that a program can use. Outlook Express needs another root, of the page of the authorities. */
export const downloadsFor = (program: string): readonly FileName[] =>
  program === 'outlook-express' ? [] : filesFor(program)

const filesFor = (program: string): readonly FileName[] => [
  DEVICES.includes(program) ? 'rootForDevices' : 'root',
  ...(program === 'thunderbird' || program === 'k-9' ? (['autoconfig'] as const) : []),
  ...(program === 'outlook' ? (['autodiscover'] as const) : []),
  ...(program === 'apple-mail' ? (['mobileconfig'] as const) : []),
]

const isRoot = (name: FileName): name is 'root' | 'rootForDevices' => name === 'root' || name === 'rootForDevices'

const urlOfFile = (name: FileName, account: string): string =>
  isRoot(name) ? urlTo('authorities.roots', {}) : urlTo('clientSettings.document', { document: name, account })

export const DownloadLink = ({ name, user }: { readonly name: FileName; readonly user: string }) => (
  <a class="button" href={urlOfFile(name, user)} download={files[name]}>
    <Download size={16} aria-hidden="true" />
    {files[name]}
  </a>
)

/** Where programs look for a file by themselves, without the part that is the same for all. */
const foundAt = {
  autoconfig: '.well-known/autoconfig/mail/config-v1.1.xml',
  autodiscover: 'autodiscover/autodiscover.xml',
} as const

const described = ['root', 'autoconfig', 'autodiscover', 'mobileconfig'] as const

/** The files for automatic configuration, and the root. */
export const Downloads = ({ settings: { user } }: { readonly settings: Settings }) => (
  <section class="client-files" aria-label={t('clientSettings.downloads')}>
    <h2>{t('clientSettings.downloads')}</h2>
    <ul>
      {described.map((name) => (
        <li key={name}>
          <div>
            <strong>{t(`clientSettings.download_${name}`)}</strong>
            <p class="hint">
              {t(`clientSettings.hint_${name}`, {
                url: name in foundAt ? location.origin + urlOf(foundAt[name as keyof typeof foundAt]) : '',
              })}
            </p>
          </div>
          <DownloadLink name={name} user={user} />
        </li>
      ))}
    </ul>
  </section>
)

const LOOPBACK = /^(?:localhost|127\.[\d.]+|\[::1\])(?::\d+)?$/

/** The address of the profile as a QR code, for a device with a camera. */
export function Phone({ user }: { readonly user: string }) {
  const id = useId()
  const [host, setHost] = useState(location.host)
  const [hasPassword, includePassword] = useState(false)
  const path = urlTo('clientSettings.document', {
    document: 'mobileconfig',
    account: user,
    ...(hasPassword && { password: true }),
  })
  const url = `${location.protocol}//${host}${path}`
  return (
    <section class="client-phone" aria-label={t('clientSettings.phone')}>
      <QrCode text={url} />
      <div>
        <h3>{t('clientSettings.phone')}</h3>
        <p>{t('clientSettings.phoneHint')}</p>
        <div class="field">
          <label for={id}>{t('clientSettings.phoneHost')}</label>
          <input id={id} value={host} onInput={(event) => setHost(event.currentTarget.value.trim())} />
        </div>
        {LOOPBACK.test(host) && (
          <p class="client-warning serious" role="note">
            {t('clientSettings.phoneLoopback', { host })}
          </p>
        )}
        {maySeePassword() && (
          <label class="check">
            <input type="checkbox" checked={hasPassword} onChange={() => includePassword(!hasPassword)} />
            {t('clientSettings.withPassword')}
          </label>
        )}
        <Copyable text={url} />
      </div>
    </section>
  )
}

/** Quiet zone around a code, in modules. ISO/IEC 18004 section 5.3.8. */
const QUIET = 4

/** A QR code, black on white in both themes, so that cameras read it. */
function QrCode({ text }: { readonly text: string }) {
  const { data, size } = encode(text, { ecc: 'M', border: QUIET })
  const path = data.flatMap((row, y) => row.flatMap((dark, x) => (dark ? [`M${x} ${y}h1v1h-1z`] : []))).join('')
  return (
    <svg
      class="client-qr"
      role="img"
      aria-label={t('clientSettings.qrLabel', { url: text })}
      viewBox={`0 0 ${size} ${size}`}
      shape-rendering="crispEdges"
    >
      <path d={path} />
    </svg>
  )
}
