import { useState } from 'preact/hooks'
import { call, type InputOf } from '../../api/client.ts'
import { problemOf } from '../../api/problem.ts'
import { useLive } from '../../api/use-live.ts'
import { Badge } from '../../components/badge.tsx'
import { Button } from '../../components/button.tsx'
import { Dialog } from '../../components/dialog.tsx'
import { RelativeTime } from '../../components/relative-time.tsx'
import { ProblemState, Skeleton } from '../../components/states.tsx'
import { type Column, Table } from '../../components/table.tsx'
import { notifyProblem } from '../../components/toast.tsx'
import { may } from '../../state/caller.ts'
import { labNow } from '../../state/clock.ts'
import { t } from '../../texts/index.ts'
import type { Authority, Issued } from './facts.ts'

interface IssuedTableProps {
  readonly authority: Authority
  /** Grows with each change of the store. */
  readonly changes: number
  readonly onChange: () => void
}

/** The certificates that an authority has issued, the newest first. */
export function IssuedTable({ authority: { name }, changes, onChange }: IssuedTableProps) {
  const { value: issued, problem } = useLive(
    async () => ((await call('authorities.issued', { name })).items as unknown as Issued[]).toReversed(),
    () => false,
    `${name} ${changes}`,
  )
  const [search, setSearch] = useState('')
  const [revoking, setRevoking] = useState<Issued>()
  const wanted = search.trim().toLowerCase()
  const found = issued?.filter(({ subject, serial, thumbprint }) =>
    [subject, serial, thumbprint].some((text) => text.toLowerCase().includes(wanted)),
  )
  return (
    <section aria-label={t('authorities.issuedBy', { name })}>
      <header>
        <input
          type="search"
          aria-label={t('authorities.search')}
          placeholder={t('authorities.search')}
          value={search}
          onInput={(event) => setSearch(event.currentTarget.value)}
        />
      </header>
      {problem ? (
        <ProblemState problem={problem} />
      ) : !found ? (
        <Skeleton lines={3} />
      ) : found.length === 0 ? (
        <p class="hint">{t('authorities.noneIssued')}</p>
      ) : (
        <Table
          caption={t('authorities.issuedBy', { name })}
          columns={columns(setRevoking)}
          rows={found}
          keyOf={({ serial }) => serial}
          stacks
        />
      )}
      {revoking && (
        <RevokeDialog
          issued={revoking}
          authority={name}
          onClose={() => setRevoking(undefined)}
          onDone={() => {
            setRevoking(undefined)
            onChange()
          }}
        />
      )}
    </section>
  )
}

const columns = (revoke: (issued: Issued) => void): readonly Column<Issued>[] => [
  {
    name: 'subject',
    title: t('authorities.subject'),
    sortBy: ({ subject }) => subject,
    cell: ({ subject }) => <strong>{subject}</strong>,
  },
  { name: 'serial', title: t('authorities.serial'), cell: ({ serial }) => <code>{serial}</code> },
  {
    name: 'until',
    title: t('authorities.until'),
    sortBy: ({ notAfter }) => Date.parse(notAfter),
    cell: ({ notAfter }) => <RelativeTime at={notAfter} />,
  },
  {
    name: 'state',
    title: t('authorities.state'),
    cell: ({ revoked, notAfter }) =>
      revoked ? (
        <Badge tone="bad">{t('authorities.revokedFor', { reason: revoked.reason })}</Badge>
      ) : Date.parse(notAfter) < labNow.value ? (
        <Badge tone="bad">{t('authorities.expired')}</Badge>
      ) : (
        <Badge tone="good">{t('authorities.valid')}</Badge>
      ),
  },
  {
    name: 'actions',
    title: '',
    cell: (one) =>
      may('administer') &&
      !one.revoked && (
        <Button
          kind="plain"
          aria-label={t('authorities.revokeOne', { subject: one.subject })}
          onClick={() => revoke(one)}
        >
          {t('authorities.revoke')}
        </Button>
      ),
  },
]

type Reason = NonNullable<InputOf<'authorities.revoke'>['reason']>

/** Reasons that apply to servers' certificates. RFC 5280 section 5.3.1. */
const reasons: readonly Reason[] = [
  'unspecified',
  'keyCompromise',
  'affiliationChanged',
  'superseded',
  'cessationOfOperation',
]

/** Asks before it revokes: that cannot be undone. */
function RevokeDialog({
  issued: { subject, serial },
  authority,
  onClose,
  onDone,
}: {
  readonly issued: Issued
  readonly authority: string
  readonly onClose: () => void
  readonly onDone: () => void
}) {
  const [reason, setReason] = useState<Reason>('unspecified')
  const revoke = (): Promise<void> =>
    call('authorities.revoke', { certificate: serial, reason }).then(onDone, (error) => notifyProblem(problemOf(error)))
  return (
    <Dialog
      title={t('authorities.revokeOne', { subject })}
      size="small"
      onClose={onClose}
      actions={
        <>
          <Button onClick={onClose}>{t('shell.cancel')}</Button>
          <Button kind="danger" onClick={revoke}>
            {t('authorities.revoke')}
          </Button>
        </>
      }
    >
      <p>{t('authorities.revokeHint', { authority, serial })}</p>
      <div class="field">
        <label for="revocation-reason">{t('authorities.reason')}</label>
        <select
          id="revocation-reason"
          value={reason}
          onInput={(event) => setReason(event.currentTarget.value as Reason)}
        >
          {reasons.map((one) => (
            <option key={one}>{one}</option>
          ))}
        </select>
      </div>
    </Dialog>
  )
}
