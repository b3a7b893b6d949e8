import { useRoute } from '../../router.ts'
import { AuditForm } from './audit-form.tsx'
import { JobView } from './job.tsx'
import { Overview } from './overview.tsx'
import { VerifyForm } from './verify-form.tsx'
import './verify.css'

/** Examines servers (verify) and clients (audit): what to run, what has run, and the results. */
export default function VerifyPage() {
  const { rest } = useRoute()
  const [first, second] = rest
  return <div class="verify">{pageOf(first, second)}</div>
}

function pageOf(first: string | undefined, second: string | undefined) {
  if (first === undefined) return <Overview />
  if (first === 'new') return second === 'audit' ? <AuditForm /> : <VerifyForm />
  return <JobView key={first} id={first} />
}
