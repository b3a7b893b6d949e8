import { call, urlTo } from '../../../api/client.ts'
import { useLoaded } from '../../../api/use-loaded.ts'
import { CopyButton } from '../../../components/copy-button.tsx'
import { hrefOf } from '../../../router.ts'
import { t } from '../../../texts/index.ts'
import { type CertificateDetails, serverNameOf, type VirtualServer } from '../facts.ts'
import { VerdictsOf } from '../verdicts.tsx'
import type { Done } from './finish.ts'

/** Shows the wizard's result: the certificate, who trusts it and the commands that check it, or what is still to do. */
export function DonePage({ done, server }: { readonly done: Done; readonly server: VirtualServer }) {
  const { thumbprint, pem, authority, warnings = [] } = done
  // The link shows why the certificate cannot be read.
  const { value: certificate } = useLoaded(thumbprint ?? '', async (signal) =>
    thumbprint === undefined
      ? undefined
      : ((await call('certificates.get', { name: thumbprint }, { signal })) as unknown as CertificateDetails),
  )
  const next =
    pem !== undefined
      ? t('wizard.sendRequest')
      : thumbprint === undefined
        ? authority === undefined
          ? t('wizard.removed')
          : t('wizard.queued', { authority })
        : t('wizard.installed', { server: server.name })
  return (
    <div class="wizard-done">
      <p>{next}</p>
      {warnings.map((warning) => (
        <p key={warning} class="wizard-verdict warning">
          ⚠ {warning}
        </p>
      ))}
      {pem !== undefined && <pre>{pem}</pre>}
      {certificate && (
        <>
          <p>
            <strong>{certificate.friendlyName}</strong> · {certificate.issuedTo}
          </p>
          <p>{t('wizard.trustedBy', { issuer: certificate.chain.at(-1) ?? certificate.issuer })}</p>
          <VerdictsOf
            server={{ ...server, certificate }}
            serverName={serverNameOf(certificate.names, certificate.issuedTo)}
          />
        </>
      )}
      <div class="buttons">
        {pem !== undefined && (
          <a class="button primary" href={urlTo('requests.get', { for: server.name })} download="certreq.txt">
            {t('wizard.downloadRequest')}
          </a>
        )}
        {pem !== undefined && <CopyButton text={pem}>{t('wizard.copyRequest')}</CopyButton>}
        <a class="button" href={hrefOf(thumbprint === undefined ? '/certificates' : `/certificates/${thumbprint}`)}>
          {t(thumbprint === undefined ? 'certificates.back' : 'wizard.showCertificate')}
        </a>
      </div>
    </div>
  )
}
