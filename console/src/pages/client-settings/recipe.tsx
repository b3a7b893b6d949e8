import type { Block } from 'virtual:recipes'
import { ArrowLeft } from 'lucide-preact'
import type { ComponentChild } from 'preact'
import { Link } from 'wouter-preact'
import { call, type OutputOf } from '../../api/client.ts'
import { useLive } from '../../api/use-live.ts'
import { base } from '../../base.ts'
import { Button } from '../../components/button.tsx'
import { CopyButton } from '../../components/copy-button.tsx'
import { useRecipes } from '../../components/recipe-links.tsx'
import { Skeleton } from '../../components/states.tsx'
import { navigate, pathWith } from '../../router.ts'
import { t } from '../../texts/index.ts'

/** The group whose recipes start a lab of their own, with the ports of `sealpost start`. */
const OWN_LABS = 'CI and containers'
/** The ports of `sealpost start`, which recipes name: port and TLS port. */
const PORTS: Readonly<Record<string, readonly [string, string]>> = {
  smtp: ['3025', '3465'],
  imap4: ['3143', '3993'],
  pop3: ['3110', '3995'],
  nntp: ['3119', '3563'],
}

/** A recipe of the documents, with the address and the ports of this lab. */
export function RecipeView({ name }: { readonly name: string }) {
  const groups = useRecipes()
  const { value: servers } = useLive(
    async () => (await call('virtualServers.list', {})).items,
    (event) => event.name === 'configuration.reloaded',
  )
  if (!groups || !servers) return <Skeleton lines={10} />
  const group = groups.find(({ recipes }) => recipes.some((one) => one.name === name))
  const recipe = group?.recipes.find((one) => one.name === name)
  const own = group?.title === OWN_LABS ? (text: string) => text : ofThisLab(servers)
  const title = recipe?.title ?? t('shell.noPage')
  return (
    <article class="recipe">
      <header>
        <Button
          kind="plain"
          icon={ArrowLeft}
          label={t('shell.clientSettings')}
          onClick={() => navigate('/client-settings')}
        />
        <h2>{title}</h2>
      </header>
      {recipe?.blocks.map((block, at) => (
        <BlockView key={at} block={block} own={own} />
      ))}
    </article>
  )
}

/** Returns what replaces the address and the ports of `sealpost start` in a text. */
function ofThisLab(servers: OutputOf<'virtualServers.list'>['items']) {
  const ports = new Map<string, number>()
  for (const [protocol, usual] of Object.entries(PORTS)) {
    const server = servers.find((one) => one.protocol === protocol)
    for (const [at, port] of [server?.port, server?.tlsPort].entries()) if (port) ports.set(usual[at] as string, port)
  }
  const address = (location.host + base).replace(/\/$/, '')
  return (text: string): string =>
    text.replaceAll('localhost:8025', address).replaceAll(/\b3\d{3}\b/g, (port) => `${ports.get(port) ?? port}`)
}

function BlockView({ block, own }: { readonly block: Block; readonly own: (text: string) => string }) {
  const inline = (text: string): ComponentChild => <Inline text={own(text)} />
  if (block.kind === 'heading') return <h3 lang="en">{inline(block.text)}</h3>
  if (block.kind === 'text') return <p lang="en">{inline(block.text)}</p>
  if (block.kind === 'list')
    return (
      <ul lang="en">
        {block.items.map((item) => (
          <li key={item}>{inline(item)}</li>
        ))}
      </ul>
    )
  if (block.kind === 'code') {
    return (
      <div class="example">
        <pre tabIndex={0}>{own(block.text)}</pre>
        <CopyButton text={`${own(block.text)}\n`} />
      </div>
    )
  }
  const [titles = [], ...rows] = block.rows
  return (
    <div class="table-box" lang="en">
      <table class="table">
        <thead>
          <tr>
            {titles.map((title) => (
              <th key={title}>{inline(title)}</th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={row[0]}>
              {row.map((cell, at) => (
                <td key={at}>{inline(cell)}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

/** A text with `code`, *emphasis* and [links](URL). Other pages of the documents are named only: the lab does not serve them. */
const Inline = ({ text }: { readonly text: string }) =>
  text.split(/(`[^`]+`|\[[^\]]+\]\([^)]+\)|\*[^*]+\*)/).map((part, at) => {
    const [, label = '', to = ''] = /^\[(.+)\]\((.+)\)$/.exec(part) ?? []
    if (/^`.+`$/.test(part)) return <code key={at}>{part.slice(1, -1)}</code>
    if (/^\*.+\*$/.test(part)) return <em key={at}>{part.slice(1, -1)}</em>
    if (label === '') return part
    const recipe = /^(\w[\w-]*)\.md$/.exec(to)?.[1]
    if (recipe)
      return (
        <Link key={at} href={pathWith(['client-settings'], { recipe })}>
          {label}
        </Link>
      )
    if (!to.startsWith('https://')) return label
    return (
      <a key={at} href={to} target="_blank" rel="noreferrer">
        {label}
      </a>
    )
  })
