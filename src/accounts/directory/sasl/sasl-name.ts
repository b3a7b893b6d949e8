/** Decodes a saslname: `=2C` is a comma, `=3D` an equals sign. Returns undefined if it has another equals sign. RFC 5801 section 4. */
export const decodeSaslName = (name: string): string | undefined =>
  /=(?!2C|3D)/.test(name) ? undefined : name.replaceAll('=2C', ',').replaceAll('=3D', '=')
