import { Download } from 'lucide-preact'
import type { OutputOf } from '../../api/client.ts'
import { Badge } from '../../components/badge.tsx'
import { Copyable } from '../../components/copy-button.tsx'
import { Fact } from '../../components/fact.tsx'
import { RelativeTime, wholeTime } from '../../components/relative-time.tsx'
import { Table } from '../../components/table.tsx'
import { t } from '../../texts/index.ts'

type Service = OutputOf<'authorities.service'>
type Answer = NonNullable<Service['ocsp']>['answers'][number]

const TONES = { good: 'good', revoked: 'bad', unknown: 'warning' } as const

/** The revocation lists of an authority, and what OCSP has answered. */
export const Revocation = ({ service: { crls, ocsp, roots } }: { readonly service: Service }) => (
  <>
    {crls.map(({ url, number, thisUpdate, nextUpdate, revoked }) => (
      <section key={url} aria-label={t('authorities.crl')}>
        <header>
          <h3>{t('authorities.crl')}</h3>
          <a class="button plain" href={url} download="">
            <Download size={16} aria-hidden="true" />
            .crl
          </a>
        </header>
        <dl class="facts">
          <Fact name="URL">
            <Copyable text={url} />
          </Fact>
          <Fact name={t('authorities.crlNumber')}>
            <code>{number}</code>
          </Fact>
          <Fact name={t('authorities.thisUpdate')}>{wholeTime(thisUpdate)}</Fact>
          <Fact name={t('authorities.nextUpdate')}>{wholeTime(nextUpdate)}</Fact>
          <Fact name={t('authorities.listed')}>{t('authorities.revokedCount', { n: revoked })}</Fact>
        </dl>
      </section>
    ))}
    {ocsp && (
      <section aria-label="OCSP">
        <h3>OCSP</h3>
        <dl class="facts">
          <Fact name="URL">
            <Copyable text={ocsp.url} />
          </Fact>
          <Fact name={t('authorities.ask')}>
            <Copyable
              text={`openssl ocsp -issuer lab-ca.pem -cert CERTIFICATE.pem -CAfile lab-ca.pem -url ${ocsp.url}`}
            />
          </Fact>
          {roots && (
            <Fact name={t('authorities.fetchRoots')}>
              <Copyable text={`curl -o lab-ca.pem ${roots}`} />
            </Fact>
          )}
        </dl>
        <h4>{t('authorities.answers')}</h4>
        <Answers answers={ocsp.answers} />
      </section>
    )}
  </>
)

const Answers = ({ answers }: { readonly answers: readonly Answer[] }) =>
  answers.length === 0 ? (
    <p class="hint">{t('authorities.noAnswers')}</p>
  ) : (
    <Table
      caption={t('authorities.answers')}
      rows={answers}
      keyOf={({ at, serial, client }) => `${at} ${serial} ${client}`}
      columns={[
        { name: 'at', title: t('authorities.answeredAt'), cell: ({ at }) => <RelativeTime at={at} /> },
        {
          name: 'status',
          title: t('authorities.state'),
          cell: ({ status }) => <Badge tone={TONES[status]}>{status}</Badge>,
        },
        { name: 'subject', title: t('authorities.subject'), cell: ({ subject }) => subject ?? '–' },
        { name: 'serial', title: t('authorities.serial'), cell: ({ serial }) => <code>{serial}</code> },
        { name: 'client', title: t('authorities.client'), cell: ({ client }) => client },
      ]}
    />
  )
