import { Info, TriangleAlert } from 'lucide-preact'
import type { ComponentChildren } from 'preact'
import { call } from '../../api/client.ts'
import { useLive } from '../../api/use-live.ts'
import { Glyph } from '../../components/icon.tsx'
import { Prose } from '../../components/prose.tsx'
import { hrefOf, pathWith } from '../../router.ts'
import { seesLab } from '../../state/caller.ts'
import { t } from '../../texts/index.ts'
import type { Program, Settings } from './facts.ts'

interface Warning {
  readonly isSerious: boolean
  readonly text: string
  /** The virtual server on whose page it is cured. */
  readonly server?: string | undefined
}

/** Programs that usually run on another device. */
const ELSEWHERE = ['apple-mail', 'k-9', 'outlook-express']

/** Returns what keeps a program from the lab, or is unsafe. */
function warningsFor({ id, servers, needsLegacyTls }: Program, settings: Settings): readonly Warning[] {
  const used = servers.flatMap((own) => {
    const server = settings.servers.find(({ protocol }) => protocol === own.protocol)
    return server ? [{ own, server }] : []
  })
  const listed = (rows: typeof used): string => rows.map(({ own }) => own.protocol.toUpperCase()).join(', ')
  const clear = used.filter(({ own }) => own.security === 'none')
  const refused = clear.filter(({ server }) => server.logonNeedsTls)
  const exposed = clear.filter(({ server }) => !server.logonNeedsTls)
  const encrypted = used.filter(({ own }) => own.security !== 'none')
  const tooNew = encrypted.filter(({ server }) => !server.legacyTls)
  const local = used.filter(({ server }) => server.onlyThisMachine)
  const unnamed = used.filter(({ server }) => !server.onlyThisMachine && server.host === 'localhost')
  return [
    ...(needsLegacyTls && tooNew.length > 0
      ? [
          {
            isSerious: true,
            text: t('clientSettings.legacy', { servers: listed(tooNew) }),
            server: tooNew[0]?.server.virtualServer,
          },
        ]
      : []),
    ...(needsLegacyTls && tooNew.length === 0 && encrypted.length > 0
      ? [{ isSerious: false, text: t('clientSettings.legacyOn') }]
      : []),
    ...(refused.length > 0
      ? [
          {
            isSerious: true,
            text: t('clientSettings.refused', { servers: listed(refused) }),
            server: refused[0]?.server.virtualServer,
          },
        ]
      : []),
    ...(exposed.length > 0 ? [{ isSerious: true, text: t('clientSettings.clear', { servers: listed(exposed) }) }] : []),
    ...(local.length > 0 ? [{ isSerious: ELSEWHERE.includes(id), text: t('clientSettings.loopback') }] : []),
    ...(unnamed.length > 0
      ? [{ isSerious: true, text: t('clientSettings.localhostName', { host: location.hostname }) }]
      : []),
  ]
}

interface NoteProps {
  readonly isSerious: boolean
  readonly text: string
  readonly children?: ComponentChildren
}

/** A line of what to know, with an icon. */
export const Note = ({ isSerious, text, children }: NoteProps) => (
  <div role="note" class={`client-warning ${isSerious ? 'serious' : ''}`}>
    <Glyph icon={isSerious ? TriangleAlert : Info} />
    <p>
      <Prose text={text} /> {children}
    </p>
  </div>
)

export const Warnings = ({ program, settings }: { readonly program: Program; readonly settings: Settings }) => (
  <>
    {warningsFor(program, settings).map(({ isSerious, text, server }) => (
      <Note key={text} isSerious={isSerious} text={text}>
        {server !== undefined && seesLab() && <AccessLink name={server} />}
      </Note>
    ))}
  </>
)

function AccessLink({ name }: { readonly name: string }) {
  const { value } = useLive(
    () => call('virtualServers.list', {}),
    (event) => event.name === 'configuration.reloaded',
  )
  const id = value?.items.find((one) => one.name === name)?.id
  if (id === undefined) return null
  return <a href={hrefOf(pathWith(['servers', id], { tab: 'access' }))}>{t('clientSettings.openAccess')}</a>
}
