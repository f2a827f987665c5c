/** Where the playground and its module script live, for links and snippets. */

let home: string | null = null;

/** Tells where the built files are; the embeddable script knows it from its own address. */
export function setHome(url: string): void {
  home = url;
}

/** The playground's page, without anything after `#`. */
export function playgroundUrl(): string {
  const url = new URL(home ?? document.baseURI);
  url.hash = '';
  url.search = '';
  return url.href;
}

/** The module script that other pages load. */
export function embedModuleUrl(): string {
  return new URL('embed.js', playgroundUrl()).href;
}
