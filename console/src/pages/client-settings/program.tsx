import { Copyable, CopyButton } from '../../components/copy-button.tsx'
import { Fact } from '../../components/fact.tsx'
import { Glyph } from '../../components/icon.tsx'
import { Prose } from '../../components/prose.tsx'
import { hrefOf } from '../../router.ts'
import { icons } from '../../shell/icons.ts'
import { seesLab } from '../../state/caller.ts'
import type { TextKey } from '../../texts/catalogue.ts'
import { t } from '../../texts/index.ts'
import { DownloadLink, downloadsFor, Phone } from './downloads.tsx'
import type { Program, Settings } from './facts.ts'
import { securityText } from './ports.tsx'
import { Warnings } from './warnings.tsx'

/** Programs with dialogs, whose values are entered one by one. The others take a text. */
const WITH_DIALOGS = ['outlook-express', 'outlook', 'thunderbird', 'claws-mail', 'apple-mail', 'k-9']
const WITH_STEPS = [...WITH_DIALOGS, 'mutt', 'mbsync', 'tin']

/** Shows what one program needs: warnings, the values or the text to copy, the steps, and its downloads. */
export function ProgramPanel({ program, settings }: { readonly program: Program; readonly settings: Settings }) {
  const { id, name, servers, text } = program
  const hasDialogs = WITH_DIALOGS.includes(id)
  return (
    <section class="client-program" aria-label={name}>
      <h2>{name}</h2>
      {servers.length === 0 ? (
        <p>{t('clientSettings.nothing')}</p>
      ) : (
        <>
          <Warnings program={program} settings={settings} />
          {hasDialogs ? <Values program={program} settings={settings} /> : <TextBlock text={text} />}
          {WITH_STEPS.includes(id) && <Steps id={id} />}
          {id === 'apple-mail' && <Phone user={settings.user} />}
          <p class="client-downloads">
            {id === 'outlook-express' && seesLab() && (
              <a class="button" href={hrefOf('/authorities')}>
                <Glyph icon={icons.authorities} />
                {t('shell.authorities')}
              </a>
            )}
            {downloadsFor(id).map((one) => (
              <DownloadLink key={one} name={one} user={settings.user} />
            ))}
          </p>
        </>
      )}
    </section>
  )
}

/** A card for each server, with a copy button at each value. */
const Values = ({ program: { servers }, settings }: { readonly program: Program; readonly settings: Settings }) => (
  <div class="client-values">
    {servers.map(({ protocol, port, security }) => {
      const server = settings.servers.find((one) => one.protocol === protocol)
      return (
        <section key={protocol} aria-label={t(`clientSettings.purpose_${protocol}` as TextKey)}>
          <h3>{t(`clientSettings.purpose_${protocol}` as TextKey)}</h3>
          <dl>
            <Fact name={t('clientSettings.server')}>
              <Copyable text={server?.host ?? ''} label={t('clientSettings.copyServer')} />
            </Fact>
            <Fact name={t('clientSettings.port')}>
              <Copyable text={`${port}`} label={t('clientSettings.copyPort')} />
            </Fact>
            <Fact name={t('clientSettings.security')}>{securityText(security)}</Fact>
            <Fact name={t('clientSettings.authentication')}>{waysText(server?.authentication ?? [])}</Fact>
            <Fact name={t('clientSettings.user')}>
              <Copyable text={settings.user} label={t('clientSettings.copyUser')} />
            </Fact>
          </dl>
        </section>
      )
    })}
  </div>
)

/** Returns the ways to log on in words, the one to prefer first. */
const waysText = (ways: readonly string[]): string =>
  (ways.length === 0 ? ['none'] : ways).map((way) => t(`clientSettings.way_${way}` as TextKey)).join(', ')

const TextBlock = ({ text }: { readonly text: string }) => (
  <section class="client-text" aria-label={t('clientSettings.text')}>
    <header>
      <h3>{t('clientSettings.text')}</h3>
      <CopyButton text={`${text}\n`}>{t('clientSettings.copyText')}</CopyButton>
    </header>
    <pre tabIndex={0}>{text}</pre>
  </section>
)

const Steps = ({ id }: { readonly id: string }) => (
  <section aria-label={t('clientSettings.steps')}>
    <h3>{t('clientSettings.steps')}</h3>
    <ol class="client-steps">
      {t(`clientSettings.steps_${id}` as TextKey)
        .split('\n')
        .map((step) => (
          <li key={step}>
            <Prose text={step} />
          </li>
        ))}
    </ol>
  </section>
)
