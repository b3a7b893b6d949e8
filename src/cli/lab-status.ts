import { askLab } from '../lab/control/client.ts'
import type { LabStatus } from '../lab/control/verbs.ts'

/** What a running lab says of itself. @throws ControlError */
export async function labStatus(socket: string): Promise<LabStatus> {
  return (await askLab(socket, { verb: 'status' })) as LabStatus
}
