import type { SingleCertificateChoice } from '../../../core/config/schema/certificate.ts'
import { certificateNames } from '../certificate/names.ts'
import type { CertificateStore } from '../certificate-store/types.ts'
import { PkiError } from '../errors.ts'
import type { InstalledCertificate } from '../types.ts'
import { defectRecipes, type Recipe, variantRecipes } from './recipes.ts'

/** When the clock moves by more, certificates are made again: `expired` must be expired by the lab's clock. */
const MAX_AGE_MS = 3_600_000

interface Made {
  readonly atMs: number
  readonly certificate: Promise<InstalledCertificate>
}

/** The choices whose certificates are made by a recipe. */
export type RecipeChoice = Extract<SingleCertificateChoice, { readonly kind: 'defect' | 'variant' }>

/** Makes the defective certificates and variants that virtual servers use. Keeps them in memory only. */
export class RecipeCertificates {
  readonly #store: CertificateStore
  readonly #made = new Map<string, Made>()

  constructor(store: CertificateStore) {
    this.#store = store
  }

  /**
   * Returns the certificate of a choice; the same one until the clock has moved by more than an hour.
   * @param names the lab's names, for a choice without a host name
   * @throws PkiError `unknown` if there is no such defect or variant
   */
  async certificateFor(choice: RecipeChoice, names: readonly string[]): Promise<InstalledCertificate> {
    const name = choice.kind === 'defect' ? choice.defect : choice.variant
    const recipe = recipeOf(choice)
    const hosts = choice.hostname === undefined ? names : certificateNames(choice.hostname)
    const key = `${choice.kind} ${name} ${hosts.join()}`
    const atMs = this.#store.clock.now()
    const known = this.#made.get(key)
    if (known && Math.abs(atMs - known.atMs) < MAX_AGE_MS) return known.certificate
    const certificate = this.#make(`${choice.kind}: ${name}`, recipe, hosts)
    this.#made.set(key, { atMs, certificate })
    certificate.catch(() => this.#made.delete(key))
    return certificate
  }

  async #make(friendlyName: string, recipe: Recipe, hosts: readonly string[]): Promise<InstalledCertificate> {
    const { makeByRecipe } = await import('./make.ts')
    return makeByRecipe(this.#store, friendlyName, recipe, hosts)
  }
}

function recipeOf(choice: RecipeChoice): Recipe {
  const [recipes, name] =
    choice.kind === 'defect' ? ([defectRecipes, choice.defect] as const) : ([variantRecipes, choice.variant] as const)
  const found = Object.entries(recipes).find(([known]) => known === name)
  if (found) return found[1]
  throw new PkiError('unknown', `no ${choice.kind} "${name}"; there are: ${Object.keys(recipes).join(', ')}`)
}
