/** The page's addresses: which view the part after `#` stands for. Links to labs with settings are permalinks. */
import { readPermalink } from './permalink';

/** What the page shows. */
export type Route =
  { readonly view: 'lab'; readonly lab: string } | { readonly view: 'gallery' | 'reproductions' | 'kernels' | 'docs' };

/** The lab that opens where the address names none. */
export const firstLab = 'sinkhorn';

/** Reads an address; what it does not know opens the first lab. */
export function parseRoute(hash: string): Route {
  const link = readPermalink(hash);
  if (link !== null) return { view: 'lab', lab: link.lab };
  const name = /^#?\/([a-z]+)\/?$/.exec(hash)?.[1];
  switch (name) {
    case 'labs':
      return { view: 'gallery' };
    case 'reproductions':
    case 'kernels':
    case 'docs':
      return { view: name };
    default:
      return { view: 'lab', lab: firstLab };
  }
}

/** The plain address of a lab, at its own start. */
export function labAddress(lab: string): string {
  return `#/lab/${encodeURIComponent(lab)}`;
}
