import { Newspaper } from 'lucide-preact'
import { call } from '../../api/client.ts'
import { problemOf } from '../../api/problem.ts'
import { useLoaded } from '../../api/use-loaded.ts'
import { Button } from '../../components/button.tsx'
import { ConnectTo } from '../../components/connect-to.tsx'
import { EmptyState } from '../../components/states.tsx'
import { notify, notifyProblem } from '../../components/toast.tsx'
import { may } from '../../state/caller.ts'
import { t } from '../../texts/index.ts'
import { isControl, type Newsgroup } from './groups.ts'

/** Ways to read and post with programs, by the name of the program. */
const examplesFor = (host: string, port: number, group: string): readonly string[] => [
  `tin -r -g ${host} -p ${port} ${group}`,
  `slrn -h ${host} -p ${port} -f newsrc --create`,
  [
    `python3 -c "import socket; f = socket.create_connection(('${host}', ${port})).makefile('rw', newline='\\r\\n');`,
    `f.readline(); f.write('POST\\n'); f.flush(); f.readline();`,
    `f.write('From: you@example.com\\nNewsgroups: ${group}\\nSubject: Hello\\n\\nIt works\\n.\\n'); f.flush(); print(f.readline())"`,
  ].join(' '),
]

/** A newsgroup without articles: how to post the first one. */
export function FirstArticle({ group }: { readonly group: Newsgroup }) {
  const { value: servers } = useLoaded('servers', (signal) => call('virtualServers.list', {}, { signal }))
  const server = servers?.items.find(({ protocol, port, tlsPort }) => protocol === 'nntp' && (port ?? tlsPort) !== null)
  const { name, posting, moderator } = group
  if (posting === 'no') {
    return (
      <EmptyState icon={Newspaper} title={t('news.empty')}>
        <p>{isControl(group) ? t('news.emptyControl') : t('news.emptyClosed')}</p>
      </EmptyState>
    )
  }
  const { hostname: host } = location
  const port = server?.port ?? server?.tlsPort ?? undefined
  return (
    <EmptyState icon={Newspaper} title={t('news.empty')}>
      <p>{t('news.emptyHint')}</p>
      {moderator !== null && <p>{t('news.moderatedHint', { name, moderator })}</p>}
      {port === undefined ? (
        <p>{t('news.noServer')}</p>
      ) : (
        <ConnectTo host={host} port={port} examples={server?.port === null ? [] : examplesFor(host, port, name)} />
      )}
      {may('change') && (
        <Button kind="primary" onClick={() => void postTest(name)}>
          {t('news.postTest')}
        </Button>
      )}
    </EmptyState>
  )
}

/** Posts an article, so that there is something to look at. */
async function postTest(newsgroup: string): Promise<void> {
  const article = { newsgroups: [newsgroup], subject: t('news.testSubject'), text: t('news.testText') }
  try {
    const { moderator } = await call('articles.post', article)
    if (moderator !== null) notify(t('news.sentToModerator', { moderator }))
  } catch (error) {
    notifyProblem(problemOf(error))
  }
}
