import { foldName, splitAddress, withoutDetail } from '../../../../accounts/directory/names.ts'
import { parseOnDemand } from '../../../../core/config/on-demand/parse.ts'
import { resolveRecipient } from '../../resolve.ts'
import { DeliveryError, type DeliveryServices, type Recipient, type Relaying } from '../../types.ts'

/**
 * Decides where mail for an address goes, as `resolveRecipient` does. Addresses that ask for a report, such as
 * `bounce+550@lab.test`, are captured, or refused immediately. They are ordinary addresses if an account has that name, in mail
 * with the null reverse-path, and if the configuration says so.
 * @throws DeliveryError
 */
export function resolveOnDemand(
  services: DeliveryServices,
  address: string,
  mailFrom: string,
  relay?: Relaying,
): Pick<Recipient, 'destination' | 'onDemand'> {
  const { localPart, domain } = splitAddress(address)
  const onDemand =
    mailFrom !== '' && services.reports?.settings.addresses && services.directory.isLocalDomain(domain)
      ? parseOnDemand(localPart)
      : undefined
  if (!onDemand || isTaken(services, address, localPart))
    return { destination: resolveRecipient(services, address, relay) }
  if (onDemand.kind === 'refuse') {
    throw new DeliveryError('on-demand', `${onDemand.refusal.text} (on demand)`, { reply: onDemand.refusal })
  }
  return { destination: { kind: 'captured', domain: domain.toLowerCase() }, onDemand }
}

/** Returns whether an address belongs to a newsgroup or to an account that exists. An open directory has one for each address. */
function isTaken({ directory, news }: DeliveryServices, address: string, localPart: string): boolean {
  if (news?.groupOf(address) !== undefined) return true
  const account = directory.findByAddress(address)
  if (!account) return false
  if (directory.mode === 'listed' || foldName(account.user) !== foldName(withoutDetail(localPart))) return true
  return directory.accounts().some(({ user }) => foldName(user) === foldName(account.user))
}
