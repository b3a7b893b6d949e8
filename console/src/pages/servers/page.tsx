import { useRoute } from '../../router.ts'
import { ServerList } from './list.tsx'
import './servers.css'
import { PropertySheet } from './sheet.tsx'

/** The virtual servers, or the property sheet of one. */
export default function ServersPage() {
  const {
    rest: [id],
  } = useRoute()
  return <div class="servers">{id === undefined ? <ServerList /> : <PropertySheet key={id} id={id} />}</div>
}
