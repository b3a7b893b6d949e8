declare module 'virtual:recipes' {
  /** A part of a page of docs/recipes. Texts may have `code`, *emphasis* and [links](URL). */
  export type Block =
    | { readonly kind: 'heading'; readonly text: string }
    | { readonly kind: 'text'; readonly text: string }
    | { readonly kind: 'code'; readonly text: string }
    | { readonly kind: 'list'; readonly items: readonly string[] }
    /** The first row has the titles. */
    | { readonly kind: 'table'; readonly rows: readonly (readonly string[])[] }

  export interface Recipe {
    /** Name of the file: `nodemailer`. */
    readonly name: string
    readonly title: string
    readonly blocks: readonly Block[]
  }

  const groups: readonly { readonly title: string; readonly recipes: readonly Recipe[] }[]
  export default groups
}
