import { Download } from 'lucide-preact'
import { urlTo } from '../../api/client.ts'
import { Copyable } from '../../components/copy-button.tsx'
import type { TextKey } from '../../texts/catalogue.ts'
import { t } from '../../texts/index.ts'
import type { Authority } from './facts.ts'

type FileName = 'lab-ca.pem' | 'lab-ca.p7b' | 'lab-ca.cer'

/** How one platform comes to trust the roots of the lab. */
interface Platform {
  readonly name: string
  /** Without a line: what to do by hand. */
  readonly steps?: TextKey
  readonly line?: string
  readonly files: readonly FileName[]
}

export const platforms: readonly Platform[] = [
  { name: 'Sealpost', steps: 'authorities.stepsSealpost', line: 'sealpost trust install', files: ['lab-ca.pem'] },
  {
    name: 'Windows',
    steps: 'authorities.stepsWindows',
    line: 'certutil -user -addstore Root lab-ca.pem',
    files: ['lab-ca.pem', 'lab-ca.p7b'],
  },
  {
    name: 'macOS',
    line: 'security add-trusted-cert -r trustRoot -k ~/Library/Keychains/login.keychain-db lab-ca.pem',
    files: ['lab-ca.pem'],
  },
  { name: 'iOS, iPadOS', steps: 'authorities.stepsIos', files: ['lab-ca.cer'] },
  { name: 'Android', steps: 'authorities.stepsAndroid', files: ['lab-ca.cer'] },
  {
    name: 'Debian, Ubuntu',
    line: 'sudo cp lab-ca.pem /usr/local/share/ca-certificates/sealpost-lab.crt && sudo update-ca-certificates',
    files: ['lab-ca.pem'],
  },
  {
    name: 'Fedora, RHEL',
    line: 'sudo cp lab-ca.pem /etc/pki/ca-trust/source/anchors/ && sudo update-ca-trust',
    files: ['lab-ca.pem'],
  },
  { name: 'Firefox, Thunderbird', steps: 'authorities.stepsMozilla', files: ['lab-ca.pem'] },
  {
    name: 'Chromium (Linux)',
    line: 'certutil -A -d sql:$HOME/.pki/nssdb -n "Sealpost Lab" -t C,, -i lab-ca.pem',
    files: ['lab-ca.pem'],
  },
  {
    name: 'Java',
    line: 'keytool -importcert -cacerts -noprompt -storepass changeit -alias sealpost-lab -file lab-ca.pem',
    files: ['lab-ca.pem'],
  },
  { name: 'Node.js', line: 'export NODE_EXTRA_CA_CERTS="$PWD/lab-ca.pem"', files: ['lab-ca.pem'] },
  {
    name: 'Python, certbot',
    line: 'export SSL_CERT_FILE="$PWD/lab-ca.pem" REQUESTS_CA_BUNDLE="$PWD/lab-ca.pem"',
    files: ['lab-ca.pem'],
  },
  { name: 'curl', line: 'export CURL_CA_BUNDLE="$PWD/lab-ca.pem"', files: ['lab-ca.pem'] },
]

/** Returns the URL of a file with the roots. DER holds one certificate, so it has the first root. */
export function urlOfFile(
  file: FileName,
  authorities: readonly (Pick<Authority, 'name' | 'ready'> & { readonly role: string })[],
): string | undefined {
  if (file === 'lab-ca.pem') return urlTo('authorities.roots', { format: 'pem' })
  if (file === 'lab-ca.p7b') return urlTo('authorities.roots', { format: 'p7b' })
  const root = authorities.find(({ role, ready }) => role === 'root' && ready)
  return root && urlTo('authorities.export', { name: root.name, format: 'der' })
}

/** How each platform comes to trust the roots of the lab, with the file that it takes. */
export const Trust = ({ authorities }: { readonly authorities: readonly Authority[] }) => (
  <section aria-label={t('authorities.trust')}>
    <h2>{t('authorities.trust')}</h2>
    <p>{t('authorities.trustHint')}</p>
    <dl class="platforms">
      {platforms.map(({ name, steps, line, files }) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>
            {line && <Copyable text={line} />}
            {steps && <p class="hint">{t(steps)}</p>}
          </dd>
          <dd>
            {files.map((file) => (
              <RootsFile key={file} file={file} url={urlOfFile(file, authorities)} platform={name} />
            ))}
          </dd>
        </div>
      ))}
    </dl>
  </section>
)

export const RootsFile = ({
  file,
  url,
  platform,
}: {
  readonly file: FileName
  readonly url: string | undefined
  readonly platform: string
}) =>
  url === undefined ? null : (
    <a class="button plain" href={url} download={file} aria-label={`${platform}: ${file}`}>
      <Download size={16} aria-hidden="true" />
      {file}
    </a>
  )
