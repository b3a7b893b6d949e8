import type { Schemas } from '../../../api/client.ts'
import { Badge } from '../../../components/badge.tsx'
import { Copyable } from '../../../components/copy-button.tsx'
import { Fact } from '../../../components/fact.tsx'
import { wholeTime } from '../../../components/relative-time.tsx'
import { t } from '../../../texts/index.ts'
import { SmimeBadges } from '../smime-badges.tsx'
import type { TabProps } from '../use-message.ts'

/** The signatures and the encryption of a message, layer by layer. */
export default function SmimeTab({ message: { smime } }: TabProps) {
  if (!smime) return null
  return (
    <div class="padded arrival-tab">
      <section>
        <div class="badges">
          <SmimeBadges smime={smime} />
        </div>
        <Reasons texts={smime.problems} />
        <Reasons texts={smime.warnings} />
      </section>
      {smime.layers.map((layer, index) => (
        <Layer key={index} layer={layer} />
      ))}
    </div>
  )
}

const Reasons = ({ texts }: { readonly texts: readonly string[] }) =>
  texts.length === 0 ? null : (
    <ul>
      {texts.map((text, index) => (
        <li key={index}>{text}</li>
      ))}
    </ul>
  )

function Layer({ layer }: { readonly layer: Schemas['SmimeLayer'] }) {
  if (layer.kind === 'compressed')
    return (
      <section>
        <h3>{t('mail.compressed')}</h3>
      </section>
    )
  if (layer.kind === 'signed')
    return (
      <>
        {layer.signers.map((signer, index) => (
          <Signer key={index} signer={signer} />
        ))}
      </>
    )
  return (
    <section>
      <h3>{t('mail.encryptedLayer')}</h3>
      <dl class="facts beside">
        <Fact name={t('mail.cipher')}>
          <code>{layer.cipher}</code>
        </Fact>
        <Fact name={t('mail.openedWith')}>{layer.openedWith ?? '–'}</Fact>
        {layer.recipients.map((recipient, index) => (
          <Fact key={index} name={t('mail.keyFor')}>
            {recipient.certificate ?? recipient.issuer ?? recipient.keyIdentifier}{' '}
            {recipient.serial && <Copyable text={recipient.serial} />} <code>{recipient.method}</code>
          </Fact>
        ))}
      </dl>
    </section>
  )
}

function Signer({ signer }: { readonly signer: Schemas['SmimeSigner'] }) {
  const { valid, name, addresses, issuer, thumbprint, signedAt, algorithm, hash, notAfter } = signer
  return (
    <section>
      <h3>
        {t('mail.signature')}{' '}
        <Badge tone={valid ? 'good' : 'bad'}>{valid ? t('mail.signed') : t('mail.badSignature')}</Badge>
      </h3>
      <dl class="facts beside">
        <Fact name={t('mail.signer')}>
          {name ?? '–'} {addresses.length > 0 && `<${addresses.join(', ')}>`}
        </Fact>
        <Fact name={t('mail.issuer')}>{issuer}</Fact>
        {thumbprint && (
          <Fact name={t('mail.certificate')}>
            <Copyable text={thumbprint} />
          </Fact>
        )}
        {notAfter && <Fact name={t('mail.expires')}>{wholeTime(notAfter)}</Fact>}
        {signedAt && <Fact name={t('mail.signedAt')}>{wholeTime(signedAt)}</Fact>}
        <Fact name={t('mail.algorithm')}>
          <code>
            {algorithm}, {hash}
          </code>
        </Fact>
      </dl>
    </section>
  )
}
