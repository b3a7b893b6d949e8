import type { SmimeFacts, SmimeLayer } from '../../mail/smime/types.ts'

/** Returns what a terminal shows of the signatures and the encryption of a message, one fact a line. */
export const smimeLines = ({ layers, problems, warnings }: SmimeFacts): string[] => [
  ...layers.flatMap(layerLines),
  ...problems.map((text) => `! ${text}`),
  ...warnings.map((text) => `(${text})`),
]

function layerLines(layer: SmimeLayer): string[] {
  switch (layer.kind) {
    case 'signed':
      return layer.signers.map(
        ({ valid, name, addresses, algorithm, hash, signedAt }) =>
          `${valid ? 'valid' : 'INVALID'} signature of ${name ?? 'an unknown signer'}${addressesText(addresses)}, ${algorithm} with ${hash}${signedAt ? `, ${signedAt}` : ''}`,
      )
    case 'encrypted':
      return [
        `encrypted with ${layer.cipher}, ${layer.opened ? `opened with the key of "${layer.openedWith}"` : 'not opened'}`,
      ]
    case 'compressed':
      return ['compressed']
  }
}

const addressesText = (addresses: readonly string[]): string =>
  addresses.length === 0 ? '' : ` <${addresses.join(', ')}>`
