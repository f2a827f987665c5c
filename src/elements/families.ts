/** How labs are grouped and found in the rail, the gallery and the reproductions. */
import type { LabSummary } from '../engine/protocol';

/** Families in the order shown, with their titles. */
export const familyTitles = {
  matrix: 'Matrix',
  transport: 'Transport',
  attention: 'Attention',
} as const satisfies Record<LabSummary['family'], string>;

/** Labs by family, in the families' order; families without a lab are left out. */
export function byFamily(
  labs: readonly LabSummary[],
): readonly (readonly [LabSummary['family'], readonly LabSummary[]])[] {
  const families = Object.keys(familyTitles) as LabSummary['family'][];
  return families
    .map((family) => [family, labs.filter((lab) => lab.family === family)] as const)
    .filter(([, members]) => members.length > 0);
}

/** Whether every word of the search is in the lab's title, summary, or a paper's title or authors. */
export function matchesSearch(lab: LabSummary, search: string): boolean {
  const text = [lab.id, lab.title, lab.summary, ...lab.papers.flatMap(({ title, authors }) => [title, authors])]
    .join(' ')
    .toLowerCase();
  return search
    .toLowerCase()
    .split(/\s+/)
    .every((word) => text.includes(word));
}
